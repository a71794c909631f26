//! Decides about a change of a model package in the registry, by the table in [`transitions`](super::transitions).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tidegate_events::{ApprovalStatus, ModelPackageChanged, PackageStatus};

use super::action::stopped;
use super::advice::{after_withdrawal, go_back};
use super::announce::announce;
use super::enter::enter_or_wait;
use super::rollback;
use super::transitions::{Case, Changed, Ignored, Known, Order, Status, Transition, transition};
use super::{Inputs, Package, Promote, Promotion, State};
use crate::arn::foreign;
use crate::decision::{Decision, Verdict};
use crate::hold::{self, ALL, Hold};
use crate::people::subject;
use crate::reason::Reason;
use crate::site::Site;
use crate::step::Step;

/// Decides about a change in the registry.
pub(super) fn decide_package(inputs: &Inputs<'_>, site: &Site, change: &ModelPackageChanged) -> Promote {
    let found = match classify(inputs.state, site, change) {
        Ok(found) => found,
        Err(reason) => return ignore(reason, change),
    };
    match found {
        Transition::Begin => approved(inputs, change, None),
        Transition::BeginAndHold => approved(inputs, change, inputs.state.promotion.as_ref()),
        Transition::Stop => stop(inputs, change, true),
        Transition::StopOnly => stop(inputs, change, false),
        Transition::Undo => undo(inputs, change),
        Transition::Warn => warn(inputs, change),
        Transition::Record => record(inputs.state, change),
        Transition::Ignore(Ignored::AwaitingApproval) => {
            let waits = ignore(ignored(Ignored::AwaitingApproval, inputs.state, change), change);
            announce(inputs, change, waits)
        }
        Transition::Ignore(why) => ignore(ignored(why, inputs.state, change), change),
    }
}

/// What the change leads to; or the reason why it is not judged at all.
pub(super) fn classify(
    state: &State,
    site: &Site,
    change: &ModelPackageChanged,
) -> Result<Transition, Reason> {
    if let Some(foreign) = foreign(&change.arn, &site.account, &site.region) {
        return Err(foreign);
    }
    let Some(version) = change.version else { return Err(Reason::Unversioned) };
    let found = transition(case(state, change, version));
    // Some events contain no package status. For these, only the status in the registry counts.
    let unsaid = change.status == PackageStatus::Unknown(String::new());
    let begins = matches!(found, Transition::Begin | Transition::BeginAndHold);
    if begins && !unsaid && change.status != PackageStatus::Completed {
        return Err(Reason::NotCompleted { status: change.status.to_string() });
    }
    Ok(found)
}

fn case(state: &State, change: &ModelPackageChanged, version: u64) -> Case {
    let status = match &change.approval {
        _ if change.status == PackageStatus::Deleting => Status::Deleted,
        ApprovalStatus::Approved => Status::Approved,
        ApprovalStatus::Rejected => Status::Rejected,
        ApprovalStatus::PendingManualApproval => Status::Pending,
        ApprovalStatus::Absent | ApprovalStatus::Unknown(_) => Status::Unknown,
    };
    let changed = match change.updated_fields.as_deref() {
        None => Changed::Unlisted,
        Some(fields) if fields.iter().any(|field| field == "ModelApprovalStatus") => Changed::Approval,
        Some([only]) if only == "ModelLifeCycle" => Changed::LifeCycle,
        Some(_) => Changed::Metadata,
    };
    let Some(current) = &state.promotion else {
        return Case { status, changed, known: Known::NoPromotion, order: Order::Same };
    };
    let known = match current.package_arn.eq_ignore_ascii_case(&change.arn) {
        true if current.stopped => Known::Stopped,
        true => Known::Promoting,
        false if version > current.newest_version => Known::Newest,
        false if version > current.version => Known::Replaced,
        false => Known::Older,
    };
    // An approval that does not say what changed can only be told from an update of metadata if the version was rejected
    // in between.
    let is_again = (status, changed, known) == (Status::Approved, Changed::Unlisted, Known::Stopped);
    let rejected_at = || current.rejected_at.map(|at| at.max(current.approved_at));
    let since = if is_again { rejected_at() } else { Some(current.approved_at) };
    let order = match change.last_modified.zip(since) {
        Some((at, since)) if at > since => Order::Later,
        Some((at, since)) if at < since => Order::Earlier,
        _ => Order::Same,
    };
    Case { status, changed, known, order }
}

fn ignore(reason: Reason, change: &ModelPackageChanged) -> Promote {
    Decision::new(Verdict::Ignore, reason).evidence("package", &change.arn)
}

fn ignored(why: Ignored, state: &State, change: &ModelPackageChanged) -> Reason {
    let version = change.version.unwrap_or_default();
    match why {
        Ignored::LifecycleOnly => Reason::LifecycleOnly,
        Ignored::MetadataOnly => {
            let fields = change.updated_fields.as_deref().unwrap_or_default().join(", ");
            Reason::MetadataOnly { fields }
        }
        Ignored::AwaitingApproval => Reason::AwaitingApproval { version },
        Ignored::UnknownApproval => {
            let status = match &change.approval {
                ApprovalStatus::Unknown(status) => status.clone(),
                _ => "absent".to_owned(),
            };
            Reason::UnknownApproval { status }
        }
        Ignored::AlreadyPromoting => Reason::AlreadyPromoting { version },
        Ignored::OlderApproval => {
            let current = state.promotion.as_ref().map_or(0, |current| current.version);
            Reason::OlderApproval { version, current }
        }
        Ignored::ChangedFieldsUnknown => Reason::ChangedFieldsUnknown { version },
        Ignored::OlderRejection => Reason::OlderRejection { version },
        Ignored::NotPromoting => Reason::RejectedElsewhere { version },
    }
}

/// Begins a promotion. `replaced` is the newer promotion whose place an older version takes: a hold then keeps the older
/// one.
fn approved(inputs: &Inputs<'_>, change: &ModelPackageChanged, replaced: Option<&Promotion>) -> Promote {
    let Inputs { policy, state, seen, now } = *inputs;
    let version = change.version.unwrap_or_default();
    let package = match may_begin(seen.package.as_ref(), change, version) {
        Ok(package) => package,
        Err((verdict, reason)) => return Decision::new(verdict, reason),
    };
    let Some(first) = policy.environments.first() else {
        let reason = Reason::EnvironmentNotInPolicy { environment: "(none)".to_owned() };
        return Decision::new(Verdict::Reject, reason);
    };
    // Our clock may be behind SageMaker's: a change reported now is not older than the current promotion.
    let before = state.promotion.as_ref();
    let approved_at =
        change.last_modified.unwrap_or(before.map_or(now, |before| before.approved_at.max(now)));
    let promotion = Promotion {
        version,
        package_arn: change.arn.clone(),
        approved_at,
        artifacts: package.artifacts.clone(),
        environments: BTreeMap::new(),
        newest_version: before.map_or(version, |before| before.newest_version.max(version)),
        stopped: false,
        rejected_at: None,
        approvals: BTreeMap::new(),
        approvals_requested: BTreeSet::new(),
        blocked_by: None,
        rollback: None,
        forced: BTreeMap::new(),
    };
    let mut state = state.clone();
    state.remember_promotion();
    let kept = replaced.and_then(|newer| keep(inputs, &mut state, newer, version, approved_at));
    let inputs = Inputs { state: &state, ..*inputs };
    let mut decision = enter_or_wait(&inputs, promotion, first, Reason::Approved { version })
        .evidence("package", &change.arn)
        .evidence("promotion_before", before.map_or_else(|| "none".to_owned(), |p| p.version.to_string()));
    decision.plan.extend(kept);
    decision
}

/// The package, if the registry still says that it may be promoted.
fn may_begin<'p>(
    package: Option<&'p Package>,
    change: &ModelPackageChanged,
    version: u64,
) -> Result<&'p Package, (Verdict, Reason)> {
    match package {
        None => Err((Verdict::Reject, Reason::PackageMissing { arn: change.arn.clone() })),
        Some(p) if p.approval != ApprovalStatus::Approved => {
            let status = p.approval.to_string();
            Err((Verdict::Ignore, Reason::ApprovalWithdrawn { version, status }))
        }
        Some(p) if p.status != PackageStatus::Completed => {
            Err((Verdict::Ignore, Reason::NotCompleted { status: p.status.to_string() }))
        }
        Some(package) => Ok(package),
    }
}

/// Places a hold that keeps an older version which a person approved, and tells people how to release it.
fn keep(
    inputs: &Inputs<'_>,
    state: &mut State,
    newer: &Promotion,
    version: u64,
    at: Timestamp,
) -> Option<Step<super::Action>> {
    let model = &inputs.policy.model;
    let reason = format!("version {version} was approved after the newer version {}", newer.version);
    let hold = Hold { at, by: super::NAME.to_owned(), reason: reason.clone(), keeps: Some(version) };
    hold::keep(&mut state.holds, &state.released, ALL, hold).then(|| Step::Notify {
        subject: subject(&format!("{model} keeps version {version}")),
        message: format!(
            "{reason}. Version {version} is promoted, and a hold keeps it: no other version replaces it.\nWhen newer \
             versions may be promoted again:\n  tidegate release {model}"
        ),
    })
}

/// The change has no time, or its clock is behind: it still counts as later than the approval.
fn withdrawn_at(change: &ModelPackageChanged, promotion: &Promotion, now: Timestamp) -> Timestamp {
    change.last_modified.unwrap_or_else(|| now.max(promotion.approved_at))
}

/// Stops the promotion. Where the version serves, the policy may say that the environment goes back.
fn stop(inputs: &Inputs<'_>, change: &ModelPackageChanged, may_roll_back: bool) -> Promote {
    let Inputs { state, seen, now, .. } = *inputs;
    let version = change.version.unwrap_or_default();
    let Some(promotion) = &state.promotion else {
        return ignore(Reason::RejectedElsewhere { version }, change);
    };
    let (reason, subject) = match &change.approval {
        _ if change.status == PackageStatus::Deleting => {
            (Reason::PackageDeleted { version }, format!("version {version} was deleted from the registry"))
        }
        ApprovalStatus::Rejected => (Reason::Rejected { version }, format!("version {version} was rejected")),
        status => {
            let status = status.to_string();
            (
                Reason::ApprovalWithdrawn { version, status },
                format!("the approval of version {version} was taken back"),
            )
        }
    };
    let next = without_approval(state, promotion, change, now);
    let rolled = may_roll_back
        .then(|| rollback::after_rejection(&Inputs { state: &next, ..*inputs }, promotion, &reason))
        .flatten();
    let no_rollback = match rolled {
        Some(Ok(decision)) => return decision.evidence("package", &change.arn),
        Some(Err(why)) => Some(why),
        None => None,
    };
    let mut advice = after_withdrawal(inputs.policy, &next, promotion, seen.earlier.as_ref());
    if let Some(why) = &no_rollback {
        advice = format!("No environment goes back without a person: {why}.\n{advice}");
    }
    let alert = stopped(&subject, &reason.to_string(), promotion, &advice);
    Decision::new(Verdict::Stop, reason)
        .evidence("package", &change.arn)
        .evidence_if("no_rollback", no_rollback.map(|why| why.code()))
        .plan(vec![alert])
        .state(next)
}

/// The state after the version lost its approval: it is no way back any more, unless it only waits for an approval.
fn without_approval(
    state: &State,
    promotion: &Promotion,
    change: &ModelPackageChanged,
    now: Timestamp,
) -> State {
    let at = withdrawn_at(change, promotion, now);
    let mut next = state.with(promotion.without_approval(at));
    next.remember_promotion();
    next
}

/// The version of a stopped promotion was rejected. It may still serve in the environments before the one that failed.
fn undo(inputs: &Inputs<'_>, change: &ModelPackageChanged) -> Promote {
    let version = change.version.unwrap_or_default();
    let Some(promotion) = &inputs.state.promotion else {
        return ignore(Reason::RejectedElsewhere { version }, change);
    };
    let next = without_approval(inputs.state, promotion, change, inputs.now);
    let reason = Reason::Rejected { version };
    let rolled = rollback::after_rejection(&Inputs { state: &next, ..*inputs }, promotion, &reason);
    match rolled {
        Some(Ok(decision)) => decision.evidence("package", &change.arn),
        // There is no promotion left to stop, but a later approval differs from the earlier one.
        Some(Err(_)) | None => ignore(Reason::RejectedElsewhere { version }, change).state(next),
    }
}

/// Tells people that a version which lost its approval still serves, while the last promotion goes on.
fn warn(inputs: &Inputs<'_>, change: &ModelPackageChanged) -> Promote {
    let Inputs { policy, state, .. } = *inputs;
    let version = change.version.unwrap_or_default();
    let serving: Vec<&str> = state.serving(&change.arn).collect();
    if serving.is_empty() {
        return ignore(Reason::RejectedElsewhere { version }, change);
    }
    let what = if change.status == PackageStatus::Deleting { "deleted" } else { "rejected" };
    let places = serving.join(", ");
    let reason = Reason::StillServes { version, what: what.to_owned(), environments: places.clone() };
    let ways = serving.iter().filter_map(|place| go_back(policy, state, place, &change.arn));
    let mut lines = vec![format!("{reason}.\nPackage: {}\nNothing was changed there.", change.arn)];
    lines.extend(ways);
    let message = lines.join("\n");
    let subject = subject(&format!("{} {version} was {what} and still serves", policy.model));
    Decision::new(Verdict::Alert, reason)
        .evidence("package", &change.arn)
        .evidence("serves_in", places)
        .plan(vec![Step::Notify { subject, message }])
}

/// Records when the approval was withdrawn: a later approval is a new one.
fn record(state: &State, change: &ModelPackageChanged) -> Promote {
    let version = change.version.unwrap_or_default();
    let waits = Decision::new(Verdict::Ignore, Reason::AwaitingApproval { version });
    match (&state.promotion, change.last_modified) {
        (Some(promotion), Some(at)) => waits.state(state.with(promotion.without_approval(at))),
        _ => waits,
    }
}

/// Whether a promotion may begin, so that the package must be read.
pub(super) fn begins(state: &State, site: &Site, change: &ModelPackageChanged) -> bool {
    matches!(classify(state, site, change), Ok(Transition::Begin | Transition::BeginAndHold))
}

/// Whether a version loses its approval that may serve, so that the way back must be read.
pub(super) fn stops(state: &State, site: &Site, change: &ModelPackageChanged) -> bool {
    matches!(classify(state, site, change), Ok(Transition::Stop | Transition::StopOnly | Transition::Undo))
}
