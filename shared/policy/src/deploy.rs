//! deploy: updates an endpoint to the requested version with SageMaker calls, and verifies that the version serves.
//!
//! [`converge()`] is a reconciliation step: at each event, check or sweep it compares what runs with what was
//! requested, and either calls SageMaker, waits, or reports. `InService` alone proves nothing.

mod accept_request;
mod action;
mod aws_health;
mod begin;
mod compare;
mod component;
mod controller;
mod converge;
mod end;
mod failed;
mod health;
mod health_check;
mod hold;
mod invariants;
mod live;
mod on_deferred;
mod on_precondition_failed;
mod on_rejected;
mod overdue;
mod ownership;
mod precondition;
mod rolled_back;
mod running_config;
mod sample;
mod withdrawn;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_events::{
    AlarmChanged, ApprovalStatus, DeploymentFinished, DeploymentRequested, EndpointStatus,
};

use crate::artifacts::Container;
use crate::decision::Decision;
use crate::hold::{Hold, Holds, Released};
use crate::owner::Tags;
use crate::site::Site;

use action::{check_soon, schedule_check};

pub use crate::endpoint::{Component, ComponentStatus, Rollout, RunningComponent, VARIANT};
pub use accept_request::{accept_request, reject_unauthorized};
pub use action::{Action, still_applies};
pub use compare::{DeployedImage, RunningContainer, RunningModel, needs_comparison};
pub use controller::{DeployController, Need, Trigger};
pub use converge::{
    SAMPLE_TTL_SECONDS, converge, needs_component_tags, needs_endpoint_tags, needs_probe,
    needs_running_config, should_record,
};
pub use hold::{decide_hold, release};
pub use live::{Condition, Live, Serving, ServingComponent, Unhealthy};
pub use on_deferred::on_deferred;
pub use on_precondition_failed::on_precondition_failed;
pub use on_rejected::on_rejected;
pub use precondition::{Current, precondition};
pub use rolled_back::needs_alarms;
pub use running_config::{RunningConfig, ScalableTarget, Setting, SettingKind};
pub use sample::{Answer, SampleCall, TRIES, is_too_slow, judged, sample_call};

/// The function's name.
pub const NAME: &str = "deploy";

/// deploy's decisions.
pub type Deploy = Decision<State, Action>;

/// The state that the ledger stores for a model in this environment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// The deployment that has not ended.
    pub in_flight: Option<InFlight>,
    /// The version that runs, as last verified.
    pub live: Option<Live>,
    /// The version that ran before it.
    pub previous: Option<Live>,
    /// The last outcome that was reported, to answer a repeated request.
    pub last_report: Option<Report>,
    /// The newest request that was ever accepted. Requests arrive in any order, and an older one is obsolete.
    #[serde(default)]
    pub newest_request: Option<NewestRequest>,
    /// When an ended deployment last requested a change of the component, and thereby set its number of copies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies_set_at: Option<Timestamp>,
    /// Which endpoint and component were last seen in service.
    #[serde(default, skip_serializing_if = "InService::is_empty")]
    pub in_service: InService,
    /// The holds that are in effect, on this environment or on the whole model.
    #[serde(default, skip_serializing_if = "Holds::is_empty")]
    pub holds: Holds,
    /// When holds were last released.
    #[serde(default, skip_serializing_if = "Released::is_empty")]
    pub released: Released,
}

impl State {
    /// The hold that is in effect in this environment, its own or the model's. The state stores only holds that
    /// concern it.
    #[must_use]
    pub fn hold(&self) -> Option<&Hold> {
        let commanded_at = self.in_flight.as_ref().and_then(|in_flight| in_flight.request.commanded_at);
        self.holds.values().rev().find(|hold| commanded_at.is_none_or(|at| hold.at > at))
    }

    /// This state, with the times of creation of what is in service.
    fn having_seen(self, seen: &Snapshot) -> Self {
        let endpoint = seen.endpoint.as_ref().filter(|found| found.status == EndpointStatus::InService);
        let component = seen.component.as_ref().filter(|found| found.status == ComponentStatus::InService);
        let in_service = InService {
            endpoint: endpoint.and_then(|found| found.created).max(self.in_service.endpoint),
            component: component.and_then(|found| found.created).max(self.in_service.component),
        };
        Self { in_service, ..self }
    }

    /// When a change of the component was last requested, by the deployment in flight or an earlier one.
    fn last_told(&self) -> Option<Timestamp> {
        self.in_flight
            .as_ref()
            .and_then(|in_flight| in_flight.component_update_requested_at)
            .max(self.copies_set_at)
    }
}

/// The times at which the endpoint and the component were created that were last seen in service. What was created
/// later has never served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InService {
    /// The endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Timestamp>,
    /// The component.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<Timestamp>,
}

impl InService {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The newest request that was ever accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewestRequest {
    /// Its version.
    pub version: u64,
    /// When the hub created the request.
    pub requested_at: Timestamp,
    /// When its version was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Timestamp>,
}

/// A deployment that has not ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InFlight {
    /// The request.
    pub request: DeploymentRequested,
    /// When the request was accepted.
    pub accepted_at: Timestamp,
    /// When a change of the endpoint was last requested.
    pub endpoint_update_requested_at: Option<Timestamp>,
    /// The endpoint's last modification before that request, by SageMaker's clock.
    #[serde(default)]
    pub endpoint_modified_before: Option<Timestamp>,
    /// When a change of the component was last requested.
    pub component_update_requested_at: Option<Timestamp>,
    /// The component's last modification before that request, by SageMaker's clock.
    #[serde(default)]
    pub component_modified_before: Option<Timestamp>,
    /// The endpoint's failure reason before that request: one that stays is not the cause of a new failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_failure_before: Option<String>,
    /// The component's failure reason before its request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component_failure_before: Option<String>,
    /// Since when the endpoint has served without answering the sample request, if it does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unresponsive_since: Option<Timestamp>,
    /// The sample request that an asynchronous endpoint was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<QueuedSample>,
    /// How many samples were answered as expected.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub samples_answered: u32,
    /// The call for which AWS does not find what it refers to, and since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_visible: Option<NotVisible>,
    /// What people were told about: the kind of the resource whose change takes too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_overdue: Option<String>,
    /// The number of checks so far.
    pub checks: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// A sample request in the queue of an asynchronous endpoint, by the objects in S3 that tell its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedSample {
    /// Where the answer will be.
    pub output: String,
    /// Where it will be why there is no answer, if the endpoint stores that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A call that refers to something that AWS does not find.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotVisible {
    /// The operation.
    pub operation: String,
    /// When the call was first rejected.
    pub since: Timestamp,
}

/// An outcome that was reported to the hub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The report as it was sent.
    pub finished: DeploymentFinished,
}

/// The observed AWS resources.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// The package's approval status in the hub's registry; `None` if the package does not exist or cannot be read.
    pub approval: Option<ApprovalStatus>,
    /// The fingerprint of the package's images and model data, if they are known.
    pub artifacts: Option<String>,
    /// The containers of the package; empty if they are not known.
    pub containers: Vec<Container>,
    /// The endpoint, if it exists.
    pub endpoint: Option<Endpoint>,
    /// The endpoint's tags; `None` if they were not read, because nothing would change it now.
    pub endpoint_tags: Option<Tags>,
    /// The inference component, if it exists.
    pub component: Option<RunningComponent>,
    /// The component's tags; `None` if they were not read.
    pub component_tags: Option<Tags>,
    /// What the endpoint runs; `None` if it was not read, because no update would replace it now, and nothing is compared
    /// with the version.
    pub running_config: Option<RunningConfig>,
    /// The model of the version; `None` if it was not read or does not exist.
    pub model: Option<RunningModel>,
    /// The limits of the component's copies in Application Auto Scaling, if it has any and they were read.
    pub component_limits: Option<ScalableTarget>,
    /// The alarms of the rollout that are in the state ALARM. They are read only if SageMaker rolled the deployment back.
    pub alarms: Vec<AlarmChanged>,
    /// The result of the sample request that was sent last; `None` if none was sent.
    pub probe: Option<Probe>,
    /// The index of that sample among the samples of the policy. All before it were answered as expected.
    pub sample: u32,
}

/// An endpoint as SageMaker describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Its ARN.
    pub arn: String,
    /// Its status.
    pub status: EndpointStatus,
    /// The active configuration. During an update this is the previous one.
    pub config: Option<String>,
    /// The configuration that an update in progress applies.
    pub pending_config: Option<String>,
    /// SageMaker's reason for the last failure. It may be set while the endpoint is in service with its old
    /// configuration, and it may still be set after a later success, so it is evidence only together with the status
    /// and the configuration. <https://github.com/hashicorp/terraform-provider-aws/issues/39099>
    pub failure: Option<String>,
    /// The images that its variants run, shadow variants included.
    pub images: Vec<DeployedImage>,
    /// The number of instances that its variant should have; `None` if it has none by its kind.
    pub desired_instances: Option<u32>,
    /// When it was created. An endpoint that was deleted and created again has the same name and another time.
    pub created: Option<Timestamp>,
    /// When it last changed.
    pub last_modified: Option<Timestamp>,
}

impl Endpoint {
    /// The images that its variants run.
    fn images(&self) -> &[DeployedImage] {
        &self.images
    }

    /// The configuration that an update in progress applies, otherwise the active one. While an update is in
    /// progress, the pending configuration counts, because the endpoint is replacing the active one.
    #[must_use]
    pub fn heads_for(&self) -> Option<&str> {
        self.pending_config.as_deref().or(self.config.as_deref())
    }
}

/// The result of the sample request.
#[derive(Debug, Clone, PartialEq)]
pub enum Probe {
    /// A response as expected, with its HTTP status.
    Answered(u16),
    /// A response that was not compared with what is expected yet.
    Replied(Answer),
    /// A response that is not as expected, and how.
    Unexpected(String),
    /// An error, as text.
    Failed(String),
    /// No response before the timeout: the model may still be loading, or it may hang.
    Silent,
    /// An error with which a model answers that is still starting, as text.
    NotReady(String),
    /// The request is in the queue of an asynchronous endpoint.
    Queued(QueuedSample),
}
