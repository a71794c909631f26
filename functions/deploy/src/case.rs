//! One request, change or look, for one model.

use async_trait::async_trait;
use jiff::Timestamp;
use std::borrow::Cow;
use std::sync::Arc;
use tidegate_engine::ports::{Alerts, Bus, Endpoints, Registry, Sampler, Schedules};
use tidegate_engine::{CallError, Case, EngineError};
use tidegate_events::{
    ApprovalStatus, Contract, DeploymentFinished, DeploymentRequested, HoldPlaced, HoldReleased, Wake,
    to_detail,
};
use tidegate_policy::check::{self, DeployCause, Violation};
use tidegate_policy::decision::{Decision, Verdict};
use tidegate_policy::deploy::{
    self, Action, Found, InFlight, Post, Snapshot, State, accept_request, converge, decide_hold, last_look,
    needs_probe, own_environment, reject_unauthorized, target,
};
use tidegate_policy::file::{EndpointKind, Environment, Policy};
use tidegate_policy::reason::Reason;

/// What happened.
pub(crate) enum Cause {
    Request { from: String, request: DeploymentRequested },
    Endpoint(String),
    Check { request_id: String },
    Hold(HoldPlaced),
    Release(HoldReleased),
    Sweep,
}

pub(crate) struct DeployCase {
    pub(crate) post: Post,
    pub(crate) policy: Option<Arc<Policy>>,
    pub(crate) cause: Cause,
    pub(crate) registry: Arc<dyn Registry>,
    pub(crate) endpoints: Arc<dyn Endpoints>,
    pub(crate) sampler: Arc<dyn Sampler>,
    pub(crate) schedules: Arc<dyn Schedules>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) alerts: Arc<dyn Alerts>,
}

#[async_trait]
impl Case for DeployCase {
    type State = State;
    type Action = Action;

    type Snapshot = Option<Snapshot>;

    async fn observe(&self, state: &State, now: Timestamp) -> Result<Option<Snapshot>, EngineError> {
        let Ok(Task { environment, state, .. }) = self.task(state, now) else { return Ok(None) };
        match &state.in_flight {
            Some(in_flight) => Ok(Some(self.snapshot(environment, in_flight).await?)),
            None => Ok(None),
        }
    }

    fn decide(&self, state: &State, seen: &Option<Snapshot>, now: Timestamp) -> deploy::Deploy {
        match (self.task(state, now), seen) {
            (Err(decided), _) => *decided,
            (Ok(task), Some(seen)) => {
                converge(&self.post, task.policy, task.environment, task.state.as_ref(), seen, now)
            }
            (Ok(task), None) => {
                let endpoint = task.environment.endpoint.name.to_string();
                let status = "not looked at".to_owned();
                Decision::new(Verdict::Wait, Reason::EndpointBusy { endpoint, status })
            }
        }
    }

    fn check(
        &self,
        state: &State,
        seen: &Option<Snapshot>,
        decision: &deploy::Deploy,
        now: Timestamp,
    ) -> Vec<Violation> {
        let cause = match &self.cause {
            Cause::Request { from, request } => DeployCause::Request { from, request },
            Cause::Hold(placed) => DeployCause::Hold(placed),
            Cause::Release(release) => DeployCause::Release(release),
            Cause::Endpoint(_) | Cause::Check { .. } | Cause::Sweep => DeployCause::Look,
        };
        check::deploy(&self.post, self.policy.as_deref(), state, seen.as_ref(), cause, decision, now)
    }

    fn check_follow_up(&self, state: &State, decision: &deploy::Deploy, now: Timestamp) -> Vec<Violation> {
        check::follow_up::deploy(&self.post.environment, state, decision, now)
    }

    fn requires_recheck(&self, action: &Action) -> bool {
        matches!(
            action,
            Action::CreateEndpoint { .. }
                | Action::UpdateEndpoint { .. }
                | Action::CreateComponent { .. }
                | Action::UpdateComponent { .. }
        )
    }

    /// The registry and what is about to change are asked again: the approval may have been withdrawn, a person may have
    /// placed a hold, or somebody may be changing the same thing.
    async fn precondition(
        &self,
        state: &State,
        action: &Action,
        _now: Timestamp,
    ) -> Result<Option<Reason>, EngineError> {
        let Some(in_flight) = &state.in_flight else { return Ok(None) };
        let package = self.registry.package(&in_flight.request.package_arn);
        let (package, found) = futures::future::try_join(package, self.found(action)).await?;
        let approval = package.map_or(ApprovalStatus::Absent, |found| found.package.approval);
        Ok(last_look(state, action, &approval, &found))
    }

    async fn act(&self, action: &Action) -> Result<String, CallError> {
        match action {
            Action::CreateModel { name, package_arn } => self.endpoints.create_model(name, package_arn).await,
            Action::CreateEndpointConfig { name, variant } => {
                self.endpoints.create_config(name, variant).await
            }
            Action::CreateEndpoint { name, config, tags } => {
                self.endpoints.create_endpoint(name, config, tags).await
            }
            Action::UpdateEndpoint { name, config, rollout } => {
                self.endpoints.update_endpoint(name, config, rollout).await
            }
            Action::CreateComponent { component } => self.endpoints.create_component(component).await,
            Action::UpdateComponent { component } => self.endpoints.update_component(component).await,
            Action::CheckAt { name, at, model, environment, request_id } => {
                let wake = Wake::CheckDeployment {
                    model: model.clone(),
                    environment: environment.clone(),
                    request_id: request_id.clone(),
                };
                let mut input = wake.input();
                if let Some(input) = input.as_object_mut() {
                    // Each look is an event of its own.
                    input.insert("at".to_owned(), at.to_string().into());
                }
                self.schedules.wake_at(name, *at, &input).await?;
                Ok(format!("will look again at {at}"))
            }
            Action::Report { finished } => {
                self.bus.publish(DeploymentFinished::DETAIL_TYPE, &to_detail(finished)).await?;
                Ok(format!("reported {} to the hub", finished.reason))
            }
            Action::Alert { subject, message } => {
                self.alerts.notify(subject, message).await?;
                Ok(format!("told people: {subject}"))
            }
        }
    }

    fn still_applies(&self, state: &State, action: &Action) -> bool {
        deploy::still_applies(own_environment(&self.post, self.policy.as_deref()), state, action)
    }

    fn is_alert(&self, action: &Action) -> bool {
        action.is_alert()
    }

    fn refused(
        &self,
        state: &State,
        action: &Action,
        why: &Reason,
        now: Timestamp,
    ) -> Option<deploy::Deploy> {
        let environment = own_environment(&self.post, self.policy.as_deref())?;
        deploy::refused(environment, state, action, why, now)
    }

    fn prevented(
        &self,
        state: &State,
        action: &Action,
        why: &Reason,
        now: Timestamp,
    ) -> Option<deploy::Deploy> {
        let environment = own_environment(&self.post, self.policy.as_deref())?;
        deploy::prevented(&self.post, environment, state, action, why, now)
    }

    fn should_record(&self, state: &State, decision: &deploy::Deploy) -> bool {
        deploy::should_record(state, decision)
    }
}

/// What there is to converge.
struct Task<'c> {
    policy: &'c Policy,
    environment: &'c Environment,
    /// With what is in flight.
    state: Cow<'c, State>,
}

impl DeployCase {
    /// What there is to converge, or the decision if there is nothing.
    fn task<'c>(&'c self, state: &'c State, now: Timestamp) -> Result<Task<'c>, Box<deploy::Deploy>> {
        if let Cause::Request { from, request } = &self.cause
            && let Some(refusal) = reject_unauthorized(&self.post, self.policy.as_deref(), from, request)
        {
            return Err(Box::new(refusal));
        }
        let ignore = |reason| Err(Box::new(Decision::new(Verdict::Ignore, reason)));
        let (Some(policy), Some(environment)) =
            (self.policy.as_deref(), own_environment(&self.post, self.policy.as_deref()))
        else {
            return ignore(Reason::OtherEnvironment { wanted: "another account".to_owned() });
        };
        let state = self.begin(environment, state, now)?;
        match state.in_flight {
            Some(_) => Ok(Task { policy, environment, state }),
            None => ignore(Reason::NothingInFlight { endpoint: environment.endpoint.name.to_string() }),
        }
    }

    /// The state in which to converge, or the decision if there is nothing to converge.
    fn begin<'s>(
        &self,
        environment: &Environment,
        state: &'s State,
        now: Timestamp,
    ) -> Result<Cow<'s, State>, Box<deploy::Deploy>> {
        let over = |reason| Err(Box::new(Decision::new(Verdict::Ignore, reason)));
        match &self.cause {
            Cause::Request { request, .. } => accept_request(state, request, now).map(Cow::Owned),
            Cause::Check { request_id } => match &state.in_flight {
                Some(in_flight) if in_flight.request.request_id == *request_id => Ok(Cow::Borrowed(state)),
                _ => over(Reason::DeploymentOver),
            },
            Cause::Endpoint(endpoint)
                if !environment.endpoint.name.as_str().eq_ignore_ascii_case(endpoint) =>
            {
                over(Reason::OtherEnvironment { wanted: endpoint.clone() })
            }
            Cause::Hold(placed) => Err(Box::new(decide_hold(state, placed))),
            Cause::Release(release) => deploy::release(state, release).map(Cow::Owned),
            Cause::Endpoint(_) | Cause::Sweep => Ok(Cow::Borrowed(state)),
        }
    }

    /// What an action is about to change, as it is now.
    async fn found(&self, action: &Action) -> Result<Found, CallError> {
        Ok(match action {
            Action::CreateComponent { component } | Action::UpdateComponent { component } => {
                Found::Component(self.endpoints.component(&component.name).await?)
            }
            Action::CreateEndpoint { name, .. } | Action::UpdateEndpoint { name, .. } => {
                Found::Endpoint(self.endpoints.endpoint(name).await?)
            }
            _ => Found::Endpoint(None),
        })
    }

    async fn snapshot(&self, environment: &Environment, in_flight: &InFlight) -> Result<Snapshot, CallError> {
        let name = environment.endpoint.name.as_str();
        let package = self.registry.package(&in_flight.request.package_arn);
        let endpoint = self.endpoints.endpoint(name);
        let (package, endpoint) = futures::future::try_join(package, endpoint).await?;
        let component = match (&endpoint, environment.endpoint.kind) {
            (Some(_), EndpointKind::InferenceComponent) => self.endpoints.component(name).await?,
            _ => None,
        };
        let approval = package.map(|p| p.package.approval);
        let mut seen = Snapshot { approval, endpoint, component, probe: None };
        if needs_probe(environment, in_flight, &seen)
            && let Some(sample) = &environment.verify.invoke
        {
            let component = target(environment, &in_flight.request).component.map(|c| c.name);
            let probe =
                self.sampler.ask(name, component.as_deref(), &sample.content_type, &sample.body).await?;
            seen.probe = Some(probe);
        }
        Ok(seen)
    }
}
