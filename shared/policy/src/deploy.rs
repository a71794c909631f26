//! deploy: the calls that make an endpoint be the requested version, and whether it truly is.
//!
//! [`converge`] is a loop in slow motion: each event, check or sweep compares what runs with what was requested and
//! either calls SageMaker, waits, or reports. `InService` alone proves nothing.

mod accept_request;
mod action;
mod begin;
mod component;
mod controller;
mod converge;
mod end;
mod hold;
mod invariants;
mod on_precondition_failed;
mod on_rejected;
mod precondition;
mod withdrawn;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_events::{ApprovalStatus, DeploymentFinished, DeploymentRequested, EndpointStatus};

use crate::decision::Decision;
use crate::hold::{Hold, Holds, Released};
use crate::site::Site;

use action::schedule_check;

pub use crate::endpoint::{Component, ComponentStatus, Rollout, RunningComponent, VARIANT};
pub use accept_request::{accept_request, reject_unauthorized};
pub use action::{Action, still_applies};
pub use controller::{DeployController, Need, Trigger};
pub use converge::{converge, needs_probe, should_record};
pub use hold::{decide_hold, release};
pub use on_precondition_failed::on_precondition_failed;
pub use on_rejected::on_rejected;
pub use precondition::{Current, precondition};

/// The function's name.
pub const NAME: &str = "deploy";

/// deploy's decisions.
pub type Deploy = Decision<State, Action>;

/// What the ledger remembers for a model in this environment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// The deployment that has not ended.
    pub in_flight: Option<InFlight>,
    /// What runs, as far as we verified it.
    pub live: Option<Live>,
    /// What ran before.
    pub previous: Option<Live>,
    /// The last outcome that was reported, to answer a repeated request.
    pub last_report: Option<Report>,
    /// The newest request that was ever taken up: requests arrive in any order, and an older one is over.
    #[serde(default)]
    pub newest_request: Option<NewestRequest>,
    /// When a deployment that is over last told the component to change, and with that set its copies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies_set_at: Option<Timestamp>,
    /// The holds that stand, on this environment or on the whole model.
    #[serde(default, skip_serializing_if = "Holds::is_empty")]
    pub holds: Holds,
    /// When holds were last released.
    #[serde(default, skip_serializing_if = "Released::is_empty")]
    pub released: Released,
}

impl State {
    /// The hold that stands in this environment, its own or the model's. Only holds that concern it are remembered here.
    #[must_use]
    pub fn hold(&self) -> Option<&Hold> {
        self.holds.values().next_back()
    }

    /// When the component was last told to change, by the deployment in flight or one before it.
    fn last_told(&self) -> Option<Timestamp> {
        self.in_flight
            .as_ref()
            .and_then(|in_flight| in_flight.component_update_requested_at)
            .max(self.copies_set_at)
    }
}

/// The newest request that was ever taken up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewestRequest {
    /// Its version.
    pub version: u64,
    /// When the hub made it.
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
    /// When it was taken up.
    pub accepted_at: Timestamp,
    /// When the endpoint was last told to change.
    pub endpoint_update_requested_at: Option<Timestamp>,
    /// When, by SageMaker's clock, it had last changed at that moment.
    #[serde(default)]
    pub endpoint_modified_before: Option<Timestamp>,
    /// When the component was last told to change.
    pub component_update_requested_at: Option<Timestamp>,
    /// When, by SageMaker's clock, it had last changed at that moment.
    #[serde(default)]
    pub component_modified_before: Option<Timestamp>,
    /// Since when it serves and does not answer the sample, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unresponsive_since: Option<Timestamp>,
    /// How often it was looked at again without an event.
    pub checks: u32,
}

/// A version that was seen running.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// The version.
    pub version: u64,
    /// Its ARN.
    pub package_arn: String,
    /// The endpoint's configuration.
    pub config: String,
    /// The request that brought it.
    pub request_id: String,
    /// When it was verified.
    pub at: Timestamp,
}

/// An outcome that was reported to the hub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The report as it was sent.
    pub finished: DeploymentFinished,
}

/// What was observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The package's approval in the hub's registry; `None` if it is not there or not readable.
    pub approval: Option<ApprovalStatus>,
    /// The endpoint, if it exists.
    pub endpoint: Option<Endpoint>,
    /// The inference component, if it exists.
    pub component: Option<RunningComponent>,
    /// What the sample request gave; `None` while nobody has asked.
    pub probe: Option<Probe>,
}

/// An endpoint as SageMaker describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Its status.
    pub status: EndpointStatus,
    /// The configuration that runs. During an update that is the one from before.
    pub config: Option<String>,
    /// The configuration that it is on its way to.
    pub pending_config: Option<String>,
    /// Why it failed.
    pub failure: Option<String>,
    /// When it last changed.
    pub last_modified: Option<Timestamp>,
}

impl Endpoint {
    /// The configuration that it is on its way to, or else has. While a deployment is pending, it is what counts: the
    /// endpoint leaves its present configuration.
    #[must_use]
    pub fn heads_for(&self) -> Option<&str> {
        self.pending_config.as_deref().or(self.config.as_deref())
    }
}

/// What the sample request gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Probe {
    /// An answer, with its status.
    Answered(u16),
    /// An error, in words.
    Failed(String),
    /// Nothing in the time that it was given: the model may still be loading, or hang.
    Silent,
}
