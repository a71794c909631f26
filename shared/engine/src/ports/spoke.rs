//! The ports of the functions in an environment.

use async_trait::async_trait;
use jiff::Timestamp;
use tidegate_events::AlarmChanged;
use tidegate_policy::deploy::{Endpoint, Probe};
use tidegate_policy::endpoint::{Component, EndpointConfigSpec, ModelSpec, Rollout, RunningComponent};
use tidegate_policy::respond::MonitorReport;

use crate::CallError;

pub use tidegate_policy::scale::InvocationQuery;

/// SageMaker endpoints, endpoint configurations, models and inference components. Creating a resource that exists
/// already succeeds. Each method that changes something returns a description of what it did.
#[async_trait]
pub trait Endpoints: Send + Sync {
    /// Describes an endpoint. Returns `None` if it does not exist.
    async fn endpoint(&self, name: &str) -> Result<Option<Endpoint>, CallError>;
    /// Describes an inference component. Returns `None` if it does not exist.
    async fn component(&self, name: &str) -> Result<Option<RunningComponent>, CallError>;
    /// Creates a model from a model package.
    async fn create_model(&self, model: &ModelSpec) -> Result<String, CallError>;
    /// Creates an endpoint configuration.
    async fn create_config(&self, config: &EndpointConfigSpec) -> Result<String, CallError>;
    /// Creates an endpoint.
    async fn create_endpoint(
        &self,
        name: &str,
        config: &str,
        tags: &[(String, String)],
    ) -> Result<String, CallError>;
    /// Updates an endpoint to another configuration.
    async fn update_endpoint(&self, name: &str, config: &str, rollout: &Rollout)
    -> Result<String, CallError>;
    /// Creates an inference component on an endpoint.
    async fn create_component(&self, component: &Component) -> Result<String, CallError>;
    /// Updates the model of an inference component.
    async fn update_component(&self, component: &Component) -> Result<String, CallError>;
}

/// SageMaker Runtime, for the sample request.
#[async_trait]
pub trait Sampler: Send + Sync {
    /// Sends one request. An error response is [`Probe::Failed`], or [`Probe::NotReady`] if it may pass, and a missing
    /// response is [`Probe::Silent`]. None of them is an `Err`.
    async fn ask(
        &self,
        endpoint: &str,
        component: Option<&str>,
        content_type: &str,
        body: &str,
    ) -> Result<Probe, CallError>;
}

/// The monitoring reports in S3.
#[async_trait]
pub trait Reports: Send + Sync {
    /// Reads a report. A report that is missing or invalid is `Unreadable`, not an `Err`.
    async fn read(&self, bucket: &str, key: &str) -> Result<MonitorReport, CallError>;
}

/// CloudWatch alarms.
#[async_trait]
pub trait Alarms: Send + Sync {
    /// Returns those of the given alarms that are in the state ALARM now, in the form of their state change event.
    async fn in_alarm(&self, names: &[String]) -> Result<Vec<AlarmChanged>, CallError>;
}

/// CloudWatch metrics.
#[async_trait]
pub trait Metrics: Send + Sync {
    /// Returns the number of invocations for each query, in the order of the queries, or `None` where CloudWatch
    /// returned no result. `now` is the time at which this invocation began; later requests are counted as well. One
    /// API call contains up to 500 queries.
    async fn invocations(
        &self,
        queries: &[InvocationQuery],
        now: Timestamp,
    ) -> Result<Vec<Option<u64>>, CallError>;
}

/// Application Auto Scaling, and the number of copies of a component.
#[async_trait]
pub trait Capacity: Send + Sync {
    /// Sets the minimum and the maximum number of copies of a component.
    async fn set_capacity_limits(&self, component: &str, min: u32, max: u32) -> Result<String, CallError>;
    /// Ensures that the alarm exists which scales the component from zero when a request finds no capacity.
    async fn ensure_scale_from_zero_alarm(&self, component: &str) -> Result<String, CallError>;
    /// Sets the number of copies of a component.
    async fn set_copy_count(&self, component: &str, copies: u32) -> Result<String, CallError>;
}
