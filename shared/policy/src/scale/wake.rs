//! The way back from zero, and the alarms that ask for it.

use jiff::Timestamp;
use tidegate_events::{AlarmChanged, AlarmState};

use super::{
    Action, BACKLOG_WITHOUT_CAPACITY_METRIC, Deferred, NO_CAPACITY_METRIC, ScaleDecision, State, tracking,
};
use crate::decision::{Decision, Verdict};
use crate::deploy::ScalableTarget;
use crate::endpoint::ScalableComponent;
use crate::file::Environment;
use crate::reason::Reason;
use crate::step::Step;

/// Brings a component back from zero.
pub(super) fn come_back(
    environment: &Environment,
    component: ScalableComponent,
    state: &State,
    limits: Option<&ScalableTarget>,
    reason: Reason,
    now: Timestamp,
) -> ScaleDecision {
    let ScalableComponent { name: component, copies } = component;
    let (min, max) = limits_in_service(environment, copies, state, limits);
    let was = state.zero_since.map_or_else(|| "not recorded".to_owned(), |since| since.to_string());
    let last_reason = Some(reason.code().to_owned());
    let deferred = state.deferred.clone().map(|deferred| Deferred { pending: false, ..deferred });
    let next = State {
        zero_since: None,
        scaled_up_at: Some(now),
        last_reason,
        rejected_at: None,
        deferred,
        limits_before_zero: None,
        ..state.clone()
    };
    Decision::new(Verdict::ScaleFromZero, reason)
        .evidence("zero_since", was)
        // With a minimum above zero, Application Auto Scaling itself restores the copies and keeps them.
        .plan(vec![Step::Call(Action::SetCapacityLimits { component, min, max })])
        .state(next)
}

/// The limits of a component that serves. The former ones are restored, with at least one copy, because a minimum above
/// zero makes Application Auto Scaling restore the copies. Former limits that left no room were a number of copies,
/// which is the policy's.
pub(super) fn limits_in_service(
    environment: &Environment,
    copies: u32,
    state: &State,
    seen: Option<&ScalableTarget>,
) -> (u32, u32) {
    if let Some(target) = &environment.scale.target {
        return (target.min, target.max.max(seen.map_or(0, |limits| limits.max)));
    }
    let former = if state.zero_since.is_some() { state.limits_before_zero.as_ref() } else { seen };
    let min = former.filter(|former| tracking::has_room(former)).map_or(copies, |former| former.min.max(1));
    let larger = [former, seen].into_iter().flatten().map(|limits| limits.max).max().unwrap_or_default();
    (min, larger.max(copies).max(min))
}

/// Whether the limits of the component must be read before deciding about an alarm.
#[must_use]
pub fn needs_limits(environment: &Environment, state: &State, alarm: &AlarmChanged) -> bool {
    let component = environment.endpoint.scalable_component().ok();
    is_asked_to_scale(environment, state)
        && alarm.state == AlarmState::Alarm
        && component.is_some_and(|component| asks_for_capacity(alarm, &component.name))
}

/// Whether the policy scales the component, or Tidegate has scaled it to zero.
fn is_asked_to_scale(environment: &Environment, state: &State) -> bool {
    environment.scale.to_zero.is_some() || state.zero_since.is_some()
}

/// Decides about an alarm that may request capacity. What the policy does not scale belongs to its team, with its
/// limits and its own alarms.
pub fn on_capacity_alarm(
    environment: &Environment,
    state: &State,
    alarm: &AlarmChanged,
    limits: Option<&ScalableTarget>,
    now: Timestamp,
) -> ScaleDecision {
    if is_of_queue(environment, alarm) {
        return on_backlog_alarm(environment, alarm);
    }
    let component = environment.endpoint.scalable_component().ok();
    let Some(component) = component.filter(|component| asks_for_capacity(alarm, &component.name)) else {
        return Decision::new(Verdict::Ignore, Reason::NotACapacityAlarm { alarm: alarm.alarm.clone() });
    };
    if !is_asked_to_scale(environment, state) {
        return Decision::new(Verdict::Ignore, Reason::NoScalePolicy).evidence("alarm", &alarm.alarm);
    }
    let name = component.name.clone();
    match quiet(alarm, &name) {
        Some(reason) => Decision::new(Verdict::Ignore, reason),
        // Muting an alarm suppresses its notifications; the request still needs a copy.
        None => come_back(environment, component, state, limits, Reason::NoCapacity { component: name }, now),
    }
}

/// An asynchronous endpoint comes back by the scaling policy that its alarm invokes, and its requests wait in the queue.
fn on_backlog_alarm(environment: &Environment, alarm: &AlarmChanged) -> ScaleDecision {
    let endpoint = environment.endpoint.name.to_string();
    if environment.scale.target.as_ref().is_none_or(|target| target.min > 0) {
        return Decision::new(Verdict::Ignore, Reason::NoScalePolicy).evidence("alarm", &alarm.alarm);
    }
    let reason = quiet(alarm, &endpoint).unwrap_or(Reason::ScaledFromZeroByPolicy { endpoint });
    Decision::new(Verdict::Ignore, reason)
}

/// The reason if an alarm does not request capacity in this state.
fn quiet(alarm: &AlarmChanged, resource: &str) -> Option<Reason> {
    match &alarm.state {
        AlarmState::Alarm => None,
        AlarmState::Ok => Some(Reason::CapacityRestored { component: resource.to_owned() }),
        AlarmState::InsufficientData => {
            Some(Reason::InsufficientData { source: format!("alarm {}", alarm.alarm) })
        }
        AlarmState::Unknown(state) => Some(Reason::UnknownState { state: state.clone() }),
    }
}

/// Whether an alarm detects requests in the queue of this asynchronous endpoint that no instance processes.
fn is_of_queue(environment: &Environment, alarm: &AlarmChanged) -> bool {
    let endpoint = environment.endpoint.name.as_str();
    environment.endpoint.spec.behavior().async_settings().is_some()
        && alarm.metrics.iter().any(|metric| {
            let of = metric.dimensions.get("EndpointName");
            metric.name == BACKLOG_WITHOUT_CAPACITY_METRIC
                && of.is_some_and(|name| name.eq_ignore_ascii_case(endpoint))
        })
}

/// Whether an alarm detects requests for which the component had no copy.
fn asks_for_capacity(alarm: &AlarmChanged, component: &str) -> bool {
    alarm.metrics.iter().any(|metric| {
        let of = metric.dimensions.get("InferenceComponentName");
        metric.name == NO_CAPACITY_METRIC && of.is_some_and(|name| name.eq_ignore_ascii_case(component))
    })
}
