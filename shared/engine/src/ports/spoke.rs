//! The ports of the functions in an environment.

use async_trait::async_trait;
use jiff::Timestamp;
use tidegate_events::AlarmChanged;
use tidegate_policy::deploy::{Endpoint, Probe, QueuedSample, RunningConfig, RunningModel, ScalableTarget};
use tidegate_policy::endpoint::{Component, EndpointConfigSpec, ModelSpec, Rollout, RunningComponent};
use tidegate_policy::file::Sample;
use tidegate_policy::owner::Tags;
use tidegate_policy::respond::MonitorReport;

use crate::CallError;

use tidegate_policy::scale::{ScalableResource, TargetTracking};

pub use tidegate_policy::scale::{InvocationQuery, Window};

/// SageMaker endpoints, endpoint configurations, models and inference components. Creating a resource that exists
/// already succeeds. Each method that changes something returns a description of what it did.
#[async_trait]
pub trait Endpoints: Send + Sync {
    /// Describes an endpoint. Returns `None` if it does not exist.
    async fn endpoint(&self, name: &str) -> Result<Option<Endpoint>, CallError>;
    /// Returns the names of the endpoints and inference components that changed since a time. What was deleted is not in
    /// the list.
    async fn changed_since(&self, since: Timestamp) -> Result<Vec<String>, CallError>;
    /// Describes an inference component. Returns `None` if it does not exist.
    async fn component(&self, name: &str) -> Result<Option<RunningComponent>, CallError>;
    /// Describes the configuration that an endpoint runs, with its models and its limits in Application Auto Scaling. A
    /// configuration or model that was deleted has no settings.
    async fn running_config(&self, name: &str, endpoint: &Endpoint) -> Result<RunningConfig, CallError>;
    /// Describes a model. Returns `None` if it does not exist.
    async fn model(&self, name: &str) -> Result<Option<RunningModel>, CallError>;
    /// Returns the limits of a component's copies in Application Auto Scaling, or `None` if it has none.
    async fn component_limits(&self, name: &str) -> Result<Option<ScalableTarget>, CallError>;
    /// Adds tags to an endpoint or a component, by its ARN.
    async fn add_tags(&self, arn: &str, tags: &[(String, String)]) -> Result<String, CallError>;
    /// Returns the tags of an endpoint or a component, by its ARN. A resource that does not exist has none.
    async fn tags(&self, arn: &str) -> Result<Tags, CallError>;
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
    /// Updates an endpoint to another configuration. With `keep_instances` it keeps its number of instances.
    async fn update_endpoint(
        &self,
        name: &str,
        config: &str,
        rollout: &Rollout,
        keep_instances: bool,
    ) -> Result<String, CallError>;
    /// Creates an inference component on an endpoint.
    async fn create_component(
        &self,
        component: &Component,
        tags: &[(String, String)],
    ) -> Result<String, CallError>;
    /// Updates the model of an inference component. With `keep_copies` it keeps its number of copies.
    async fn update_component(&self, component: &Component, keep_copies: bool) -> Result<String, CallError>;
    /// Begins the deletion of an endpoint. An endpoint that does not exist is a success.
    async fn delete_endpoint(&self, name: &str) -> Result<String, CallError>;
    /// Begins the deletion of an inference component. A component that does not exist is a success.
    async fn delete_component(&self, name: &str) -> Result<String, CallError>;
}

/// SageMaker Runtime, for the sample request.
#[async_trait]
pub trait Sampler: Send + Sync {
    /// Sends one request. A response is [`Probe::Replied`]. An error response is [`Probe::Failed`], or [`Probe::NotReady`] if it may pass, and a missing
    /// response is [`Probe::Silent`]. None of them is an `Err`.
    async fn ask(&self, endpoint: &str, component: Option<&str>, sample: &Sample)
    -> Result<Probe, CallError>;
    /// Puts one request into the queue of an asynchronous endpoint. It is [`Probe::Queued`] if SageMaker accepts it, and as
    /// above if not.
    async fn enqueue(&self, endpoint: &str, sample: &Sample) -> Result<Probe, CallError>;
    /// Looks for the objects that tell the end of a request in the queue: its answer, or its failure as
    /// [`Probe::Failed`]. [`Probe::Silent`] if there is neither.
    async fn find_answer(&self, sample: &QueuedSample) -> Result<Probe, CallError>;
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
    /// Returns the names of all alarms of the account that are in the state ALARM now.
    async fn all_in_alarm(&self) -> Result<Vec<String>, CallError>;
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

/// Application Auto Scaling, and the number of instances or copies.
#[async_trait]
pub trait Capacity: Send + Sync {
    /// Returns the limits of each resource in Application Auto Scaling, in the order of the resources, or `None` for one
    /// that has none.
    async fn limits(&self, of: &[ScalableResource]) -> Result<Vec<Option<ScalableTarget>>, CallError>;
    /// Sets the limits of a resource, and the policy with which its capacity follows the traffic.
    async fn set_target_tracking(&self, target: &TargetTracking) -> Result<String, CallError>;
    /// Deletes the policy with which the capacity follows the traffic, and the limits unless another policy uses them.
    async fn remove_target_tracking(&self, resource: &ScalableResource) -> Result<String, CallError>;
    /// Sets the minimum and the maximum number of copies of a component.
    async fn set_capacity_limits(&self, component: &str, min: u32, max: u32) -> Result<String, CallError>;
    /// Ensures that the alarm exists which scales the component from zero when a request finds no capacity.
    async fn ensure_scale_from_zero_alarm(&self, component: &str) -> Result<String, CallError>;
    /// Ensures that the alarm exists which scales an asynchronous endpoint from zero when a request waits in its queue. An
    /// endpoint that is not registered is registered with this maximum.
    async fn ensure_backlog_alarm(&self, endpoint: &str, max: u32) -> Result<String, CallError>;
    /// Gives an endpoint this number of instances if it has none.
    async fn ensure_instances(&self, endpoint: &str, instances: u32) -> Result<String, CallError>;
    /// Sets the number of copies of a component.
    async fn set_copy_count(&self, component: &str, copies: u32) -> Result<String, CallError>;
}
