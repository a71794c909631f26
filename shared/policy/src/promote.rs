//! promote: decides which version is requested in which environment, what a promotion waits for, and why it stops.

mod action;
mod advice;
mod announce;
mod approval;
mod check_report;
mod controller;
mod due;
mod enter;
mod facts;
mod force;
mod freeze;
pub mod gates;
mod health;
mod hold;
mod invariants;
mod lost_changes;
mod on_rejected;
mod overdue;
mod package_change;
mod report;
mod rollback;
pub mod transitions;
mod trigger;
mod verified;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tidegate_events::{ApprovalStatus, PackageStatus};

use crate::decision::Decision;
use crate::file::Policy;
use crate::freeze::Freezes;
use crate::hold::{self as holds, Hold, Holds, Released};

use overdue::next_check;

pub use action::{Action, still_applies};
pub use check_report::{CheckReport, CheckReports};
pub use controller::{Need, PromoteController};
pub use facts::{
    AlarmFact, AuthorsNeed, Fact, FeatureGroup, GateFacts, GateNeeds, VersionDetails, VersionFacts,
    VersionNeed,
};
pub use lost_changes::{Candidate, approval_of, is_newer, lost_withdrawal, reapproved};
pub use on_rejected::on_rejected;
pub use trigger::Trigger;
pub use verified::VerifiedVersion;

/// The function's name.
pub const NAME: &str = "promote";

/// promote's decisions.
pub type Promote = Decision<State, Action>;

/// The state that the ledger stores for a model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// The promotion that began last.
    pub promotion: Option<Promotion>,
    /// The holds that are in effect.
    #[serde(default, skip_serializing_if = "Holds::is_empty")]
    pub holds: Holds,
    /// When holds were last released.
    #[serde(default, skip_serializing_if = "Released::is_empty")]
    pub released: Released,
    /// The freezes of the model. Under the name [`crate::freeze::FLEET`], those of every model.
    #[serde(default, skip_serializing_if = "Freezes::is_empty")]
    pub freezes: Freezes,
    /// The versions that succeeded in each environment, newest success first: the live one, and the ways back.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub verified: BTreeMap<String, Vec<VerifiedVersion>>,
    /// When each environment went back without a person.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rollbacks: BTreeMap<String, Vec<Timestamp>>,
    /// The versions that people were told of when they appeared in the registry.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub announced: BTreeSet<u64>,
    /// The results of checks by other tools.
    #[serde(default, skip_serializing_if = "CheckReports::is_empty")]
    pub checks: CheckReports,
}

impl State {
    /// A copy of this state with the same holds and the given promotion.
    fn with(&self, promotion: Promotion) -> Self {
        Self { promotion: Some(promotion), ..self.clone() }
    }

    /// The hold because of which a promotion cannot enter an environment.
    fn hold_against(&self, promotion: &Promotion, environment: &str) -> Option<&Hold> {
        let commanded_at = promotion.command(environment).map(|command| command.at);
        holds::against(&self.holds, environment, promotion.version, commanded_at)
    }
}

/// The promotion of one approved version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promotion {
    /// The version.
    pub version: u64,
    /// Its ARN.
    pub package_arn: String,
    /// When the registry recorded the approval; for a rollback, when it was decided.
    pub approved_at: Timestamp,
    /// The fingerprint of the package's images and model data when its approval was read, if they were known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<String>,
    /// The status in each environment.
    pub environments: BTreeMap<String, EnvironmentStatus>,
    /// The newest version whose promotion has ever begun. The sweep begins promotions only of newer versions.
    pub newest_version: u64,
    /// Whether the promotion has stopped.
    pub stopped: bool,
    /// When the registry last recorded that the version was rejected or that its approval was withdrawn, even if the
    /// promotion had already stopped. An approval after this time is a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_at: Option<Timestamp>,
    /// Who approved the version and when, by environment. Each person is stored once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub approvals: BTreeMap<String, BTreeMap<String, Timestamp>>,
    /// The environments for which people were requested to approve the version.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub approvals_requested: BTreeSet<String>,
    /// What the promotion waits for, as last recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<Blocker>,
    /// Why the version is deployed again, if it takes the place of a later one. It then enters only the environments that
    /// go back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// The environments that the version enters past their gates, because a person forced it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub forced: BTreeMap<String, Command>,
}

/// The return of environments to a version that they served before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollback {
    /// The version whose place it takes.
    pub from: u64,
    /// The ARN of that version.
    pub from_arn: String,
    /// The environments that go back.
    pub environments: BTreeSet<String>,
    /// The reason, as a message.
    pub cause: String,
    /// The command of the person who requested it; `None` if the policy did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
}

/// A person's command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// When it was given.
    pub at: Timestamp,
    /// The person.
    pub by: String,
    /// The reason, in the person's words.
    pub reason: String,
}

impl Promotion {
    /// The command of a person to deploy the version in an environment, past the gates.
    fn command(&self, environment: &str) -> Option<&Command> {
        let of_rollback = || self.rollback.as_ref().and_then(|rollback| rollback.command.as_ref());
        self.forced.get(environment).or_else(of_rollback)
    }

    /// A copy of this promotion, stopped because its approval was rejected or withdrawn.
    fn without_approval(&self, at: Timestamp) -> Self {
        Self { stopped: true, rejected_at: self.rejected_at.max(Some(at)), ..self.clone() }
    }
}

/// The gate that keeps a promotion from entering its next environment. A sweep records it once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocker {
    /// The environment.
    pub environment: String,
    /// The reason's code.
    pub reason: String,
    /// When the gate opens without an event, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Every closed gate that needs facts of AWS, as it was last seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<SeenGate>,
}

/// A closed gate, as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenGate {
    /// The name of the gate.
    pub gate: String,
    /// The code of the reason.
    pub reason: String,
    /// The message of the reason.
    pub message: String,
    /// When the gate opens without an event, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// The status of a version in one environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum EnvironmentStatus {
    /// The deployment was requested.
    Requested {
        /// The ID of the request.
        request_id: String,
        /// When the request was sent.
        at: Timestamp,
        /// How often the request was sent again because no report arrived.
        #[serde(default, skip_serializing_if = "is_zero")]
        retries: u32,
        /// The last answer of the environment: what its deployment waits for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        waits_for: Option<WaitsFor>,
    },
    /// The environment reported success.
    Succeeded {
        /// When the report was received.
        at: Timestamp,
    },
    /// The environment reported any other outcome.
    Failed {
        /// When the report was received.
        at: Timestamp,
        /// The reported reason.
        cause: String,
    },
}

/// What an environment said that its deployment waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitsFor {
    /// The message of its reason.
    pub detail: String,
    /// When the answer was received.
    pub at: Timestamp,
}

impl EnvironmentStatus {
    /// When this status was set.
    pub(crate) fn at(&self) -> Timestamp {
        match self {
            Self::Requested { at, .. } | Self::Succeeded { at } | Self::Failed { at, .. } => *at,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it may skip by reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// The current state of a package in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its approval status.
    pub approval: ApprovalStatus,
    /// The package status.
    pub status: PackageStatus,
    /// The fingerprint of its images and its model data, if they are known.
    pub artifacts: Option<String>,
}

/// What promote reads before it decides.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// The package that was approved; `None` if it does not exist, or was not read.
    pub package: Option<Package>,
    /// The newest approved version before the one that was rejected or that failed while it serves: the way back.
    pub earlier: Option<Candidate>,
    /// What the gates of the next environment need.
    pub gates: GateFacts,
    /// The versions to which an environment could go back, by ARN. Those that do not exist are missing.
    pub ways_back: BTreeMap<String, Package>,
}

/// The inputs of a decision besides its trigger.
#[derive(Debug, Clone, Copy)]
struct Inputs<'a> {
    policy: &'a Policy,
    state: &'a State,
    seen: &'a Snapshot,
    now: Timestamp,
}
