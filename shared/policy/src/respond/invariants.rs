//! Safety invariants of respond.

use jiff::{SignedDuration, Timestamp};
use tidegate_events::RetrainingOutcome;

use super::{NAME, Observation, Respond, State};
use crate::check::{Effect, Invariant, Scope, Violation, Violations, effect, long_ago};
use crate::controller::Context;
use crate::file::{Drift, DriftResponse};
use crate::hold::Hold;

/// The least time between a retraining that trained nothing and the next one, if the cooldown is not shorter.
const SHORTEST_PAUSE: SignedDuration = SignedDuration::from_mins(30);

/// Every invariant that a decision violates. The deployed part is since when the version serves, and the hold that is in
/// effect in the environment.
pub(super) fn violations(
    cx: &Context<'_>,
    state: &State,
    observation: &Observation,
    (live_since, hold): (Option<Timestamp>, Option<&Hold>),
    decision: &Respond,
) -> Vec<Violation> {
    let mut violations = Violations::default();
    violations.plan(decision, &Scope { cx, function: NAME, resource: "" });
    let requests = |step| matches!(effect(step), Effect::RequestRetraining(_));
    let requested = decision.plan.iter().filter(|step| requests(step)).count();
    if requested > 0 {
        violations.not_held(hold);
        violations.drift(state, observation);
        let drift = cx.policy.and_then(|policy| policy.drift.as_ref());
        match drift.filter(|drift| drift.response == DriftResponse::Retrain) {
            Some(drift) => violations.governed(cx, state, drift, live_since),
            None => violations.require(false, Invariant::OutOfScope, || format!("the policy has {drift:?}")),
        }
    }
    violations
        .require(requested <= 1, Invariant::BudgetOverspent, || format!("{requested} requests at once"));
    for step in &decision.plan {
        if let Effect::ScheduleCheck { check, .. } = effect(step) {
            let reported = matches!(observation, Observation::Drift { alarm: Some(alarm), .. } if *alarm == check.subject);
            violations.require(reported, Invariant::OutOfScope, || format!("{step:?} for {observation:?}"));
        }
    }
    violations.found()
}

/// Every invariant that a decision about the end of a retraining violates: it requests nothing.
pub(super) fn violations_of_end(cx: &Context<'_>, state: &State, decision: &Respond) -> Vec<Violation> {
    let mut violations = Violations::default();
    violations.plan(decision, &Scope { cx, function: NAME, resource: "" });
    for step in &decision.plan {
        let effect = effect(step);
        violations
            .require(!effect.acts(), Invariant::NoDrift, || format!("{step:?} for the end of a retraining"));
        if let Effect::ScheduleCheck { check, .. } = effect {
            let drifts = state.drifting.contains_key(&format!("alarm {}", check.subject));
            violations
                .require(drifts, Invariant::OutOfScope, || format!("{step:?} for an alarm without drift"));
        }
    }
    violations.found()
}

/// Every invariant that the decision after a rejection violates.
pub(super) fn after_rejection(cx: &Context<'_>, decision: &Respond) -> Vec<Violation> {
    let mut violations = Violations::default();
    violations.plan_after_rejection(decision, &Scope { cx, function: NAME, resource: "" });
    violations.found()
}

impl Violations {
    /// Drift was observed, and its source has not reported anything newer.
    fn drift(&mut self, state: &State, observation: &Observation) {
        let drifts = match observation {
            Observation::Drift { source, at, .. } => {
                let newest = state.last_report_at.get(source);
                at.is_none_or(|at| newest.is_none_or(|newest| at >= *newest))
            }
            Observation::NoDrift { .. } | Observation::Inconclusive(_) => false,
        };
        self.require(drifts, Invariant::NoDrift, || {
            format!("{observation:?} after {:?}", state.last_report_at)
        });
    }

    /// Cooldown, failures, attempts and budget.
    fn governed(&mut self, cx: &Context<'_>, state: &State, drift: &Drift, live_since: Option<Timestamp>) {
        let end = state.last_end.as_ref();
        let trained_nothing =
            |outcome| matches!(outcome, RetrainingOutcome::Failed | RetrainingOutcome::NotStarted);
        let least = SHORTEST_PAUSE.min(drift.cooldown.signed());
        let soon = end.filter(|end| trained_nothing(end.outcome) && !long_ago(end.at, least, cx.now));
        self.require(soon.is_none(), Invariant::CooldownIgnored, || format!("one failed just now: {soon:?}"));
        let newer = end.zip(live_since).is_some_and(|(end, live)| live > end.at);
        let most = drift.escalate_after.unwrap_or(3) as usize;
        self.require(newer || state.failed.len() < most, Invariant::AttemptsExceeded, || {
            format!("{} failed in a row", state.failed.len())
        });
        let recent = state.retrainings.iter().find(|at| !long_ago(**at, drift.cooldown.signed(), cx.now));
        self.require(recent.is_none(), Invariant::CooldownIgnored, || {
            format!("one was requested at {recent:?}, and the cooldown is {}", drift.cooldown)
        });
        let exceeded = drift.escalate_after.is_some_and(|limit| state.attempts >= limit);
        self.require(!exceeded, Invariant::AttemptsExceeded, || {
            format!("{} attempts, and {:?} allowed", state.attempts, drift.escalate_after)
        });
        let Some(budget) = &drift.budget else { return };
        let spent =
            state.retrainings.iter().filter(|at| !long_ago(**at, budget.per.signed(), cx.now)).count();
        self.require(spent < budget.retrainings as usize, Invariant::BudgetOverspent, || {
            format!("{spent} of {} in {}", budget.retrainings, budget.per)
        });
    }
}
