//! Safety invariants of scale.

use super::{Action, NAME, ScaleDecision, Snapshot, State};
use crate::check::{Change, Effect, HasEffect, Invariant, Scope, Violation, Violations, effect, long_ago};
use crate::controller::Context;
use crate::endpoint::EndpointKind;
use crate::file::Environment;
use crate::step::Step;

impl HasEffect for Action {
    fn effect(&self) -> Effect<'_> {
        match self {
            Self::SetCapacityLimits { component, min, max } => {
                Effect::Change { resource: component, change: Change::SetLimits { min: *min, max: *max } }
            }
            Self::EnsureScaleFromZeroAlarm { component } => Effect::Prepare { name: component },
            Self::SetCopyCount { component, copies } => {
                Effect::Change { resource: component, change: Change::SetCopies(*copies) }
            }
        }
    }
}

/// Every invariant that a decision violates. `seen` is the snapshot of a tick.
pub(super) fn violations(
    cx: &Context<'_>,
    environment: &Environment,
    state: &State,
    seen: Option<&Snapshot>,
    decision: &ScaleDecision,
) -> Vec<Violation> {
    let mut violations = Violations::default();
    violations.plan(decision, &scope(cx, environment));
    if decision.plan.iter().any(|step| effect(step).scales_to_zero()) {
        violations.may_be_zero(cx, environment, state, seen);
        violations.scale_up_path(&decision.plan);
    }
    violations.found()
}

/// Every invariant that the decision after a rejection violates.
pub(super) fn after_rejection(
    cx: &Context<'_>,
    environment: &Environment,
    decision: &ScaleDecision,
) -> Vec<Violation> {
    let mut violations = Violations::default();
    violations.plan_after_rejection(decision, &scope(cx, environment));
    violations.found()
}

fn scope<'a>(cx: &'a Context<'a>, environment: &'a Environment) -> Scope<'a> {
    Scope { cx, function: NAME, resource: environment.endpoint.name.as_str() }
}

impl Violations {
    /// The endpoint is known to be idle, and nothing else needs it.
    fn may_be_zero(
        &mut self,
        cx: &Context<'_>,
        environment: &Environment,
        state: &State,
        seen: Option<&Snapshot>,
    ) {
        // A real-time endpoint keeps at least one instance, and a serverless one scales itself.
        let kind = environment.endpoint.spec.kind();
        let to_zero = environment.scale.to_zero.as_ref().filter(|_| kind == EndpointKind::InferenceComponent);
        let Some(to_zero) = to_zero else {
            return self.require(false, Invariant::CannotBeZero, || {
                format!("the endpoint is {kind:?} and scales {:?}", environment.scale)
            });
        };
        let Some(seen) = seen else {
            return self.require(false, Invariant::ActsOnUnknown, || "nothing was observed".to_owned());
        };
        self.require(!seen.deploying, Invariant::ResourceBusy, || "a deployment is in flight".to_owned());
        let old = seen.live_since.is_some_and(|live| long_ago(live, to_zero.grace.signed(), cx.now));
        let scaled_up = state.scaled_up_at.filter(|at| !long_ago(*at, to_zero.idle.signed(), cx.now));
        self.require(old && scaled_up.is_none(), Invariant::InGracePeriod, || {
            format!("live since {:?}, scaled up at {scaled_up:?}", seen.live_since)
        });
        let idle = seen.invocations.is_some_and(|count| count.in_window == 0 && count.since_deployment > 0);
        self.require(idle, Invariant::NotIdle, || format!("{:?}", seen.invocations));
    }

    /// The alarm requires the limits, which must allow a copy. The copies are removed only when both exist.
    fn scale_up_path(&mut self, plan: &[Step<Action>]) {
        let place = |wanted: fn(&Effect<'_>) -> bool| plan.iter().position(|step| wanted(&effect(step)));
        let limits = place(|effect| {
            matches!(effect, Effect::Change { change: Change::SetLimits { max: 1.., .. }, .. })
        });
        let alarm = place(|effect| matches!(effect, Effect::Prepare { .. }));
        let zero = place(|effect| matches!(effect, Effect::Change { change: Change::SetCopies(0), .. }));
        let built = limits.is_some() && limits < alarm && alarm < zero;
        self.require(built, Invariant::NoScaleUpPath, || {
            format!("limits are step {limits:?}, the alarm {alarm:?}, zero copies {zero:?}")
        });
    }
}
