//! deploy: updates the endpoint to the requested version, and reports the outcome to the hub.

mod spec;

use async_trait::async_trait;
use std::sync::Arc;
use tidegate_engine::ports::{Endpoints, Registry, Sampler};
use tidegate_engine::{Adapter, CallError, Engine, EngineError};
use tidegate_events::ApprovalStatus;
use tidegate_policy::controller::Context;
use tidegate_policy::deploy::{
    Action, Current, DeployController, InFlight, Need, Snapshot, State, Trigger, needs_probe,
};
use tidegate_policy::endpoint::DesiredResources;
use tidegate_policy::file::Environment;
use tidegate_policy::step::Step;

pub use spec::SPEC;
pub use tidegate_policy::deploy::NAME;

/// The adapter of deploy with its ports.
pub struct Deploy {
    /// The model registry of the hub.
    pub registry: Arc<dyn Registry>,
    /// The SageMaker endpoints of this account.
    pub endpoints: Arc<dyn Endpoints>,
    /// The client for the sample request.
    pub sampler: Arc<dyn Sampler>,
}

#[async_trait]
impl Adapter for Deploy {
    type Controller = DeployController;

    async fn observe(
        &self,
        _engine: &Engine,
        cx: &Context<'_>,
        need: Need,
    ) -> Result<Option<Snapshot>, EngineError> {
        match (need, cx.environment()) {
            (Need::Deployment(in_flight), Some(environment)) => {
                Ok(Some(self.snapshot(environment, &in_flight).await?))
            }
            (Need::Deployment(_), None) | (Need::Nothing, _) => Ok(None),
        }
    }

    async fn recheck(
        &self,
        _engine: &Engine,
        _cx: &Context<'_>,
        state: &State,
        _trigger: &Trigger,
        step: &Step<Action>,
    ) -> Result<Option<(ApprovalStatus, Current)>, EngineError> {
        let (Some(call), Some(in_flight)) = (step.call(), &state.in_flight) else { return Ok(None) };
        let package = self.registry.package(&in_flight.request.package_arn);
        let (package, current) = futures::future::try_join(package, self.current(call)).await?;
        let approval = package.map_or(ApprovalStatus::Absent, |found| found.package.approval);
        Ok(Some((approval, current)))
    }

    async fn call(&self, call: &Action) -> Result<String, CallError> {
        match call {
            Action::CreateModel(model) => self.endpoints.create_model(model).await,
            Action::CreateEndpointConfig(config) => self.endpoints.create_config(config).await,
            Action::CreateEndpoint { name, config, tags } => {
                self.endpoints.create_endpoint(name, config, tags).await
            }
            Action::UpdateEndpoint { name, config, rollout } => {
                self.endpoints.update_endpoint(name, config, rollout).await
            }
            Action::CreateComponent { component } => self.endpoints.create_component(component).await,
            Action::UpdateComponent { component } => self.endpoints.update_component(component).await,
        }
    }
}

impl Deploy {
    /// Reads the current state of the resource that a call changes.
    async fn current(&self, call: &Action) -> Result<Current, CallError> {
        Ok(match call {
            Action::CreateComponent { component } | Action::UpdateComponent { component } => {
                Current::Component(self.endpoints.component(&component.name).await?)
            }
            Action::CreateEndpoint { name, .. } | Action::UpdateEndpoint { name, .. } => {
                Current::Endpoint(self.endpoints.endpoint(name).await?)
            }
            Action::CreateModel(_) | Action::CreateEndpointConfig(_) => Current::Endpoint(None),
        })
    }

    async fn snapshot(&self, environment: &Environment, in_flight: &InFlight) -> Result<Snapshot, CallError> {
        let wanted = DesiredResources::of(environment, &in_flight.request);
        let package = self.registry.package(&in_flight.request.package_arn);
        let endpoint = self.endpoints.endpoint(&wanted.endpoint);
        let (package, endpoint) = futures::future::try_join(package, endpoint).await?;
        let component = match (&endpoint, &wanted.component) {
            (Some(_), Some(component)) => self.endpoints.component(&component.name).await?,
            (None, _) | (_, None) => None,
        };
        let approval = package.map(|found| found.package.approval);
        let mut seen = Snapshot { approval, endpoint, component, probe: None };
        if needs_probe(environment, in_flight, &seen)
            && let Some(sample) = &environment.verify.invoke
        {
            let component = wanted.component.as_ref().map(|component| component.name.as_str());
            let (content_type, body) = (&sample.content_type, &sample.body);
            seen.probe = Some(self.sampler.ask(&wanted.endpoint, component, content_type, body).await?);
        }
        Ok(seen)
    }
}
