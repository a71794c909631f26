//! promote's controller.

use jiff::Timestamp;
use tidegate_events::{ApprovalStatus, Event};

use super::{
    Action, GateNeeds, Inputs, Package, Snapshot, State, Trigger, announce, approval, check_report, force,
    freeze, health, hold, invariants, on_rejected, overdue, package_change, report, rollback, still_applies,
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

/// What promote must read before deciding. Without an entry the event and the state are sufficient.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Need {
    /// The ARN of a package in the registry.
    pub package: Option<String>,
    /// A version: the newest approved one of the group before it is read.
    pub earlier: Option<u64>,
    /// What the gates of the next environment need.
    pub gates: GateNeeds,
    /// The ARNs of the versions to which an environment could go back.
    pub ways_back: Vec<String>,
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
        let mut need = Need::default();
        match trigger {
            Trigger::Package(change) if package_change::begins(state, cx.site, change) => {
                need.package = Some(change.arn.clone());
            }
            // The earlier version is for people: this one is live, or failed while it serves.
            Trigger::Package(change) if package_change::stops(state, cx.site, change) => {
                need.earlier = change.version;
                need.ways_back = rollback::after_rejection_needs(cx.policy, state);
            }
            Trigger::Report(said) if report::serves_unverified(said) => {
                need.earlier = Some(said.version);
                need.ways_back = rollback::candidates(state, &said.environment, &said.package_arn);
            }
            Trigger::Rollback(asked) => need.ways_back = rollback::requested_needs(state, asked),
            _ => {}
        }
        let gates = cx.policy.map(|policy| match trigger {
            Trigger::Package(change) if need.package.is_none() => announce::needs(policy, state, change),
            _ => GateNeeds::of(policy, state, trigger, need.package.as_deref()),
        });
        need.gates = gates.unwrap_or_default();
        need
    }

    fn decide(cx: &Context<'_>, state: &State, trigger: &Trigger, seen: &Snapshot) -> DecisionOf<Self> {
        let Some(policy) = cx.policy else { return for_the_fleet(cx, state, trigger) };
        let inputs = Inputs { policy, state, seen, now: cx.now };
        match trigger {
            Trigger::Package(change) => package_change::decide_package(&inputs, cx.site, change),
            Trigger::Report(report) => report::decide_report(&inputs, report),
            Trigger::Waiting(waiting) => report::decide_waiting(&inputs, waiting),
            Trigger::Health(changed) => health::decide_health(&inputs, changed),
            Trigger::Check { version } => report::decide_check(&inputs, *version),
            Trigger::Approval(given) => approval::decide_approval(&inputs, given),
            Trigger::Hold(placed) => hold::decide_hold(&inputs, placed),
            Trigger::Release(release) => hold::decide_release(&inputs, release),
            Trigger::Freeze(placed) => freeze::decide_freeze(&inputs, placed),
            Trigger::FreezeLift(lifted) => freeze::decide_lift(&inputs, lifted),
            Trigger::Rollback(asked) => rollback::decide_rollback(&inputs, asked),
            Trigger::Force(forced) => force::decide_force(&inputs, forced),
            Trigger::CheckReport(said) => check_report::decide_check_report(&inputs, said),
            Trigger::UnauthorizedSender { from, why } => Decision::unauthorized(from, why.clone()),
            Trigger::Sweep => overdue::decide_sweep(&inputs),
        }
    }

    fn violations(
        cx: &Context<'_>,
        state: &State,
        trigger: &Trigger,
        seen: &Snapshot,
        decision: &DecisionOf<Self>,
    ) -> Vec<check::Violation> {
        invariants::violations(cx, state, trigger, seen, decision)
    }

    fn still_applies(cx: &Context<'_>, state: &State, step: &StepOf<Self>) -> bool {
        let frozen = matches!(step, Step::RequestDeployment { request }
            if state.freezes.on(&request.environment, cx.now).is_some());
        !frozen && still_applies(state, step)
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

/// The decisions about every model, whose state belongs to no policy.
fn for_the_fleet(cx: &Context<'_>, state: &State, trigger: &Trigger) -> DecisionOf<PromoteController> {
    match trigger {
        Trigger::Freeze(placed) => freeze::place(state, placed, cx.now),
        Trigger::FreezeLift(lifted) => freeze::lift(state, lifted, cx.now),
        _ => Decision::unmanaged(cx),
    }
}
