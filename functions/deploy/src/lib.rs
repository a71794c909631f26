//! deploy: updates the endpoint to the requested version, and reports the outcome to the hub.

mod samples;
mod spec;

use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;
use tidegate_engine::ports::{Alarms, Endpoints, Registry, Sampler};
use tidegate_engine::{Adapter, CallError, Engine, EngineError};
use tidegate_events::{ApprovalStatus, PackageStatus};
use tidegate_policy::controller::Context;
use tidegate_policy::deploy::{
    Action, Current, DeployController, InFlight, Need, RunningConfig, ScalableTarget, Serving, Snapshot,
    State, Trigger, needs_alarms, needs_comparison, needs_component_tags, needs_endpoint_tags, needs_probe,
    needs_running_config,
};
use tidegate_policy::endpoint::DesiredResources;
use tidegate_policy::file::Environment;
use tidegate_policy::lookup::{Lookup, LookupKind};
use tidegate_policy::owner::Tags;
use tidegate_policy::promote::Package;
use tidegate_policy::step::Step;

use samples::Samples;

pub use samples::invalid_schema;
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
    /// The alarms that may have rolled a deployment back.
    pub alarms: Arc<dyn Alarms>,
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
            (Need::Live(serving), _) => Ok(Some(self.look_at(&serving).await?)),
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
    ) -> Result<Option<(Package, Current)>, EngineError> {
        let (Some(call), Some(in_flight)) = (step.call(), &state.in_flight) else { return Ok(None) };
        let package = self.registry.package(&in_flight.request.package_arn);
        let (package, current) = futures::future::try_join(package, self.current(call)).await?;
        let absent = || Package {
            approval: ApprovalStatus::Absent,
            status: PackageStatus::Unknown(String::new()),
            artifacts: None,
        };
        Ok(Some((package.map_or_else(absent, |found| found.package), current)))
    }

    async fn changed_since(
        &self,
        _engine: &Engine,
        since: Timestamp,
    ) -> Result<BTreeSet<Lookup>, EngineError> {
        let names = self.endpoints.changed_since(since).await?;
        Ok(names.iter().map(|name| Lookup::new(LookupKind::Endpoint, name)).collect())
    }

    /// A sweep describes the endpoint of a model, and its component if it has one.
    fn models_per_second(&self) -> u32 {
        4
    }

    async fn call(&self, call: &Action) -> Result<String, CallError> {
        match call {
            Action::CreateModel(model) => self.endpoints.create_model(model).await,
            Action::CreateEndpointConfig(config) => self.endpoints.create_config(config).await,
            Action::CreateEndpoint { name, config, tags } => {
                self.endpoints.create_endpoint(name, config, tags).await
            }
            Action::UpdateEndpoint { name, config, rollout, keep_instances } => {
                self.endpoints.update_endpoint(name, config, rollout, *keep_instances).await
            }
            Action::CreateComponent { component, tags } => {
                self.endpoints.create_component(component, tags).await
            }
            Action::UpdateComponent { component, keep_copies } => {
                self.endpoints.update_component(component, *keep_copies).await
            }
            Action::AddTags { arn, tags, .. } => self.endpoints.add_tags(arn, tags).await,
            Action::DeleteEndpoint { name, .. } => self.endpoints.delete_endpoint(name).await,
            Action::DeleteComponent { name, .. } => self.endpoints.delete_component(name).await,
        }
    }
}

impl Deploy {
    /// Reads the current state of the resource that a call changes.
    async fn current(&self, call: &Action) -> Result<Current, CallError> {
        Ok(match call {
            Action::CreateComponent { component, .. } | Action::UpdateComponent { component, .. } => {
                Current::Component(self.endpoints.component(&component.name).await?)
            }
            Action::DeleteComponent { name, .. } => Current::Component(self.endpoints.component(name).await?),
            Action::CreateEndpoint { name, .. }
            | Action::UpdateEndpoint { name, .. }
            | Action::DeleteEndpoint { name, .. } => Current::Endpoint(self.endpoints.endpoint(name).await?),
            Action::CreateModel(_) | Action::CreateEndpointConfig(_) | Action::AddTags { .. } => {
                Current::Endpoint(None)
            }
        })
    }

    /// Reads the tags of the endpoint and what it runs, if the deployment may be about to change it.
    async fn of_endpoint(
        &self,
        environment: &Environment,
        in_flight: &InFlight,
        seen: &Snapshot,
    ) -> Result<(Option<Tags>, Option<RunningConfig>), CallError> {
        let Some(endpoint) = &seen.endpoint else { return Ok((None, None)) };
        let tags = async {
            if needs_endpoint_tags(environment, in_flight, endpoint, seen.component.as_ref()) {
                self.endpoints.tags(&endpoint.arn).await.map(Some)
            } else {
                Ok(None)
            }
        };
        let running = async {
            if needs_running_config(environment, in_flight, seen) {
                let name = environment.endpoint.name.as_str();
                self.endpoints.running_config(name, endpoint).await.map(Some)
            } else {
                Ok(None)
            }
        };
        futures::future::try_join(tags, running).await
    }

    /// Reads the tags and the limits of the component, if the deployment may be about to change it.
    async fn of_component(
        &self,
        environment: &Environment,
        in_flight: &InFlight,
        seen: &Snapshot,
    ) -> Result<(Option<Tags>, Option<ScalableTarget>), CallError> {
        let wanted = DesiredResources::of(environment, &in_flight.request).component;
        match seen.component.as_ref().zip(wanted) {
            Some((component, wanted))
                if needs_component_tags(environment, in_flight, seen.endpoint.as_ref(), component) =>
            {
                let tags = self.endpoints.tags(&component.arn);
                let limits = self.endpoints.component_limits(&wanted.name);
                let (tags, limits) = futures::future::try_join(tags, limits).await?;
                Ok((Some(tags), limits))
            }
            _ => Ok((None, None)),
        }
    }

    /// Reads what serves the live version. The component of an endpoint that does not exist is not read: it serves
    /// nothing.
    async fn look_at(&self, serving: &Serving) -> Result<Snapshot, CallError> {
        let endpoint = self.endpoints.endpoint(&serving.endpoint).await?;
        let component = match (&endpoint, &serving.component) {
            (Some(_), Some(component)) => self.endpoints.component(&component.name).await?,
            (None, _) | (_, None) => None,
        };
        Ok(Snapshot { endpoint, component, ..Snapshot::default() })
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
        let containers = package.as_ref().map(|found| found.containers.clone()).unwrap_or_default();
        let (approval, artifacts) =
            package.map(|found| (found.package.approval, found.package.artifacts)).unzip();
        let artifacts = artifacts.flatten();
        let mut seen =
            Snapshot { approval, artifacts, containers, endpoint, component, ..Snapshot::default() };
        let (of_endpoint, of_component) = futures::future::try_join(
            self.of_endpoint(environment, in_flight, &seen),
            self.of_component(environment, in_flight, &seen),
        )
        .await?;
        (seen.endpoint_tags, seen.running_config) = of_endpoint;
        (seen.component_tags, seen.component_limits) = of_component;
        if needs_comparison(environment, in_flight, &seen) {
            seen.model = self.endpoints.model(&wanted.model.name).await?;
        }
        let alarms = needs_alarms(environment, in_flight, &seen);
        if !alarms.is_empty() {
            seen.alarms = self.alarms.in_alarm(&alarms).await?;
        }
        if needs_probe(environment, in_flight, &seen) {
            let component = wanted.component.as_ref().map(|component| component.name.as_str());
            let samples = Samples { sampler: self.sampler.as_ref(), endpoint: &wanted.endpoint, component };
            (seen.sample, seen.probe) = samples.send(environment, in_flight).await?;
        }
        Ok(seen)
    }
}
