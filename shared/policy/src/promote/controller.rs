//! promote's controller.

use jiff::Timestamp;
use tidegate_events::{ApprovalStatus, Event};

use super::{
    Action, Package, Snapshot, State, Trigger, decide_approval, decide_check, decide_health, decide_hold,
    decide_package, decide_release, decide_report, decide_sweep, decide_waiting, ignorable, invariants,
    on_rejected, still_applies,
};
use crate::artifacts;
use crate::check;
use crate::controller::{Context, Controller, DecisionOf, Route, StepOf};
use crate::decision::{Decision, Verdict};
use crate::reason::Reason;
use crate::site::Site;
use crate::step::Step;

/// Decides which version is requested in which environment.
#[derive(Debug, Clone, Copy)]
pub struct PromoteController;

/// What promote must read before deciding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// Nothing: the event and the state are sufficient.
    Nothing,
    /// A package in the registry, by ARN.
    Package(String),
    /// The newest approved version of the group before this one.
    Earlier(u64),
}

impl Controller for PromoteController {
    const NAME: &'static str = super::NAME;
    type Trigger = Trigger;
    type State = State;
    type Need = Need;
    type Snapshot = Snapshot;
    type Call = Action;
    type Current = Option<Package>;

    fn route(site: &Site, event: &Event) -> Route<Trigger> {
        super::trigger::route(site, event)
    }

    fn sweep() -> Option<Trigger> {
        Some(Trigger::Sweep)
    }

    fn needs(cx: &Context<'_>, state: &State, trigger: &Trigger) -> Need {
        match trigger {
            Trigger::Package(change)
                if change.approval == ApprovalStatus::Approved
                    && ignorable(state, cx.site, change).is_none() =>
            {
                Need::Package(change.arn.clone())
            }
            // The way back is for people: a version that is live, or that failed while it serves.
            Trigger::Package(change) if change.approval != ApprovalStatus::Approved => {
                let version = change.version.unwrap_or_default();
                let promotion = state.promotion_of(change, version).filter(|promotion| !promotion.stopped);
                promotion.map_or(Need::Nothing, |promotion| Need::Earlier(promotion.version))
            }
            Trigger::Report(report)
                if matches!(report.reason.as_str(), "sample_failed" | "sample_timed_out") =>
            {
                Need::Earlier(report.version)
            }
            _ => Need::Nothing,
        }
    }

    fn decide(cx: &Context<'_>, state: &State, trigger: &Trigger, seen: &Snapshot) -> DecisionOf<Self> {
        let Some(policy) = cx.policy else { return Decision::unmanaged(cx) };
        match trigger {
            Trigger::Package(change) => decide_package(policy, state, cx.site, change, seen, cx.now),
            Trigger::Report(report) => decide_report(policy, state, report, seen.earlier.as_ref(), cx.now),
            Trigger::Waiting(waiting) => decide_waiting(policy, state, waiting, cx.now),
            Trigger::Health(changed) => decide_health(policy, state, changed, cx.now),
            Trigger::Check { version } => decide_check(policy, state, *version, cx.now),
            Trigger::Approval(given) => decide_approval(policy, state, given, cx.now),
            Trigger::Hold(placed) => decide_hold(policy, state, placed, cx.now),
            Trigger::Release(release) => decide_release(policy, state, release, cx.now),
            Trigger::UnauthorizedSender { from, why } => Decision::unauthorized(from, why.clone()),
            Trigger::Sweep => decide_sweep(policy, state, cx.now),
        }
    }

    fn violations(
        cx: &Context<'_>,
        state: &State,
        trigger: &Trigger,
        seen: &Snapshot,
        decision: &DecisionOf<Self>,
    ) -> Vec<check::Violation> {
        invariants::violations(cx, state, trigger, seen.package.as_ref(), decision)
    }

    fn still_applies(_cx: &Context<'_>, state: &State, step: &StepOf<Self>) -> bool {
        still_applies(state, step)
    }

    fn requires_recheck(step: &StepOf<Self>) -> bool {
        matches!(step, Step::RequestDeployment { .. })
    }

    /// Since the decision, the approval may have been withdrawn, and since the approval, the package may have changed.
    fn precondition(
        _cx: &Context<'_>,
        _state: &State,
        step: &StepOf<Self>,
        current: &Option<Package>,
    ) -> Option<Reason> {
        let Step::RequestDeployment { request } = step else { return None };
        match current {
            None => Some(Reason::PackageMissing { arn: request.package_arn.clone() }),
            Some(package) if package.approval != ApprovalStatus::Approved => {
                let status = package.approval.to_string();
                Some(Reason::ApprovalWithdrawn { version: request.version, status })
            }
            Some(package) if artifacts::changed(request.artifacts.as_ref(), package.artifacts.as_ref()) => {
                Some(Reason::ArtifactChanged { arn: request.package_arn.clone() })
            }
            Some(_) => None,
        }
    }

    fn on_rejected(
        cx: &Context<'_>,
        state: &State,
        step: &StepOf<Self>,
        why: &Reason,
    ) -> Option<DecisionOf<Self>> {
        on_rejected(state, step, why, cx.now)
    }

    fn violations_after_rejection(
        cx: &Context<'_>,
        state: &State,
        decision: &DecisionOf<Self>,
    ) -> Vec<check::Violation> {
        invariants::after_rejection(cx, state, decision)
    }

    fn should_record(_state: &State, decision: &DecisionOf<Self>) -> bool {
        decision.verdict != Verdict::Ignore
    }

    fn next_check(cx: &Context<'_>, state: &State) -> Option<Timestamp> {
        super::next_check(cx.policy?, state, cx.now)
    }
}
