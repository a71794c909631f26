//! scale: scales idle endpoints to zero and back, with the mechanism that AWS supports for each kind.

mod controller;
mod invariants;
mod on_deferred;
mod on_precondition_failed;
mod on_rejected;
mod precondition;
mod tracking;
mod traffic;
mod wake;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::decision::{Decision, Verdict};
use crate::deploy::{self, ScalableTarget};
use crate::endpoint::{NotScalable, ScalableComponent};
use crate::file::{Environment, ToZero};
use crate::reason::Reason;
use crate::step::Step;

pub use controller::{Current, Need, ScaleController, Trigger};
pub use on_deferred::on_deferred;
pub use on_precondition_failed::on_precondition_failed;
pub use on_rejected::on_rejected;
pub use precondition::precondition;
pub use tracking::{ScalableResource, TargetMetric, TargetTracking, Tracked};
pub use traffic::{InvocationQuery, Invocations, Window, limits_of, traffic_queries};
pub use wake::{needs_limits, on_capacity_alarm};

use wake::{come_back, limits_in_service};

/// The metric that shows a request without a copy to serve it. Target tracking cannot scale from zero; an alarm on
/// this metric can. <https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html>
pub const NO_CAPACITY_METRIC: &str = "NoCapacityInvocationFailures";

/// The metric that shows a request in the queue of an asynchronous endpoint without an instance.
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html>
pub const BACKLOG_WITHOUT_CAPACITY_METRIC: &str = "HasBacklogWithoutCapacity";

/// The metric that counts invocations.
const INVOCATIONS: &str = "metric AWS/SageMaker Invocations";

/// The function's name.
pub const NAME: &str = "scale";

/// scale's decisions.
pub type ScaleDecision = Decision<State, Action>;

/// The state that the ledger stores for an endpoint.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// When it was scaled to zero, while it is at zero.
    pub zero_since: Option<Timestamp>,
    /// When it was last scaled up from zero.
    pub scaled_up_at: Option<Timestamp>,
    /// The code of the last recorded reason: a sweep records only changes.
    pub last_reason: Option<String>,
    /// When AWS last permanently rejected a change of its capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_at: Option<Timestamp>,
    /// The last change of its capacity that AWS rejected for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deferred: Option<Deferred>,
    /// The limits of its copies before it was scaled to zero, if it had any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits_before_zero: Option<ScalableTarget>,
    /// The target tracking that Tidegate set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking: Option<Tracked>,
    /// When AWS last permanently rejected a change of the target tracking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_rejected_at: Option<Timestamp>,
}

/// A change of the capacity that AWS rejected for now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deferred {
    /// Whether it was to scale to zero.
    pub down: bool,
    /// When it was first rejected.
    pub since: Timestamp,
    /// When it was last rejected.
    pub last: Timestamp,
    /// Whether the next tick tries it again.
    pub pending: bool,
}

/// The observed state.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// Since when the current version has served, if Tidegate deployed it; or the end of a later deployment that
    /// failed, which may also have set the number of copies.
    pub live_since: Option<Timestamp>,
    /// Since when its number of copies is the one that a deployment set.
    pub copies_since: Option<Timestamp>,
    /// Whether a deployment is in flight.
    pub deploying: bool,
    /// Why the live version serves no requests: its endpoint or component failed or does not exist any more.
    pub not_serving: Option<String>,
    /// Invocations; `None` if CloudWatch returned no data.
    pub invocations: Option<Invocations>,
    /// The limits of its instances or copies in Application Auto Scaling, if it has any and they were read.
    pub limits: Option<ScalableTarget>,
}

impl Snapshot {
    /// The snapshot from the ledger, before CloudWatch is read.
    #[must_use]
    pub fn of(deployed: &deploy::State) -> Self {
        Self {
            live_since: live_since(deployed),
            copies_since: copies_since(deployed),
            deploying: deployed.in_flight.is_some(),
            not_serving: not_serving(deployed),
            invocations: None,
            limits: None,
        }
    }
}

/// Since when the current version has served, according to deploy's state. A deployment that failed may also have set
/// the number of copies again.
#[must_use]
pub fn live_since(deployed: &deploy::State) -> Option<Timestamp> {
    let ended = deployed.last_report.as_ref().map(|report| report.finished.finished_at);
    let verified = deployed.live.as_ref().map(|live| live.at)?;
    Some(ended.map_or(verified, |ended| ended.max(verified)))
}

/// Why the live version serves no requests, according to deploy's state, if that is known.
#[must_use]
pub fn not_serving(deployed: &deploy::State) -> Option<String> {
    let unhealthy = deployed.live.as_ref().and_then(|live| live.unhealthy.as_ref());
    unhealthy
        .filter(|unhealthy| unhealthy.condition.stops_serving())
        .map(|unhealthy| unhealthy.detail.clone())
}

/// Since when the number of copies is the one that a deployment set. A deployment that failed before it changed the
/// component has not changed its copies.
#[must_use]
pub fn copies_since(deployed: &deploy::State) -> Option<Timestamp> {
    deployed.live.as_ref().map(|live| live.at).max(deployed.copies_set_at)
}

/// The AWS calls that scale can plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Registers the minimum and maximum number of copies with Application Auto Scaling.
    SetCapacityLimits {
        /// The component.
        component: String,
        /// The minimum number of copies.
        min: u32,
        /// The maximum number of copies.
        max: u32,
    },
    /// Ensures that a request scales the component up again: a step scaling policy and the alarm that invokes it.
    EnsureScaleFromZeroAlarm {
        /// The component.
        component: String,
    },
    /// Sets the number of copies.
    SetCopyCount {
        /// The component.
        component: String,
        /// The number of copies.
        copies: u32,
    },
    /// Ensures that a request in the queue of an asynchronous endpoint scales it up from zero: a step scaling policy and
    /// the alarm that invokes it.
    EnsureBacklogAlarm {
        /// The endpoint.
        endpoint: String,
        /// The maximum number of instances, with which the endpoint is registered if it is not.
        max: u32,
    },
    /// Gives an asynchronous endpoint its instances if it has none.
    EnsureInstances {
        /// The endpoint.
        endpoint: String,
        /// The number of instances.
        instances: u32,
    },
    /// Sets limits and a target tracking policy.
    SetTargetTracking {
        /// The target tracking.
        target: TargetTracking,
    },
    /// Deletes the target tracking policy that Tidegate set, and the limits if no other policy uses them.
    RemoveTargetTracking {
        /// What is no longer scaled.
        resource: ScalableResource,
    },
}

/// Whether an action of an unfinished plan is still needed: a scale-down action only while the state is at zero, a
/// scale-up action only while it is not.
#[must_use]
pub fn still_applies(state: &State, step: &Step<Action>) -> bool {
    match step {
        Step::Call(Action::SetCapacityLimits { min, .. }) => (*min == 0) == state.zero_since.is_some(),
        Step::Call(Action::SetCopyCount { copies, .. }) => (*copies == 0) == state.zero_since.is_some(),
        Step::Call(Action::SetTargetTracking { target }) => {
            state.tracking.as_ref().is_some_and(|tracked| tracked.target == *target)
        }
        Step::Call(Action::EnsureBacklogAlarm { endpoint, .. }) => {
            state.tracking.as_ref().is_some_and(|tracked| tracked.target.resource.name() == endpoint)
        }
        Step::Call(Action::RemoveTargetTracking { .. } | Action::EnsureInstances { .. }) => {
            state.tracking.is_none()
        }
        Step::Call(Action::EnsureScaleFromZeroAlarm { .. }) | Step::Notify { .. } => true,
        Step::ScheduleCheck { .. }
        | Step::ReportDeployment { .. }
        | Step::AnswerWaiting { .. }
        | Step::ReportHealth { .. }
        | Step::RequestDeployment { .. }
        | Step::RequestRetraining { .. }
        | Step::ReportRetraining { .. }
        | Step::PublishCommand { .. } => false,
    }
}

/// Decides about one endpoint at a tick.
pub fn on_tick(environment: &Environment, state: &State, seen: &Snapshot, now: Timestamp) -> ScaleDecision {
    let decision = tick(environment, state, seen, now);
    let last_reason = Some(decision.reason.code().to_owned());
    let next = decision.state.clone().unwrap_or_else(|| state.clone());
    let deferred = next.deferred.clone().map(|deferred| Deferred { pending: false, ..deferred });
    decision.state(State { last_reason, deferred, ..next })
}

/// Whether a tick's decision must be recorded: it acts, or its reason differs from the last recorded one.
#[must_use]
pub fn should_record(state: &State, decision: &ScaleDecision) -> bool {
    // That the policy does not scale an endpoint is recorded only if it did before.
    let never = state.last_reason.is_none() && decision.reason == Reason::NoScalePolicy;
    !decision.plan.is_empty() || (!never && state.last_reason.as_deref() != Some(decision.reason.code()))
}

fn tick(environment: &Environment, state: &State, seen: &Snapshot, now: Timestamp) -> ScaleDecision {
    // What does not exist or failed has no capacity to change. A deployment may be creating it again.
    if let Some(cause) = seen.not_serving.clone().filter(|_| !seen.deploying) {
        return Decision::new(Verdict::NoChange, Reason::LiveNotServing { cause });
    }
    if let Some(decision) = tracking::decide(environment, state, seen, now) {
        return decision;
    }
    let keep = |reason| Decision::new(Verdict::NoChange, reason);
    let Some(to_zero) = &environment.scale.to_zero else { return keep(without_zero(environment, seen)) };
    let component = match environment.endpoint.scalable_component() {
        Ok(component) => component,
        Err(NotScalable { verdict, reason }) => return Decision::new(verdict, reason),
    };
    let Some(live_since) = seen.live_since else { return keep(Reason::NeverDeployed) };
    // A rejection before a deployment says nothing about what AWS rejects now.
    let state = &State { rejected_at: state.rejected_at.filter(|at| *at > live_since), ..state.clone() };
    if seen.deploying {
        return keep(Reason::DeploymentInFlight);
    }
    if state.deferred.as_ref().is_some_and(|deferred| deferred.pending && !deferred.down) {
        let reason = Reason::NoCapacity { component: component.name.clone() };
        return come_back(environment, component, state, seen.limits.as_ref(), reason, now);
    }
    // A deployment after the scale-down has set its number of copies again.
    if let Some(since) = state.zero_since.filter(|since| Some(*since) > seen.copies_since) {
        let may = state.rejected_at.is_none_or(|at| now >= after(at, to_zero.idle.signed()));
        return match seen.invocations {
            // Successful requests require copies: it was scaled up, and the event of the alarm was never processed.
            Some(Invocations { in_window, .. }) if in_window > 0 && may => {
                let reason = Reason::Traffic { invocations: in_window };
                come_back(environment, component, state, seen.limits.as_ref(), reason, now)
            }
            _ => keep(Reason::AlreadyAtZero { since }),
        };
    }
    if let Some(until) = left_alone_until(to_zero, state, live_since).filter(|until| now < *until) {
        return keep(Reason::InGracePeriod { until });
    }
    match seen.invocations {
        None | Some(Invocations { in_window: 0, since_deployment: 0 }) => keep(Reason::NoMetrics),
        Some(Invocations { in_window: 0, since_deployment }) => {
            go_to_zero(component, to_zero, state, seen, now)
                .evidence("invocations_since_deployment", since_deployment)
                .from_source(INVOCATIONS)
        }
        Some(Invocations { in_window, .. }) => keep(Reason::Traffic { invocations: in_window }),
    }
}

/// How long the alarm that scales a component from zero stays in ALARM after the request that found no capacity, with some
/// reserve: about ten minutes were measured. Meanwhile it would bring back a copy that is removed.
pub(crate) const SCALE_UP_ALARM: SignedDuration = SignedDuration::from_mins(20);

/// How long a component keeps its copies after a scale-up.
fn kept_after_scale_up(to_zero: &ToZero) -> SignedDuration {
    to_zero.idle.signed().max(SCALE_UP_ALARM)
}

/// Why an endpoint that is not scaled to zero stays as it is.
fn without_zero(environment: &Environment, seen: &Snapshot) -> Reason {
    match TargetTracking::of(environment) {
        None => Reason::NoScalePolicy,
        Some(_) if seen.deploying => Reason::DeploymentInFlight,
        Some(_) if seen.live_since.is_none() => Reason::NeverDeployed,
        Some(target) => Reason::FollowsTraffic { resource: target.resource.name().to_owned() },
    }
}

/// The end of the grace period after a deployment or a rejection, or of one idle window after a scale-up, whichever
/// is latest.
fn left_alone_until(to_zero: &ToZero, state: &State, live_since: Timestamp) -> Option<Timestamp> {
    let deployed = Some(after(live_since, to_zero.grace.signed()));
    let refused = state.rejected_at.map(|at| after(at, to_zero.grace.signed()));
    let woken = state.scaled_up_at.map(|at| after(at, kept_after_scale_up(to_zero)));
    [deployed, refused, woken].into_iter().flatten().max()
}

/// When the grace period or the idle window that this state started ends, if that is in the future.
fn next_check(environment: &Environment, state: &State, now: Timestamp) -> Option<Timestamp> {
    let to_zero = environment.scale.to_zero.as_ref()?;
    if state.deferred.as_ref().is_some_and(|deferred| deferred.pending) {
        return Some(now);
    }
    let (idle, grace) = (to_zero.idle.signed(), to_zero.grace.signed());
    let ends = [
        state.rejected_at.map(|at| after(at, grace)),
        state.rejected_at.map(|at| after(at, idle)),
        state.scaled_up_at.map(|at| after(at, kept_after_scale_up(to_zero))),
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
    seen: &Snapshot,
    now: Timestamp,
) -> ScaleDecision {
    let ScalableComponent { name: component, copies } = component;
    // A larger maximum that somebody set stays.
    let max = copies.max(seen.limits.as_ref().map_or(0, |limits| limits.max));
    // The scale-up path is created before the component is scaled down.
    let plan = vec![
        Step::Call(Action::SetCapacityLimits { component: component.clone(), min: 0, max }),
        Step::Call(Action::EnsureScaleFromZeroAlarm { component: component.clone() }),
        Step::Call(Action::SetCopyCount { component, copies: 0 }),
    ];
    Decision::new(Verdict::ScaleToZero, Reason::Idle { seconds: to_zero.idle.seconds() })
        .evidence_vs("invocations_in_window", 0, 1)
        .from_source(INVOCATIONS)
        .plan(plan)
        .state(State { zero_since: Some(now), limits_before_zero: seen.limits.clone(), ..state.clone() })
}
