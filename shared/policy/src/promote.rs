//! promote: which version goes to which environment now, what it waits for, or why it goes no further.

mod action;
mod approval;
mod controller;
mod due;
mod enter;
pub mod gates;
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

use crate::arn::Arn;
use crate::decision::{Decision, Verdict};
use crate::file::Policy;
use crate::hold::{Holds, Released};
use crate::reason::Reason;
use crate::site::Site;

use action::stopped;
use enter::enter_or_wait;

pub use action::{Action, still_applies};
pub use approval::decide_approval;
pub use controller::{Need, PromoteController};
pub use hold::{decide_hold, decide_release};
pub use lost_changes::{Candidate, approval_of, is_newer, lost_withdrawal, reapproved};
pub use on_rejected::on_rejected;
pub use overdue::decide_sweep;
use overdue::next_check;
pub use report::{decide_check, decide_report};
pub use trigger::Trigger;

/// The function's name.
pub const NAME: &str = "promote";

/// promote's decisions.
pub type Promote = Decision<State, Action>;

/// What the ledger remembers for a model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// The promotion that was begun last.
    pub promotion: Option<Promotion>,
    /// The holds that stand.
    #[serde(default, skip_serializing_if = "Holds::is_empty")]
    pub holds: Holds,
    /// When holds were last released.
    #[serde(default, skip_serializing_if = "Released::is_empty")]
    pub released: Released,
}

impl State {
    /// The same holds, and this promotion.
    fn with(&self, promotion: Promotion) -> Self {
        Self { promotion: Some(promotion), ..self.clone() }
    }

    /// The promotion, if the change is about its version.
    fn promotion_of(&self, change: &ModelPackageChanged, version: u64) -> Option<&Promotion> {
        let of_this =
            |p: &&Promotion| p.version == version && p.package_arn.eq_ignore_ascii_case(&change.arn);
        self.promotion.as_ref().filter(of_this)
    }
}

/// One approved version on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promotion {
    /// The version.
    pub version: u64,
    /// Its ARN.
    pub package_arn: String,
    /// When the registry took the approval down.
    pub approved_at: Timestamp,
    /// How far it is, by environment.
    pub environments: BTreeMap<String, EnvironmentStatus>,
    /// The newest version whose promotion was ever begun: the sweep begins only newer ones.
    pub newest_version: u64,
    /// Set when it goes no further.
    pub stopped: bool,
    /// When the registry took down that it was last rejected, or its approval taken back, also if it had stopped by then: an
    /// approval after that is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_at: Option<Timestamp>,
    /// Who approved it, by environment: each person once, and when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub approvals: BTreeMap<String, BTreeMap<String, Timestamp>>,
    /// The environments whose people were asked to approve it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub approvals_requested: BTreeSet<String>,
    /// What it waits for, as it was last recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<Blocker>,
}

impl Promotion {
    /// The same after its approval was rejected or taken back: it goes no further.
    fn without_approval(&self, at: Timestamp) -> Self {
        Self { stopped: true, rejected_at: self.rejected_at.max(Some(at)), ..self.clone() }
    }
}

/// The gate that keeps a promotion out of its next environment. A sweep records it once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocker {
    /// The environment.
    pub environment: String,
    /// The reason's code.
    pub reason: String,
    /// When it opens by itself, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// How far a version is in one environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum EnvironmentStatus {
    /// The environment was asked.
    Requested {
        /// Under this id.
        request_id: String,
        /// At this time.
        at: Timestamp,
        /// How often it was asked again, because it did not answer.
        #[serde(default, skip_serializing_if = "is_zero")]
        retries: u32,
    },
    /// It reported success.
    Succeeded {
        /// At this time.
        at: Timestamp,
    },
    /// It reported anything else.
    Failed {
        /// At this time.
        at: Timestamp,
        /// The reported reason.
        cause: String,
    },
}

impl EnvironmentStatus {
    /// When it was taken.
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

/// What the registry says about a package now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its approval status.
    pub approval: ApprovalStatus,
    /// Its own status.
    pub status: PackageStatus,
}

/// Decides about a change in the registry.
///
/// `package` is what the registry says now; it is only needed, and only looked at, for an approval.
pub fn decide_package(
    policy: &Policy,
    state: &State,
    site: &Site,
    change: &ModelPackageChanged,
    package: Option<&Package>,
    now: Timestamp,
) -> Promote {
    if let Some(decided) = ignorable(state, site, change) {
        return decided;
    }
    let version = change.version.unwrap_or_default();
    match &change.approval {
        ApprovalStatus::Rejected => rejected(state, change, version, now),
        ApprovalStatus::Approved => approved(policy, state, change, version, package, now),
        ApprovalStatus::PendingManualApproval => taken_back(state, change, version),
        ApprovalStatus::Unknown(status) => {
            Decision::new(Verdict::Ignore, Reason::UnknownApproval { status: status.clone() })
        }
        ApprovalStatus::Absent => {
            Decision::new(Verdict::Ignore, Reason::UnknownApproval { status: "absent".to_owned() })
        }
    }
}

/// What an event alone can rule out, before anything is read from AWS.
#[must_use]
pub fn ignorable(state: &State, site: &Site, change: &ModelPackageChanged) -> Option<Promote> {
    let ignore = |reason| Some(Decision::new(Verdict::Ignore, reason).evidence("package", &change.arn));
    let Some(arn) = Arn::parse(&change.arn) else {
        return ignore(Reason::ForeignArn { arn: change.arn.clone() });
    };
    if arn.account != site.account || arn.region != site.region || !arn.fits_its_partition() {
        return ignore(Reason::ForeignArn { arn: change.arn.clone() });
    }
    let Some(version) = change.version else { return ignore(Reason::Unversioned) };
    if let Some(fields) = change.updated_fields.as_deref() {
        // An update of metadata carries the old `Approved` along. Only a change of the approval itself counts.
        if !fields.iter().any(|f| f == "ModelApprovalStatus") {
            let reason = match fields {
                [only] if only == "ModelLifeCycle" => Reason::LifecycleOnly,
                fields => Reason::MetadataOnly { fields: fields.join(", ") },
            };
            return ignore(reason);
        }
    }
    if change.approval == ApprovalStatus::Approved {
        // Events that say nothing about the status have been seen; then the registry's word alone counts.
        let unsaid = change.status == PackageStatus::Unknown(String::new());
        if !unsaid && change.status != PackageStatus::Completed {
            return ignore(Reason::NotCompleted { status: change.status.to_string() });
        }
        if let Some(current) = &state.promotion {
            let same = current.package_arn.eq_ignore_ascii_case(&change.arn);
            // Without the list of changed fields a later time proves nothing: it may have been metadata again. Unless
            // it was rejected in between.
            let unsaid = change.updated_fields.is_none() && !(same && is_again(current, change));
            if same && unsaid {
                return ignore(Reason::AlreadyPromoting { version });
            }
            // Nor does it for another version, unless that one cannot have been approved before.
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

/// Whether an approval of the promotion's version was given after its last rejection.
fn is_again(current: &Promotion, change: &ModelPackageChanged) -> bool {
    current.rejected_at.is_some_and(|rejected| change.last_modified.is_some_and(|at| at > rejected))
}

fn approved(
    policy: &Policy,
    state: &State,
    change: &ModelPackageChanged,
    version: u64,
    package: Option<&Package>,
    now: Timestamp,
) -> Promote {
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
    // Our clock may be behind SageMaker's: what is told now is not older than what is on its way.
    let before = state.promotion.as_ref();
    let promotion = Promotion {
        version,
        package_arn: change.arn.clone(),
        approved_at: change.last_modified.unwrap_or(before.map_or(now, |before| before.approved_at.max(now))),
        environments: BTreeMap::new(),
        newest_version: before.map_or(version, |before| before.newest_version.max(version)),
        stopped: false,
        rejected_at: None,
        approvals: BTreeMap::new(),
        approvals_requested: BTreeSet::new(),
        blocked_by: None,
    };
    let replaced = state.promotion.as_ref().map_or_else(|| "none".to_owned(), |p| p.version.to_string());
    enter_or_wait(policy, state, promotion, first, Reason::Approved { version }, now)
        .evidence("package", &change.arn)
        .evidence("promotion_before", replaced)
}

/// A version waits for its approval: a new one, or one whose approval was taken back. Only an event that says so, and when,
/// counts as the latter.
fn taken_back(state: &State, change: &ModelPackageChanged, version: u64) -> Promote {
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
        // An approval that may follow is a new one.
        return waits.state(state.with(next));
    }
    let reason = Reason::ApprovalWithdrawn { version, status: change.approval.to_string() };
    let subject = format!("the approval of version {version} was taken back");
    let alert = stopped(&subject, &reason.to_string(), promotion);
    Decision::new(Verdict::Stop, reason)
        .evidence("package", &change.arn)
        .plan(vec![alert])
        .state(state.with(next))
}

fn rejected(state: &State, change: &ModelPackageChanged, version: u64, now: Timestamp) -> Promote {
    let Some(promotion) = state.promotion_of(change, version) else {
        return Decision::new(Verdict::Ignore, Reason::RejectedElsewhere { version });
    };
    let at = change.last_modified.unwrap_or_else(|| now.max(promotion.approved_at));
    if at < promotion.approved_at {
        // Told late: since then it was approved again.
        return Decision::new(Verdict::Ignore, Reason::OlderRejection { version })
            .evidence("package", &change.arn);
    }
    let next = promotion.without_approval(at);
    if promotion.stopped {
        // Nothing is left to stop, but the approval that may follow is not the one from before.
        return Decision::new(Verdict::Ignore, Reason::RejectedElsewhere { version }).state(state.with(next));
    }
    let reason = Reason::Rejected { version };
    let alert = stopped(&format!("version {version} was rejected"), &reason.to_string(), promotion);
    Decision::new(Verdict::Stop, reason)
        .evidence("package", &change.arn)
        .plan(vec![alert])
        .state(state.with(next))
}
