//! Target tracking: Application Auto Scaling lets the capacity follow the invocations of each instance or copy, or the
//! queue of an asynchronous endpoint.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Action, ScaleDecision, Snapshot, State, after};
use crate::decision::{Decision, Verdict};
use crate::deploy::ScalableTarget;
use crate::endpoint::EndpointSpec;
use crate::file::{Environment, ScaleTarget};
use crate::people::subject;
use crate::reason::Reason;
use crate::step::Step;

/// After a rejection by AWS, target tracking is left alone for this time.
const AFTER_REJECTION: SignedDuration = SignedDuration::from_hours(1);

/// What Application Auto Scaling can scale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ScalableResource {
    /// The instances of the one variant of an endpoint.
    Variant {
        /// The endpoint.
        endpoint: String,
    },
    /// The copies of an inference component.
    Component {
        /// The component.
        component: String,
    },
}

impl ScalableResource {
    /// The resource of an environment's endpoint, if it has instances or copies.
    #[must_use]
    pub fn of(environment: &Environment) -> Option<Self> {
        let endpoint = environment.endpoint.name.to_string();
        match &environment.endpoint.spec {
            EndpointSpec::RealTime(_) | EndpointSpec::Async(_) => Some(Self::Variant { endpoint }),
            EndpointSpec::InferenceComponent(_) => {
                Some(Self::Component { component: environment.endpoint.served_name().to_owned() })
            }
            EndpointSpec::Serverless(_) => None,
        }
    }

    /// The name of the endpoint or the component.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Variant { endpoint } => endpoint,
            Self::Component { component } => component,
        }
    }
}

/// Limits, and the policy that keeps the capacity between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetTracking {
    /// What is scaled.
    pub resource: ScalableResource,
    /// The metric that is tracked, with its wanted value.
    #[serde(flatten)]
    pub metric: TargetMetric,
    /// The minimum number of instances or copies.
    pub min: u32,
    /// The maximum number of instances or copies.
    pub max: u32,
    /// In seconds: the time after a scale-in before the next one. AWS's default if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_in_cooldown: Option<u32>,
    /// In seconds: the time after a scale-out before the next one. AWS's default if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_out_cooldown: Option<u32>,
}

/// The metrics that are tracked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetMetric {
    /// The invocations of each instance or copy in a minute.
    Invocations(u32),
    /// The requests in the queue of an asynchronous endpoint, divided by its instances.
    Backlog(u32),
}

impl TargetMetric {
    fn of(target: &ScaleTarget) -> Option<Self> {
        let backlog = target.backlog_per_instance.map(Self::Backlog);
        backlog.or(target.invocations_per_instance.map(Self::Invocations))
    }
}

impl TargetTracking {
    /// The target tracking that a policy requires.
    #[must_use]
    pub fn of(environment: &Environment) -> Option<Self> {
        let target = environment.scale.target.as_ref()?;
        Some(Self {
            resource: ScalableResource::of(environment)?,
            metric: TargetMetric::of(target)?,
            min: target.min,
            max: target.max,
            scale_in_cooldown: target.scale_in_cooldown.map(|cooldown| cooldown.seconds()),
            scale_out_cooldown: target.scale_out_cooldown.map(|cooldown| cooldown.seconds()),
        })
    }

    /// The steps that set it. An asynchronous endpoint that may go to zero has the alarm that brings it back before:
    /// target tracking alone waits at zero until the queue is longer than its target.
    /// <https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html>
    fn steps(&self) -> Vec<Step<Action>> {
        let alarm = match &self.resource {
            ScalableResource::Variant { endpoint } if self.min == 0 => {
                Some(Action::EnsureBacklogAlarm { endpoint: endpoint.clone(), max: self.max })
            }
            ScalableResource::Variant { .. } | ScalableResource::Component { .. } => None,
        };
        let set = Action::SetTargetTracking { target: self.clone() };
        alarm.into_iter().chain([set]).map(Step::Call).collect()
    }
}

/// Target tracking that was requested from Application Auto Scaling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracked {
    /// What was requested.
    pub target: TargetTracking,
    /// When.
    pub at: Timestamp,
}

/// The decision about target tracking; `None` if there is nothing to do. It is set after each deployment, because an
/// endpoint that was deleted and created again has none, and after each change of the policy.
pub(super) fn decide(
    environment: &Environment,
    state: &State,
    seen: &Snapshot,
    now: Timestamp,
) -> Option<ScaleDecision> {
    // A deployment after the scale-down has set its number of copies again.
    let asleep = state.zero_since.is_some_and(|since| Some(since) > seen.copies_since);
    let rejected = state.tracking_rejected_at.is_some_and(|at| now < after(at, AFTER_REJECTION));
    let live_since = seen.live_since.filter(|_| !seen.deploying && !asleep && !rejected)?;
    match (TargetTracking::of(environment), &state.tracking) {
        (Some(wanted), Some(set)) if set.target == wanted && set.at >= live_since => None,
        (Some(wanted), tracked) => {
            // What Tidegate scaled to zero and back has limits of Tidegate's.
            let untouched = tracked.is_none() && state.zero_since.is_none() && state.scaled_up_at.is_none();
            if untouched && !environment.adopt && seen.limits.as_ref().is_some_and(has_room) {
                return Some(of_others(state, &wanted));
            }
            let reason = Reason::FollowsTraffic { resource: wanted.resource.name().to_owned() };
            Some(
                Decision::new(Verdict::Apply, reason)
                    .evidence("limits", format!("{} to {}", wanted.min, wanted.max))
                    .plan(wanted.steps())
                    .state(State {
                        tracking: Some(Tracked { target: wanted, at: now }),
                        tracking_rejected_at: None,
                        ..state.clone()
                    }),
            )
        }
        (None, Some(set)) => {
            let reason = Reason::NoLongerFollowsTraffic { resource: set.target.resource.name().to_owned() };
            Some(
                Decision::new(Verdict::Apply, reason)
                    .plan(removal(environment, &set.target))
                    .state(State { tracking: None, ..state.clone() }),
            )
        }
        (None, None) => None,
    }
}

/// The steps that remove target tracking. An endpoint that it has scaled to zero would stay there, so it gets its
/// instances before.
fn removal(environment: &Environment, set: &TargetTracking) -> Vec<Step<Action>> {
    let instances = environment.endpoint.spec.instances().map_or(1, |instances| instances.max);
    let first = match &set.resource {
        ScalableResource::Variant { endpoint } if set.min == 0 => {
            Some(Action::EnsureInstances { endpoint: endpoint.clone(), instances })
        }
        ScalableResource::Variant { .. } | ScalableResource::Component { .. } => None,
    };
    let remove = Action::RemoveTargetTracking { resource: set.resource.clone() };
    first.into_iter().chain([remove]).map(Step::Call).collect()
}

/// Limits without room are a number of copies, which Tidegate registers itself.
pub(super) fn has_room(limits: &ScalableTarget) -> bool {
    limits.min < limits.max
}

/// A scalable target that Tidegate did not register stays, and people are notified once.
fn of_others(state: &State, wanted: &TargetTracking) -> ScaleDecision {
    let name = wanted.resource.name();
    let reason = Reason::ScaledByOthers { resource: name.to_owned() };
    let told = state.last_reason.as_deref() == Some(reason.code());
    let alert = Step::Notify {
        subject: subject(&format!("{name} is scaled by others")),
        message: format!("{reason}."),
    };
    Decision::new(Verdict::NoChange, reason).plan(if told { Vec::new() } else { vec![alert] })
}
