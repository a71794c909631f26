//! What an environment's functions need.

use async_trait::async_trait;
use jiff::Timestamp;
use tidegate_events::AlarmChanged;
use tidegate_policy::deploy::{Endpoint, Probe};
use tidegate_policy::endpoint::{Component, ProductionVariant, Rollout, RunningComponent};
use tidegate_policy::respond::MonitorReport;

use crate::CallError;

pub use tidegate_policy::scale::InvocationQuery;

/// SageMaker endpoints, their configurations, models and components. Making what exists already is success; each
/// method says in words what it did.
#[async_trait]
pub trait Endpoints: Send + Sync {
    /// An endpoint as it is.
    async fn endpoint(&self, name: &str) -> Result<Option<Endpoint>, CallError>;
    /// A component as it is.
    async fn component(&self, name: &str) -> Result<Option<RunningComponent>, CallError>;
    /// Makes the model of a package.
    async fn create_model(&self, name: &str, package_arn: &str) -> Result<String, CallError>;
    /// Makes a configuration.
    async fn create_config(&self, name: &str, variant: &ProductionVariant) -> Result<String, CallError>;
    /// Makes an endpoint.
    async fn create_endpoint(
        &self,
        name: &str,
        config: &str,
        tags: &[(String, String)],
    ) -> Result<String, CallError>;
    /// Gives an endpoint another configuration.
    async fn update_endpoint(&self, name: &str, config: &str, rollout: &Rollout)
    -> Result<String, CallError>;
    /// Puts a model on an endpoint of components.
    async fn create_component(&self, component: &Component) -> Result<String, CallError>;
    /// Gives a component another model.
    async fn update_component(&self, component: &Component) -> Result<String, CallError>;
}

/// SageMaker Runtime.
#[async_trait]
pub trait Sampler: Send + Sync {
    /// Sends one request. An answer with an error is a [`Probe::Failed`], and none at all is
    /// [`Probe::Silent`], not an `Err`.
    async fn ask(
        &self,
        endpoint: &str,
        component: Option<&str>,
        content_type: &str,
        body: &str,
    ) -> Result<Probe, CallError>;
}

/// Monitoring reports in S3.
#[async_trait]
pub trait Reports: Send + Sync {
    /// Reads a report. One that is missing or damaged is `Unreadable`, not an `Err`.
    async fn read(&self, bucket: &str, key: &str) -> Result<MonitorReport, CallError>;
}

/// CloudWatch alarms.
#[async_trait]
pub trait Alarms: Send + Sync {
    /// Of these alarms, the ones that are in ALARM now, as their state change would have told it.
    async fn in_alarm(&self, names: &[String]) -> Result<Vec<AlarmChanged>, CallError>;
}

/// CloudWatch metrics.
#[async_trait]
pub trait Metrics: Send + Sync {
    /// For each query the invocations until now, in the same order; `None` where CloudWatch could not tell. `now` is when
    /// this invocation began: what came since counts as well. 500 queries go into one call.
    async fn invocations(
        &self,
        queries: &[InvocationQuery],
        now: Timestamp,
    ) -> Result<Vec<Option<u64>>, CallError>;
}

/// Application Auto Scaling, and the number of copies of a component.
#[async_trait]
pub trait Capacity: Send + Sync {
    /// Between how many copies a component may have.
    async fn set_capacity_limits(&self, component: &str, min: u32, max: u32) -> Result<String, CallError>;
    /// Makes sure that a request without capacity brings the component back.
    async fn ensure_scale_from_zero_alarm(&self, component: &str) -> Result<String, CallError>;
    /// Sets the copies of a component.
    async fn set_copy_count(&self, component: &str, copies: u32) -> Result<String, CallError>;
}
