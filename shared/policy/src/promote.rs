//! promote: decides which version is requested in which environment, what a promotion waits for, and why it stops.

mod action;
mod advice;
mod approval;
mod controller;
mod due;
mod enter;
mod facts;
mod freeze;
pub mod gates;
mod health;
mod hold;
mod invariants;
mod lost_changes;
mod on_rejected;
mod overdue;
mod report;
mod trigger;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tidegate_events::{ApprovalStatus, ModelPackageChanged, PackageStatus};

use crate::arn::foreign;
use crate::decision::{Decision, Verdict};
use crate::file::Policy;
use crate::freeze::Freezes;
use crate::hold::{Holds, Released};
use crate::reason::Reason;
use crate::site::Site;

use action::stopped;
use advice::after_withdrawal;
use enter::enter_or_wait;
use overdue::next_check;

pub use action::{Action, still_applies};
pub use controller::{Need, PromoteController};
pub use facts::{GateFacts, GateNeeds};
pub use lost_changes::{Candidate, approval_of, is_newer, lost_withdrawal, reapproved};
pub use on_rejected::on_rejected;
pub use trigger::Trigger;

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
}

impl State {
    /// A copy of this state with the same holds and the given promotion.
    fn with(&self, promotion: Promotion) -> Self {
        Self { promotion: Some(promotion), ..self.clone() }
    }

    /// The promotion, if the change concerns its version.
    fn promotion_of(&self, change: &ModelPackageChanged, version: u64) -> Option<&Promotion> {
        let of_this =
            |p: &&Promotion| p.version == version && p.package_arn.eq_ignore_ascii_case(&change.arn);
        self.promotion.as_ref().filter(of_this)
    }
}

/// The promotion of one approved version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promotion {
    /// The version.
    pub version: u64,
    /// Its ARN.
    pub package_arn: String,
    /// When the registry recorded the approval.
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
    /// Who made the version: who pushed its commit, or who started the execution that registered it. Empty if unknown.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub authors: BTreeSet<String>,
    /// What the promotion waits for, as last recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<Blocker>,
}

impl Promotion {
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
}

/// The inputs of a decision besides its trigger.
#[derive(Debug, Clone, Copy)]
struct Inputs<'a> {
    policy: &'a Policy,
    state: &'a State,
    seen: &'a Snapshot,
    now: Timestamp,
}

/// Decides about a change in the registry.
fn decide_package(inputs: &Inputs<'_>, site: &Site, change: &ModelPackageChanged) -> Promote {
    let Inputs { state, seen, now, .. } = *inputs;
    if let Some(decided) = ignorable(state, site, change) {
        return decided;
    }
    let version = change.version.unwrap_or_default();
    match &change.approval {
        ApprovalStatus::Rejected => rejected(state, change, version, seen.earlier.as_ref(), now),
        ApprovalStatus::Approved => approved(inputs, change, version),
        ApprovalStatus::PendingManualApproval => taken_back(state, change, version, seen.earlier.as_ref()),
        ApprovalStatus::Unknown(status) => {
            Decision::new(Verdict::Ignore, Reason::UnknownApproval { status: status.clone() })
        }
        ApprovalStatus::Absent => {
            Decision::new(Verdict::Ignore, Reason::UnknownApproval { status: "absent".to_owned() })
        }
    }
}

/// Decides from the event alone, before AWS is called, whether the change can be ignored.
#[must_use]
pub fn ignorable(state: &State, site: &Site, change: &ModelPackageChanged) -> Option<Promote> {
    let ignore = |reason| Some(Decision::new(Verdict::Ignore, reason).evidence("package", &change.arn));
    if let Some(foreign) = foreign(&change.arn, &site.account, &site.region) {
        return ignore(foreign);
    }
    let Some(version) = change.version else { return ignore(Reason::Unversioned) };
    if let Some(fields) = change.updated_fields.as_deref() {
        // An update of metadata repeats the old `Approved`. Only a change of the approval itself counts.
        if !fields.iter().any(|f| f == "ModelApprovalStatus") {
            let reason = match fields {
                [only] if only == "ModelLifeCycle" => Reason::LifecycleOnly,
                fields => Reason::MetadataOnly { fields: fields.join(", ") },
            };
            return ignore(reason);
        }
    }
    if change.approval == ApprovalStatus::Approved {
        // Some events contain no package status. For these, only the status in the registry counts.
        let unsaid = change.status == PackageStatus::Unknown(String::new());
        if !unsaid && change.status != PackageStatus::Completed {
            return ignore(Reason::NotCompleted { status: change.status.to_string() });
        }
        if let Some(current) = &state.promotion {
            let same = current.package_arn.eq_ignore_ascii_case(&change.arn);
            // Without the list of changed fields, a later time proves nothing: the change may concern metadata only.
            // The exception is a version that was rejected in between.
            let unsaid = change.updated_fields.is_none() && !(same && is_again(current, change));
            if same && unsaid {
                return ignore(Reason::AlreadyPromoting { version });
            }
            // The same applies to another version, unless it cannot have been approved before.
            if unsaid && version <= current.newest_version {
                return ignore(Reason::ChangedFieldsUnknown { version });
            }
            match change.last_modified {
                Some(at) if at < current.approved_at => {
                    return ignore(Reason::OlderApproval { version, current: current.version });
                }
                Some(at) if at > current.approved_at => {}
                _ if same => return ignore(Reason::AlreadyPromoting { version }),
                _ => {}
            }
        }
    }
    None
}

/// Whether the promotion's version was approved after its last rejection.
fn is_again(current: &Promotion, change: &ModelPackageChanged) -> bool {
    current.rejected_at.is_some_and(|rejected| change.last_modified.is_some_and(|at| at > rejected))
}

fn approved(inputs: &Inputs<'_>, change: &ModelPackageChanged, version: u64) -> Promote {
    let Inputs { policy, state, seen, now } = *inputs;
    let package = seen.package.as_ref();
    match package {
        None => return Decision::new(Verdict::Reject, Reason::PackageMissing { arn: change.arn.clone() }),
        Some(p) if p.approval != ApprovalStatus::Approved => {
            let status = p.approval.to_string();
            return Decision::new(Verdict::Ignore, Reason::ApprovalWithdrawn { version, status });
        }
        Some(p) if p.status != PackageStatus::Completed => {
            return Decision::new(Verdict::Ignore, Reason::NotCompleted { status: p.status.to_string() });
        }
        Some(_) => {}
    }
    let Some(first) = policy.environments.first() else {
        return Decision::new(
            Verdict::Reject,
            Reason::EnvironmentNotInPolicy { environment: "(none)".to_owned() },
        );
    };
    // Our clock may be behind SageMaker's: a change reported now is not older than the current promotion.
    let before = state.promotion.as_ref();
    let promotion = Promotion {
        version,
        package_arn: change.arn.clone(),
        approved_at: change.last_modified.unwrap_or(before.map_or(now, |before| before.approved_at.max(now))),
        artifacts: package.and_then(|package| package.artifacts.clone()),
        environments: BTreeMap::new(),
        newest_version: before.map_or(version, |before| before.newest_version.max(version)),
        stopped: false,
        rejected_at: None,
        approvals: BTreeMap::new(),
        approvals_requested: BTreeSet::new(),
        authors: BTreeSet::new(),
        blocked_by: None,
    };
    let replaced = state.promotion.as_ref().map_or_else(|| "none".to_owned(), |p| p.version.to_string());
    enter_or_wait(inputs, promotion, first, Reason::Approved { version })
        .evidence("package", &change.arn)
        .evidence("promotion_before", replaced)
}

/// A version waits for its approval: either it is new, or its approval was withdrawn. It counts as withdrawn only if
/// the event says so and contains the time.
fn taken_back(
    state: &State,
    change: &ModelPackageChanged,
    version: u64,
    earlier: Option<&Candidate>,
) -> Promote {
    let waits = Decision::new(Verdict::Ignore, Reason::AwaitingApproval { version });
    let changed = |fields: &[String]| fields.iter().any(|field| field == "ModelApprovalStatus");
    let said = change.updated_fields.as_deref().is_some_and(changed);
    let promotion = state.promotion_of(change, version).filter(|_| said);
    let Some((promotion, at)) = promotion.zip(change.last_modified) else { return waits };
    if at <= promotion.approved_at {
        return waits;
    }
    let next = promotion.without_approval(at);
    if promotion.stopped {
        // A later approval is a new one.
        return waits.state(state.with(next));
    }
    let reason = Reason::ApprovalWithdrawn { version, status: change.approval.to_string() };
    let subject = format!("the approval of version {version} was taken back");
    let advice = after_withdrawal(promotion, earlier);
    let alert = stopped(&subject, &reason.to_string(), promotion, &advice);
    Decision::new(Verdict::Stop, reason)
        .evidence("package", &change.arn)
        .plan(vec![alert])
        .state(state.with(next))
}

fn rejected(
    state: &State,
    change: &ModelPackageChanged,
    version: u64,
    earlier: Option<&Candidate>,
    now: Timestamp,
) -> Promote {
    let Some(promotion) = state.promotion_of(change, version) else {
        return Decision::new(Verdict::Ignore, Reason::RejectedElsewhere { version });
    };
    let at = change.last_modified.unwrap_or_else(|| now.max(promotion.approved_at));
    if at < promotion.approved_at {
        // The event arrived late: the version was approved again after it.
        return Decision::new(Verdict::Ignore, Reason::OlderRejection { version })
            .evidence("package", &change.arn);
    }
    let next = promotion.without_approval(at);
    if promotion.stopped {
        // There is no promotion left to stop, but a later approval differs from the earlier one.
        return Decision::new(Verdict::Ignore, Reason::RejectedElsewhere { version }).state(state.with(next));
    }
    let reason = Reason::Rejected { version };
    let advice = after_withdrawal(promotion, earlier);
    let alert = stopped(&format!("version {version} was rejected"), &reason.to_string(), promotion, &advice);
    Decision::new(Verdict::Stop, reason)
        .evidence("package", &change.arn)
        .plan(vec![alert])
        .state(state.with(next))
}
