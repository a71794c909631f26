//! scale's controller.

use jiff::Timestamp;
use std::sync::Arc;
use tidegate_events::{AlarmChanged, Body, Event, Scheduled};

use super::{
    Action, BACKLOG_WITHOUT_CAPACITY_METRIC, ScalableResource, Snapshot, State, invariants, needs_limits,
    next_check, on_capacity_alarm, on_deferred, on_precondition_failed, on_rejected, on_tick, precondition,
    should_record, still_applies,
};
use crate::check;
use crate::controller::{Context, Controller, DecisionOf, Route, StepOf};
use crate::decision::{Decision, Verdict};
use crate::deploy;
use crate::lookup::LookupKind;
use crate::reason::Reason;
use crate::site::Site;
use crate::step::Step;

/// Decides whether an endpoint is scaled to zero or up again.
#[derive(Debug, Clone, Copy)]
pub struct ScaleController;

/// The trigger.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// A schedule fired, or a sweep runs.
    Tick,
    /// An alarm that may request capacity changed.
    Alarm(AlarmChanged),
}

/// What scale must read before deciding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: the alarm is sufficient.
    Nothing,
    /// The limits of the component's copies, and deploy's state for the endpoint.
    Limits,
    /// deploy's state for the endpoint, and its invocations.
    Traffic,
}

/// What is read again immediately before the copies are removed.
#[derive(Debug, Clone, PartialEq)]
pub struct Current {
    /// deploy's state for the endpoint.
    pub deployed: Arc<deploy::State>,
    /// Invocations in the idle window; `None` if CloudWatch returned no data.
    pub in_window: Option<u64>,
}

impl Controller for ScaleController {
    const NAME: &'static str = super::NAME;
    type Trigger = Trigger;
    type State = State;
    type Need = Need;
    type Snapshot = Option<Snapshot>;
    type Call = Action;
    type Current = Option<Current>;

    fn route(_site: &Site, event: &Event) -> Route<Trigger> {
        match &event.body {
            Body::Tick(_) | Body::Scheduled(Scheduled::Reconcile) => Route::Sweep,
            Body::AlarmChanged(alarm) => {
                // The lookup of endpoints contains the names of components as well.
                let component = alarm.metrics.iter().find_map(|m| m.dimensions.get("InferenceComponentName"));
                let queue = alarm.metrics.iter().filter(|m| m.name == BACKLOG_WITHOUT_CAPACITY_METRIC);
                match component.or_else(|| queue.filter_map(|m| m.dimensions.get("EndpointName")).next()) {
                    Some(name) => Route::by_name(LookupKind::Endpoint, name, Trigger::Alarm(alarm.clone())),
                    None => Route::NotApplicable(Reason::NotACapacityAlarm { alarm: alarm.alarm.clone() }),
                }
            }
            _ => Route::NotApplicable(Reason::UnsupportedEvent),
        }
    }

    fn sweep() -> Option<Trigger> {
        Some(Trigger::Tick)
    }

    fn not_applicable(cx: &Context<'_>, trigger: &Trigger) -> Option<Reason> {
        let policy = cx.policy?;
        match (policy.environment(&cx.site.environment), trigger) {
            (None, _) => Some(Reason::OtherEnvironment { wanted: policy.model.to_string() }),
            // What has instances or copies may have had a target before.
            (Some(environment), Trigger::Tick)
                if environment.scale.to_zero.is_none() && ScalableResource::of(environment).is_none() =>
            {
                Some(Reason::NoScalePolicy)
            }
            (Some(_), _) => None,
        }
    }

    fn needs(cx: &Context<'_>, state: &State, trigger: &Trigger) -> Need {
        match (trigger, cx.named_environment()) {
            (Trigger::Tick, _) => Need::Traffic,
            (Trigger::Alarm(alarm), Some(environment)) if needs_limits(environment, state, alarm) => {
                Need::Limits
            }
            (Trigger::Alarm(_), _) => Need::Nothing,
        }
    }

    fn decide(
        cx: &Context<'_>,
        state: &State,
        trigger: &Trigger,
        seen: &Option<Snapshot>,
    ) -> DecisionOf<Self> {
        let Some(environment) = cx.named_environment() else { return Decision::unmanaged(cx) };
        match (trigger, seen) {
            (Trigger::Tick, Some(seen)) => on_tick(environment, state, seen, cx.now),
            (Trigger::Tick, None) => Decision::new(Verdict::NoChange, Reason::NoMetrics),
            // What does not exist or failed cannot come back with more copies.
            (Trigger::Alarm(_), Some(Snapshot { not_serving: Some(cause), deploying: false, .. })) => {
                Decision::new(Verdict::NoChange, Reason::LiveNotServing { cause: cause.clone() })
            }
            (Trigger::Alarm(alarm), seen) => {
                let limits = seen.as_ref().and_then(|seen| seen.limits.as_ref());
                on_capacity_alarm(environment, state, alarm, limits, cx.now)
            }
        }
    }

    fn violations(
        cx: &Context<'_>,
        state: &State,
        _trigger: &Trigger,
        seen: &Option<Snapshot>,
        decision: &DecisionOf<Self>,
    ) -> Vec<check::Violation> {
        let Some(environment) = cx.named_environment() else { return Vec::new() };
        invariants::violations(cx, environment, state, seen.as_ref(), decision)
    }

    fn still_applies(_cx: &Context<'_>, state: &State, step: &StepOf<Self>) -> bool {
        still_applies(state, step)
    }

    fn requires_recheck(step: &StepOf<Self>) -> bool {
        matches!(step, Step::Call(Action::SetCopyCount { copies: 0, .. }))
    }

    /// A request or another version may have arrived since the decision.
    fn precondition(
        cx: &Context<'_>,
        state: &State,
        _step: &StepOf<Self>,
        current: &Option<Current>,
    ) -> Option<Reason> {
        let (environment, current) = cx.named_environment().zip(current.as_ref())?;
        precondition(environment, state, &current.deployed, current.in_window, cx.now)
    }

    fn on_rejected(
        cx: &Context<'_>,
        state: &State,
        step: &StepOf<Self>,
        why: &Reason,
    ) -> Option<DecisionOf<Self>> {
        on_rejected(cx.named_environment()?, state, step, why, cx.now)
    }

    fn on_precondition_failed(
        cx: &Context<'_>,
        state: &State,
        step: &StepOf<Self>,
        why: &Reason,
    ) -> Option<DecisionOf<Self>> {
        on_precondition_failed(cx.named_environment()?, state, step, why)
    }

    fn on_deferred(
        cx: &Context<'_>,
        state: &State,
        step: &StepOf<Self>,
        why: &Reason,
    ) -> Option<DecisionOf<Self>> {
        on_deferred(cx.named_environment()?, state, step, why, cx.now)
    }

    fn violations_after_rejection(
        cx: &Context<'_>,
        _state: &State,
        decision: &DecisionOf<Self>,
    ) -> Vec<check::Violation> {
        let Some(environment) = cx.named_environment() else { return Vec::new() };
        invariants::after_rejection(cx, environment, decision)
    }

    fn should_record(state: &State, decision: &DecisionOf<Self>) -> bool {
        should_record(state, decision)
    }

    fn next_check(cx: &Context<'_>, state: &State) -> Option<Timestamp> {
        next_check(cx.named_environment()?, state, cx.now)
    }
}
