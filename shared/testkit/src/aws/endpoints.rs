//! Endpoints, configurations, models and components.

use async_trait::async_trait;
use tidegate_engine::CallError;
use tidegate_engine::ports::Endpoints;
use tidegate_events::EndpointStatus;
use tidegate_policy::deploy::{Component, ComponentStatus, Endpoint, Rollout, RunningComponent};
use tidegate_policy::endpoint::{EndpointConfigSpec, ModelSpec};

use super::state::{self, Pending, Served};
use super::{Effect, FakeAws};

type Call<T> = Result<T, CallError>;

#[async_trait]
impl Endpoints for FakeAws {
    async fn endpoint(&self, name: &str) -> Call<Option<Endpoint>> {
        let state = self.state();
        let served = state.endpoints.get(name).map(|served| &served.endpoint);
        Ok(served.or(self.canned.endpoint.as_ref()).cloned())
    }

    async fn component(&self, name: &str) -> Call<Option<RunningComponent>> {
        let mut state = self.state();
        let now = state.now;
        let Some(component) = state.components.get_mut(name) else {
            return Ok(self.canned.component.clone());
        };
        if let Some(ready) = component.ready.filter(|ready| *ready <= now) {
            component.ready = None;
            component.running.status = ComponentStatus::InService;
            component.running.last_modified = Some(ready);
        }
        Ok(Some(component.running.clone()))
    }

    async fn create_model(&self, model: &ModelSpec) -> Call<String> {
        self.accept("sagemaker", "CreateModel")?;
        Ok(format!("created model {}", model.name))
    }

    async fn create_config(&self, config: &EndpointConfigSpec) -> Call<String> {
        self.accept("sagemaker", "CreateEndpointConfig")?;
        Ok(format!("created configuration {}", config.name))
    }

    async fn create_endpoint(&self, name: &str, config: &str, _tags: &[(String, String)]) -> Call<String> {
        self.accept("sagemaker", "CreateEndpoint")?;
        self.ask(name, config, EndpointStatus::Creating);
        Ok(format!("created endpoint {name}"))
    }

    async fn update_endpoint(&self, name: &str, config: &str, _rollout: &Rollout) -> Call<String> {
        self.accept("sagemaker", "UpdateEndpoint")?;
        self.ask(name, config, EndpointStatus::Updating);
        Ok(format!("updating endpoint {name} to {config}"))
    }

    async fn create_component(&self, component: &Component) -> Call<String> {
        self.accept("sagemaker", "CreateInferenceComponent")?;
        self.put(component, ComponentStatus::Creating);
        Ok(format!("created component {}", component.name))
    }

    async fn update_component(&self, component: &Component) -> Call<String> {
        self.accept("sagemaker", "UpdateInferenceComponent")?;
        self.put(component, ComponentStatus::Updating);
        Ok(format!("updating component {} to {}", component.name, component.model))
    }
}

impl FakeAws {
    fn ask(&self, name: &str, config: &str, status: EndpointStatus) {
        let mut state = self.state();
        let now = state.now;
        let at = now.checked_add(self.pace.deployment).unwrap_or(now);
        let before = state.endpoints.get(name).and_then(|served| served.endpoint.config.clone());
        let pending_config = Some(config.to_owned());
        let endpoint =
            Endpoint { status, config: before, pending_config, failure: None, last_modified: Some(now) };
        let pending = Some(Pending { config: config.to_owned(), at });
        state.endpoints.insert(name, Served { endpoint, ours: true, pending });
        state.effects.push(Effect::Settles { endpoint: name.to_owned(), at });
    }

    fn put(&self, component: &Component, status: ComponentStatus) {
        let mut state = self.state();
        let now = state.now;
        let running = RunningComponent {
            status,
            model: Some(component.model.clone()),
            size: Some(component.size),
            copies: Some(component.copies),
            failure: None,
            last_modified: Some(now),
        };
        let ready = now.checked_add(self.pace.deployment).ok();
        state.components.insert(&component.name, state::Component { running, ready });
    }

    /// Sets a changed endpoint to in service, if its time has come and no event reported otherwise.
    #[must_use]
    pub fn settle(&self, name: &str) -> Option<Endpoint> {
        let mut state = self.state();
        let now = state.now;
        let served = state.endpoints.get_mut(name)?;
        let pending = served.pending.take_if(|pending| pending.at <= now)?;
        served.endpoint = Endpoint {
            status: EndpointStatus::InService,
            config: Some(pending.config),
            pending_config: None,
            failure: None,
            last_modified: Some(pending.at),
        };
        Some(served.endpoint.clone())
    }
}
