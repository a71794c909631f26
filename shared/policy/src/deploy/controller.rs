//! deploy's controller.

use jiff::Timestamp;
use std::borrow::Cow;
use tidegate_events::{
    Body, DeploymentRequested, DeploymentWaiting, Event, HealthEvent, HoldPlaced, HoldReleased, Scheduled,
};

use super::health::watched;
use super::{
    Action, Current, Deploy, InFlight, Serving, Snapshot, State, accept_request, converge, decide_hold,
    invariants, on_deferred, on_precondition_failed, on_rejected, precondition, reject_unauthorized, release,
    should_record, still_applies,
};
use crate::check;
use crate::controller::{Context, Controller, DecisionOf, Route, StepOf};
use crate::decision::{Decision, Verdict};
use crate::file::{Environment, Policy};
use crate::lookup::LookupKind;
use crate::promote::Package;
use crate::reason::Reason;
use crate::site::Site;
use crate::step::Step;

/// Decides which version an endpoint must serve, and whether it does.
#[derive(Debug, Clone, Copy)]
pub struct DeployController;

/// The trigger.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// A deployment request.
    Request {
        /// The sending account as EventBridge reports it.
        from: String,
        /// The deployment request.
        request: DeploymentRequested,
    },
    /// An endpoint changed.
    Endpoint(String),
    /// AWS Health names the endpoint or its component.
    AwsHealth(HealthEvent),
    /// A scheduled check of a deployment.
    Check {
        /// The request that started it.
        request_id: String,
    },
    /// A person placed a hold.
    Hold(HoldPlaced),
    /// A person released one.
    Release(HoldReleased),
    /// The recurring sweep.
    Sweep,
}

/// What deploy must read before deciding.
#[derive(Debug, Clone, PartialEq)]
pub enum Need {
    /// Nothing: the event and the state are sufficient.
    Nothing,
    /// The package, the endpoint, its component, and the response to the sample request once the requested
    /// configuration runs.
    Deployment(Box<InFlight>),
    /// The endpoint of the live version, and its component.
    Live(Serving),
}

/// A deployment to converge.
struct Task<'c> {
    policy: &'c Policy,
    environment: &'c Environment,
    /// The state, which contains the deployment in flight.
    state: Cow<'c, State>,
}

impl Controller for DeployController {
    const NAME: &'static str = super::NAME;
    type Trigger = Trigger;
    type State = State;
    type Need = Need;
    type Snapshot = Option<Snapshot>;
    type Call = Action;
    type Current = Option<(Package, Current)>;

    fn route(site: &Site, event: &Event) -> Route<Trigger> {
        match &event.body {
            Body::DeploymentRequested(request) => {
                let from = event.envelope.account.clone();
                Route::Model {
                    model: request.model.clone(),
                    sender: Some(from.clone()),
                    answers_unmanaged: true,
                    trigger: Trigger::Request { from, request: request.clone() },
                }
            }
            Body::EndpointChanged(change) => {
                let trigger = Trigger::Endpoint(change.endpoint.clone());
                Route::by_name(LookupKind::Endpoint, &change.endpoint, trigger)
            }
            Body::HealthEvent(health) => super::aws_health::route(site, event, health),
            Body::HoldPlaced(placed) => {
                let trigger = Trigger::Hold(placed.clone());
                from_hub(site, event, &placed.model, placed.environment.as_deref(), trigger)
            }
            Body::HoldReleased(release) => {
                let trigger = Trigger::Release(release.clone());
                from_hub(site, event, &release.model, release.environment.as_deref(), trigger)
            }
            Body::Scheduled(Scheduled::Check(check)) if check.function == super::NAME => {
                Route::model(&check.model, Trigger::Check { request_id: check.subject.clone() })
            }
            Body::Scheduled(Scheduled::Reconcile) => Route::Sweep,
            _ => Route::NotApplicable(Reason::UnsupportedEvent),
        }
    }

    fn sweep() -> Option<Trigger> {
        Some(Trigger::Sweep)
    }

    fn needs(cx: &Context<'_>, state: &State, trigger: &Trigger) -> Need {
        if let Some(watched) = watched(cx, state, trigger) {
            return Need::Live(watched.serving.clone());
        }
        if matches!(trigger, Trigger::AwsHealth(_)) {
            return Need::Nothing;
        }
        let Ok(task) = task(cx, state, trigger) else { return Need::Nothing };
        match &task.state.in_flight {
            Some(in_flight) => Need::Deployment(Box::new(in_flight.clone())),
            None => Need::Nothing,
        }
    }

    fn decide(
        cx: &Context<'_>,
        state: &State,
        trigger: &Trigger,
        seen: &Option<Snapshot>,
    ) -> DecisionOf<Self> {
        if let Trigger::AwsHealth(health) = trigger {
            return super::aws_health::decide(cx, health);
        }
        if let Some(watched) = watched(cx, state, trigger) {
            return watched.decide(cx, seen.as_ref());
        }
        match (task(cx, state, trigger), seen) {
            (Err(decided), _) => *decided,
            (Ok(task), Some(seen)) => {
                let decision =
                    converge(cx.site, task.policy, task.environment, task.state.as_ref(), seen, cx.now);
                answer_repeated(state, trigger, decision, cx.now)
            }
            (Ok(task), None) => {
                let endpoint = task.environment.endpoint.name.to_string();
                let status = "not looked at".to_owned();
                Decision::new(Verdict::Wait, Reason::EndpointBusy { endpoint, status })
            }
        }
    }

    fn lost_event(
        cx: &Context<'_>,
        state: &State,
        trigger: &Trigger,
        seen: &Option<Snapshot>,
    ) -> Option<Body> {
        watched(cx, state, trigger)?.lost_event(seen.as_ref()?)
    }

    fn violations(
        cx: &Context<'_>,
        state: &State,
        trigger: &Trigger,
        seen: &Option<Snapshot>,
        decision: &DecisionOf<Self>,
    ) -> Vec<check::Violation> {
        invariants::violations(cx, state, trigger, seen.as_ref(), decision)
    }

    fn still_applies(cx: &Context<'_>, state: &State, step: &StepOf<Self>) -> bool {
        still_applies(cx.environment(), state, step)
    }

    fn requires_recheck(step: &StepOf<Self>) -> bool {
        matches!(
            step,
            Step::Call(
                Action::CreateEndpoint { .. }
                    | Action::UpdateEndpoint { .. }
                    | Action::CreateComponent { .. }
                    | Action::UpdateComponent { .. }
                    | Action::DeleteEndpoint { .. }
                    | Action::DeleteComponent { .. }
            )
        )
    }

    /// Since the decision, the approval may have been withdrawn, a person may have placed a hold, or someone may have
    /// started to change the same resource.
    fn precondition(
        _cx: &Context<'_>,
        state: &State,
        step: &StepOf<Self>,
        current: &Option<(Package, Current)>,
    ) -> Option<Reason> {
        let (package, current) = current.as_ref()?;
        precondition(state, step, package, current)
    }

    fn on_rejected(
        cx: &Context<'_>,
        state: &State,
        step: &StepOf<Self>,
        why: &Reason,
    ) -> Option<DecisionOf<Self>> {
        on_rejected(cx.environment()?, state, step, why, cx.now)
    }

    fn on_precondition_failed(
        cx: &Context<'_>,
        state: &State,
        step: &StepOf<Self>,
        why: &Reason,
    ) -> Option<DecisionOf<Self>> {
        on_precondition_failed(cx.site, cx.environment()?, state, step, why, cx.now)
    }

    fn on_deferred(
        cx: &Context<'_>,
        state: &State,
        step: &StepOf<Self>,
        why: &Reason,
    ) -> Option<DecisionOf<Self>> {
        on_deferred(cx.site, cx.environment()?, state, step, why, cx.now)
    }

    fn violations_after_rejection(
        cx: &Context<'_>,
        state: &State,
        decision: &DecisionOf<Self>,
    ) -> Vec<check::Violation> {
        invariants::after_rejection(cx, state, decision)
    }

    fn should_record(state: &State, decision: &DecisionOf<Self>) -> bool {
        should_record(state, decision)
    }

    /// A sweep checks the deployment in flight every time, because its event may have been lost; and a live version that
    /// does not serve, because no list of AWS shows what was deleted.
    fn next_check(cx: &Context<'_>, state: &State) -> Option<Timestamp> {
        let unhealthy = state.live.as_ref().is_some_and(|live| live.unhealthy.is_some());
        (state.in_flight.is_some() || unhealthy).then_some(cx.now)
    }
}

/// A person's command about a model, in this environment or in all of them, is valid only if the hub sent it: the hub
/// records it for all environments.
fn from_hub(
    site: &Site,
    event: &Event,
    model: &str,
    environment: Option<&str>,
    trigger: Trigger,
) -> Route<Trigger> {
    let account = &event.envelope.account;
    if *account != site.hub_account {
        return Route::NotApplicable(Reason::NotFromHub { account: account.clone() });
    }
    match environment.filter(|name| *name != site.environment) {
        Some(wanted) => Route::NotApplicable(Reason::OtherEnvironment { wanted: wanted.to_owned() }),
        None => Route::model(model, trigger),
    }
}

/// The hub sends a request again when it has no report. If the deployment still waits, the answer says for what, so that
/// nobody looks for a lost event.
fn answer_repeated(state: &State, trigger: &Trigger, mut decision: Deploy, now: Timestamp) -> Deploy {
    let Trigger::Request { request, .. } = trigger else { return decision };
    let known =
        state.in_flight.as_ref().filter(|in_flight| in_flight.request.request_id == request.request_id);
    if let Some(in_flight) = known
        && decision.verdict == Verdict::Wait
    {
        let waiting = DeploymentWaiting {
            request_id: request.request_id.clone(),
            model: request.model.clone(),
            environment: request.environment.clone(),
            environment_account: request.environment_account.clone(),
            version: request.version,
            package_arn: request.package_arn.clone(),
            reason: decision.reason.code().to_owned(),
            detail: decision.reason.to_string(),
            accepted_at: in_flight.accepted_at,
            answered_at: now,
        };
        decision.plan.push(Step::AnswerWaiting { waiting });
    }
    decision
}

/// The deployment to converge, or the decision if there is none.
fn task<'c>(cx: &Context<'c>, state: &'c State, trigger: &Trigger) -> Result<Task<'c>, Box<Deploy>> {
    if let Trigger::Request { from, request } = trigger
        && let Some(rejection) = reject_unauthorized(cx.site, cx.policy, from, request, cx.now)
    {
        return Err(Box::new(rejection));
    }
    let ignore = |reason| Err(Box::new(Decision::new(Verdict::Ignore, reason)));
    let (Some(policy), Some(environment)) = (cx.policy, cx.environment()) else {
        return ignore(Reason::OtherEnvironment { wanted: "another account".to_owned() });
    };
    let state = begin(environment, state, trigger, cx.now)?;
    match state.in_flight {
        Some(_) => Ok(Task { policy, environment, state }),
        None => ignore(Reason::NothingInFlight { endpoint: environment.endpoint.name.to_string() }),
    }
}

/// The state in which to converge, or the decision if nothing remains to converge.
fn begin<'s>(
    environment: &Environment,
    state: &'s State,
    trigger: &Trigger,
    now: Timestamp,
) -> Result<Cow<'s, State>, Box<Deploy>> {
    let over = |reason| Err(Box::new(Decision::new(Verdict::Ignore, reason)));
    match trigger {
        Trigger::Request { request, .. } => accept_request(state, request, now).map(Cow::Owned),
        Trigger::Check { request_id } => match &state.in_flight {
            Some(in_flight) if in_flight.request.request_id == *request_id => Ok(Cow::Borrowed(state)),
            _ => over(Reason::DeploymentOver),
        },
        Trigger::Endpoint(endpoint) if !environment.endpoint.name.as_str().eq_ignore_ascii_case(endpoint) => {
            over(Reason::OtherEnvironment { wanted: endpoint.clone() })
        }
        Trigger::Hold(placed) => Err(Box::new(decide_hold(state, placed, now))),
        Trigger::Release(released) => release(state, released, now).map(Cow::Owned),
        Trigger::Endpoint(_) | Trigger::AwsHealth(_) | Trigger::Sweep => Ok(Cow::Borrowed(state)),
    }
}
