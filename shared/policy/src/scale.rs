//! scale: idle endpoints go to zero and come back, by the mechanism that is legal for them.

mod controller;
mod invariants;
mod on_precondition_failed;
mod on_rejected;
mod precondition;
mod traffic;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tidegate_events::{AlarmChanged, AlarmState};

use crate::decision::{Decision, Verdict};
use crate::deploy;
use crate::endpoint::{NotScalable, ScalableComponent};
use crate::file::{Environment, ToZero};
use crate::reason::Reason;
use crate::step::Step;

pub use controller::{Current, Need, ScaleController, Trigger};
pub use on_precondition_failed::on_precondition_failed;
pub use on_rejected::on_rejected;
pub use precondition::precondition;
pub use traffic::{InvocationQuery, Invocations, traffic_queries};

/// The metric that says a request found no copy. Target tracking cannot leave zero; an alarm on this metric can.
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html>
pub const NO_CAPACITY_METRIC: &str = "NoCapacityInvocationFailures";

/// Where invocations are counted.
const INVOCATIONS: &str = "metric AWS/SageMaker Invocations";

/// The function's name.
pub const NAME: &str = "scale";

/// scale's decisions.
pub type ScaleDecision = Decision<State, Action>;

/// What the ledger remembers for an endpoint.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// When it went to zero, while it is there.
    pub zero_since: Option<Timestamp>,
    /// When it last came back.
    pub scaled_up_at: Option<Timestamp>,
    /// The code of the last reason that was recorded: a sweep records only what changed.
    pub last_reason: Option<String>,
    /// When AWS last refused for good to change its capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_at: Option<Timestamp>,
}

/// What was observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Since when the version that serves does, if we deployed it; or the end of a later deployment that failed, which may
    /// have set the copies as well.
    pub live_since: Option<Timestamp>,
    /// Since when its copies are those that a deployment set.
    pub copies_since: Option<Timestamp>,
    /// Whether a deployment is in flight.
    pub deploying: bool,
    /// Invocations; `None` if CloudWatch could not tell.
    pub invocations: Option<Invocations>,
}

impl Snapshot {
    /// What the ledger says, before CloudWatch is asked.
    #[must_use]
    pub fn of(deployed: &deploy::State) -> Self {
        Self {
            live_since: live_since(deployed),
            copies_since: copies_since(deployed),
            deploying: deployed.in_flight.is_some(),
            invocations: None,
        }
    }
}

/// Since when the version that serves does, by what deploy remembers. Also a deployment that failed may have set the copies
/// again.
#[must_use]
pub fn live_since(deployed: &deploy::State) -> Option<Timestamp> {
    let ended = deployed.last_report.as_ref().map(|report| report.finished.finished_at);
    let verified = deployed.live.as_ref().map(|live| live.at)?;
    Some(ended.map_or(verified, |ended| ended.max(verified)))
}

/// Since when its copies are those that a deployment set: one that failed before it told the component anything has left
/// them as they were.
#[must_use]
pub fn copies_since(deployed: &deploy::State) -> Option<Timestamp> {
    deployed.live.as_ref().map(|live| live.at).max(deployed.copies_set_at)
}

/// What scale can ask of AWS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Tell Application Auto Scaling between how many copies the component may have.
    SetCapacityLimits {
        /// The component.
        component: String,
        /// The fewest copies.
        min: u32,
        /// The most copies.
        max: u32,
    },
    /// Make sure that a request brings the component back: a step scaling policy and the alarm that runs it.
    EnsureScaleFromZeroAlarm {
        /// The component.
        component: String,
    },
    /// Set the number of copies.
    SetCopyCount {
        /// The component.
        component: String,
        /// Copies.
        copies: u32,
    },
}

/// Whether an action of a plan that was left behind is still wanted: on the way down only while it is meant to be at
/// zero, on the way up only while it is not.
#[must_use]
pub fn still_applies(state: &State, step: &Step<Action>) -> bool {
    match step {
        Step::Call(Action::SetCapacityLimits { min, .. }) => (*min == 0) == state.zero_since.is_some(),
        Step::Call(Action::SetCopyCount { copies, .. }) => (*copies == 0) == state.zero_since.is_some(),
        Step::Call(Action::EnsureScaleFromZeroAlarm { .. }) | Step::Notify { .. } => true,
        Step::ScheduleCheck { .. }
        | Step::ReportDeployment { .. }
        | Step::RequestDeployment { .. }
        | Step::RequestRetraining { .. } => false,
    }
}

/// Decides about one endpoint at a tick.
pub fn on_tick(environment: &Environment, state: &State, seen: &Snapshot, now: Timestamp) -> ScaleDecision {
    let decision = tick(environment, state, seen, now);
    let last_reason = Some(decision.reason.code().to_owned());
    let next = State { last_reason, ..decision.state.clone().unwrap_or_else(|| state.clone()) };
    decision.state(next)
}

/// Whether a tick's decision is worth a record: it acts, or its reason is another than the time before.
#[must_use]
pub fn should_record(state: &State, decision: &ScaleDecision) -> bool {
    !decision.plan.is_empty() || state.last_reason.as_deref() != Some(decision.reason.code())
}

fn tick(environment: &Environment, state: &State, seen: &Snapshot, now: Timestamp) -> ScaleDecision {
    let keep = |reason| Decision::new(Verdict::NoChange, reason);
    let Some(to_zero) = &environment.scale.to_zero else { return keep(Reason::NoScalePolicy) };
    let component = match environment.endpoint.scalable_component() {
        Ok(component) => component,
        Err(NotScalable { verdict, reason }) => return Decision::new(verdict, reason),
    };
    let Some(live_since) = seen.live_since else { return keep(Reason::NeverDeployed) };
    // What AWS refused before a deployment says nothing about what it refuses now.
    let state = &State { rejected_at: state.rejected_at.filter(|at| *at > live_since), ..state.clone() };
    if seen.deploying {
        return keep(Reason::DeploymentInFlight);
    }
    // A deployment after it went to zero has set its copies again.
    if let Some(since) = state.zero_since.filter(|since| Some(*since) > seen.copies_since) {
        let may = state.rejected_at.is_none_or(|at| now >= after(at, to_zero.idle.signed()));
        return match seen.invocations {
            // Answered requests mean copies: it came back, and the alarm that told so was never dealt with.
            Some(Invocations { in_window, .. }) if in_window > 0 && may => {
                come_back(component, state, Reason::Traffic { invocations: in_window }, now)
            }
            _ => keep(Reason::AlreadyAtZero { since }),
        };
    }
    if let Some(until) = left_alone_until(to_zero, state, live_since).filter(|until| now < *until) {
        return keep(Reason::InGracePeriod { until });
    }
    match seen.invocations {
        None | Some(Invocations { in_window: 0, since_deployment: 0 }) => keep(Reason::NoMetrics),
        Some(Invocations { in_window: 0, since_deployment }) => go_to_zero(component, to_zero, state, now)
            .evidence("invocations_since_deployment", since_deployment)
            .from_source(INVOCATIONS),
        Some(Invocations { in_window, .. }) => keep(Reason::Traffic { invocations: in_window }),
    }
}

/// The end of the grace after a deployment or a refusal, or of one idle window after a wake, whichever is latest.
fn left_alone_until(to_zero: &ToZero, state: &State, live_since: Timestamp) -> Option<Timestamp> {
    let deployed = Some(after(live_since, to_zero.grace.signed()));
    let refused = state.rejected_at.map(|at| after(at, to_zero.grace.signed()));
    let woken = state.scaled_up_at.map(|at| after(at, to_zero.idle.signed()));
    [deployed, refused, woken].into_iter().flatten().max()
}

/// When the grace or the idle window that this state began is over, if that is ahead.
fn next_check(environment: &Environment, state: &State, now: Timestamp) -> Option<Timestamp> {
    let to_zero = environment.scale.to_zero.as_ref()?;
    let (idle, grace) = (to_zero.idle.signed(), to_zero.grace.signed());
    let ends = [
        state.rejected_at.map(|at| after(at, grace)),
        state.rejected_at.map(|at| after(at, idle)),
        state.scaled_up_at.map(|at| after(at, idle)),
    ];
    ends.into_iter().flatten().filter(|end| *end > now).min()
}

fn after(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}

fn go_to_zero(
    component: ScalableComponent,
    to_zero: &ToZero,
    state: &State,
    now: Timestamp,
) -> ScaleDecision {
    let ScalableComponent { name: component, copies } = component;
    // The way back is built before the way down is taken.
    let plan = vec![
        Step::Call(Action::SetCapacityLimits { component: component.clone(), min: 0, max: copies }),
        Step::Call(Action::EnsureScaleFromZeroAlarm { component: component.clone() }),
        Step::Call(Action::SetCopyCount { component, copies: 0 }),
    ];
    Decision::new(Verdict::ScaleToZero, Reason::Idle { seconds: to_zero.idle.seconds() })
        .evidence_vs("invocations_in_window", 0, 1)
        .from_source(INVOCATIONS)
        .plan(plan)
        .state(State { zero_since: Some(now), ..state.clone() })
}

fn come_back(component: ScalableComponent, state: &State, reason: Reason, now: Timestamp) -> ScaleDecision {
    let ScalableComponent { name: component, copies } = component;
    let was = state.zero_since.map_or_else(|| "not recorded".to_owned(), |since| since.to_string());
    let last_reason = Some(reason.code().to_owned());
    let next = State { zero_since: None, scaled_up_at: Some(now), last_reason, rejected_at: None };
    Decision::new(Verdict::ScaleFromZero, reason)
        .evidence("zero_since", was)
        // A minimum above zero makes Application Auto Scaling itself bring the copies back, and keep them.
        .plan(vec![Step::Call(Action::SetCapacityLimits { component, min: copies, max: copies })])
        .state(next)
}

/// Decides about an alarm that may ask for capacity.
pub fn on_capacity_alarm(
    environment: &Environment,
    state: &State,
    alarm: &AlarmChanged,
    now: Timestamp,
) -> ScaleDecision {
    let component = environment.endpoint.scalable_component().ok();
    let Some(component) = component.filter(|component| asks_for_capacity(alarm, &component.name)) else {
        return Decision::new(Verdict::Ignore, Reason::NotACapacityAlarm { alarm: alarm.alarm.clone() });
    };
    let name = component.name.clone();
    match &alarm.state {
        // Muting an alarm silences people's phones; the request still needs an answer.
        AlarmState::Alarm => come_back(component, state, Reason::NoCapacity { component: name }, now),
        AlarmState::Ok => Decision::new(Verdict::Ignore, Reason::CapacityRestored { component: name }),
        AlarmState::InsufficientData => Decision::new(
            Verdict::Ignore,
            Reason::InsufficientData { source: format!("alarm {}", alarm.alarm) },
        ),
        AlarmState::Unknown(state) => {
            Decision::new(Verdict::Ignore, Reason::UnknownState { state: state.clone() })
        }
    }
}

/// Whether an alarm watches for requests that found no copy of the component.
fn asks_for_capacity(alarm: &AlarmChanged, component: &str) -> bool {
    alarm.metrics.iter().any(|metric| {
        let of = metric.dimensions.get("InferenceComponentName");
        metric.name == NO_CAPACITY_METRIC && of.is_some_and(|name| name.eq_ignore_ascii_case(component))
    })
}
