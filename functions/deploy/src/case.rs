//! One request, change or look, for one model.

use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use tidegate_engine::ports::{Bus, Endpoints, Registry, Sampler, Schedules};
use tidegate_engine::{CallError, Case, EngineError};
use tidegate_events::{Contract, DeploymentFinished, DeploymentRequested, Wake, to_detail};
use tidegate_policy::decision::{Decision, Verdict};
use tidegate_policy::deploy::{
    self, Action, InFlight, Post, Snapshot, State, converge, may_not_obey, needs_probe, own_environment,
    take_up, target,
};
use tidegate_policy::file::{EndpointKind, Environment, Policy};
use tidegate_policy::reason::Reason;

/// What happened.
pub(crate) enum Cause {
    Request { from: String, request: DeploymentRequested },
    Endpoint(String),
    Check { request_id: String },
    Sweep,
}

pub(crate) struct DeployCase {
    pub(crate) post: Post,
    pub(crate) policy: Option<Policy>,
    pub(crate) cause: Cause,
    pub(crate) registry: Arc<dyn Registry>,
    pub(crate) endpoints: Arc<dyn Endpoints>,
    pub(crate) sampler: Arc<dyn Sampler>,
    pub(crate) schedules: Arc<dyn Schedules>,
    pub(crate) bus: Arc<dyn Bus>,
}

#[async_trait]
impl Case for DeployCase {
    type State = State;
    type Action = Action;

    async fn decide(&self, state: State, now: Timestamp) -> Result<deploy::Deploy, EngineError> {
        if let Cause::Request { from, request } = &self.cause
            && let Some(refusal) = may_not_obey(&self.post, self.policy.as_ref(), from, request)
        {
            return Ok(refusal);
        }
        let ignore = |reason| Ok(Decision::new(Verdict::Ignore, reason));
        let (Some(policy), Some(environment)) =
            (self.policy.as_ref(), own_environment(&self.post, self.policy.as_ref()))
        else {
            return ignore(Reason::OtherEnvironment { wanted: "another account".to_owned() });
        };
        let state = match self.begin(environment, state, now) {
            Ok(state) => state,
            Err(decision) => return Ok(*decision),
        };
        let Some(in_flight) = &state.in_flight else {
            return ignore(Reason::NothingInFlight { endpoint: environment.endpoint.name.to_string() });
        };
        let seen = self.snapshot(environment, in_flight).await?;
        Ok(converge(&self.post, policy, environment, &state, &seen, now))
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
        }
    }

    fn stands(&self, state: &State, action: &Action) -> bool {
        deploy::stands(own_environment(&self.post, self.policy.as_ref()), state, action)
    }

    fn is_news(&self, _state: &State, decision: &deploy::Deploy) -> bool {
        !matches!(decision.verdict, Verdict::Ignore | Verdict::Wait)
    }
}

impl DeployCase {
    /// The state in which to converge, or the decision if there is nothing to converge.
    fn begin(
        &self,
        environment: &Environment,
        state: State,
        now: Timestamp,
    ) -> Result<State, Box<deploy::Deploy>> {
        let over = |reason| Err(Box::new(Decision::new(Verdict::Ignore, reason)));
        match &self.cause {
            Cause::Request { request, .. } => take_up(&state, request, now),
            Cause::Check { request_id } => match &state.in_flight {
                Some(in_flight) if in_flight.request.request_id == *request_id => Ok(state),
                _ => over(Reason::DeploymentOver),
            },
            Cause::Endpoint(endpoint)
                if !environment.endpoint.name.as_str().eq_ignore_ascii_case(endpoint) =>
            {
                over(Reason::OtherEnvironment { wanted: endpoint.clone() })
            }
            Cause::Endpoint(_) | Cause::Sweep => Ok(state),
        }
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
