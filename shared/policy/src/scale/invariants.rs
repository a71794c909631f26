//! Safety invariants of scale.

use super::{Action, NAME, ScaleDecision, Snapshot, State, TargetMetric, TargetTracking};
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
            Self::EnsureBacklogAlarm { endpoint, .. } => Effect::Prepare { name: endpoint },
            Self::EnsureInstances { endpoint, instances } => {
                Effect::Change { resource: endpoint, change: Change::SetCopies(*instances) }
            }
            Self::SetTargetTracking { target } => Effect::Change {
                resource: target.resource.name(),
                change: Change::SetLimits { min: target.min, max: target.max },
            },
            Self::RemoveTargetTracking { resource } => {
                Effect::Change { resource: resource.name(), change: Change::Define }
            }
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
    violations.asked_and_kept(environment, state, seen, &decision.plan);
    if let Some(target) = decision.plan.iter().find_map(tracked_to_zero) {
        violations.queue_may_be_empty(environment, target);
        violations.alarm_of_queue(&decision.plan);
    } else if decision.plan.iter().any(|step| effect(step).scales_to_zero()) {
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

/// The target tracking with a minimum of zero that a step sets.
fn tracked_to_zero(step: &Step<Action>) -> Option<&TargetTracking> {
    match step {
        Step::Call(Action::SetTargetTracking { target }) if target.min == 0 => Some(target),
        _ => None,
    }
}

fn scope<'a>(cx: &'a Context<'a>, environment: &'a Environment) -> Scope<'a> {
    let component = environment.endpoint.served_name();
    Scope { cx, function: NAME, resource: component, component }
}

impl Violations {
    /// Only what the policy scales, or what Tidegate has scaled to zero, is scaled. A larger maximum stays.
    fn asked_and_kept(
        &mut self,
        environment: &Environment,
        state: &State,
        seen: Option<&Snapshot>,
        plan: &[Step<Action>],
    ) {
        let set = seen.and_then(|seen| seen.limits.as_ref()).map_or(0, |limits| limits.max);
        for step in plan {
            let Effect::Change { change, .. } = effect(step) else { continue };
            let (asked, own) = match step {
                Step::Call(Action::SetTargetTracking { .. }) => {
                    (environment.scale.target.is_some(), state.tracking.is_some() || environment.adopt)
                }
                Step::Call(Action::RemoveTargetTracking { .. } | Action::EnsureInstances { .. }) => {
                    (state.tracking.is_some(), true)
                }
                _ => (environment.scale.to_zero.is_some() || state.zero_since.is_some(), false),
            };
            self.require(asked, Invariant::NotAskedToScale, || format!("{step:?}"));
            // Tidegate sets the limits of its own target tracking as the policy says.
            let kept = own || !matches!(change, Change::SetLimits { max, .. } if max < set);
            self.require(kept, Invariant::LowersMaximum, || format!("{step:?} where the maximum is {set}"));
        }
    }

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

    /// Application Auto Scaling scales an asynchronous endpoint to zero when its queue is empty, if the policy says so.
    fn queue_may_be_empty(&mut self, environment: &Environment, target: &TargetTracking) {
        let kind = environment.endpoint.spec.kind();
        let wanted = environment.scale.target.as_ref();
        let asked = wanted.is_some_and(|wanted| wanted.min == 0 && wanted.backlog_per_instance.is_some());
        let of_queue = matches!(target.metric, TargetMetric::Backlog(_)) && target.max > 0;
        let may = kind == EndpointKind::Async && asked && of_queue;
        self.require(may, Invariant::CannotBeZero, || format!("the endpoint is {kind:?} with {target:?}"));
    }

    /// The minimum becomes zero only when the alarm that brings the endpoint back exists.
    fn alarm_of_queue(&mut self, plan: &[Step<Action>]) {
        let alarm = plan.iter().position(|step| matches!(effect(step), Effect::Prepare { .. }));
        let zero = plan.iter().position(|step| tracked_to_zero(step).is_some());
        self.require(alarm.is_some() && alarm < zero, Invariant::NoScaleUpPath, || {
            format!("the alarm is step {alarm:?}, the minimum of zero {zero:?}")
        });
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
