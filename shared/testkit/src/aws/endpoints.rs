//! Endpoints, configurations, models and components.

use async_trait::async_trait;
use jiff::Timestamp;
use tidegate_engine::CallError;
use tidegate_engine::ports::Endpoints;
use tidegate_events::EndpointStatus;
use tidegate_policy::deploy::{
    Component, ComponentStatus, Endpoint, Rollout, RunningComponent, RunningConfig, RunningModel,
    ScalableTarget,
};
use tidegate_policy::endpoint::{EndpointConfigSpec, ModelSpec};
use tidegate_policy::owner::Tags;

use super::state::{self, Pending, Served};
use super::{Effect, FakeAws};

type Call<T> = Result<T, CallError>;

#[async_trait]
impl Endpoints for FakeAws {
    async fn endpoint(&self, name: &str) -> Call<Option<Endpoint>> {
        self.pass("sagemaker", "DescribeEndpoint").await?;
        let state = self.state();
        let served = state.endpoints.get(name).map(|served| &served.endpoint);
        let found = served.or(self.canned.endpoint.as_ref());
        Ok(found.map(|found| Endpoint { arn: self.arn("endpoint", name), ..found.clone() }))
    }

    async fn changed_since(&self, since: Timestamp) -> Call<Vec<String>> {
        let endpoints = self.state().endpoints_changed_since(since);
        let components = self.state().components_changed_since(since);
        self.pass_pages("sagemaker", "ListEndpoints", endpoints.len().max(1), 100).await?;
        self.pass_pages("sagemaker", "ListInferenceComponents", components.len().max(1), 100).await?;
        Ok(endpoints.into_iter().chain(components).collect())
    }

    async fn component(&self, name: &str) -> Call<Option<RunningComponent>> {
        self.pass("sagemaker", "DescribeInferenceComponent").await?;
        let mut state = self.state();
        let now = state.now;
        let arn = self.arn("inference-component", name);
        let Some(component) = state.components.get_mut(name) else {
            let canned = self.canned.component.clone();
            return Ok(canned.map(|canned| RunningComponent { arn, ..canned }));
        };
        if let Some(ready) = component.ready.filter(|ready| *ready <= now) {
            component.ready = None;
            component.running.status = ComponentStatus::InService;
            component.running.last_modified = Some(ready);
        }
        Ok(Some(RunningComponent { arn, ..component.running.clone() }))
    }

    async fn running_config(&self, _name: &str, _endpoint: &Endpoint) -> Call<RunningConfig> {
        self.pass("sagemaker", "DescribeEndpointConfig").await?;
        Ok(self.canned.running_config.clone())
    }

    async fn model(&self, _name: &str) -> Call<Option<RunningModel>> {
        self.pass("sagemaker", "DescribeModel").await?;
        Ok(self.canned.model.clone())
    }

    async fn component_limits(&self, name: &str) -> Call<Option<ScalableTarget>> {
        self.pass("application-autoscaling", "DescribeScalableTargets").await?;
        let set = self.state().limits.get(name).cloned();
        Ok(set.or_else(|| self.canned.component_limits.clone()))
    }

    async fn add_tags(&self, arn: &str, _tags: &[(String, String)]) -> Call<String> {
        self.accept("sagemaker", "AddTags").await?;
        Ok(format!("tagged {arn}"))
    }

    async fn tags(&self, arn: &str) -> Call<Tags> {
        self.pass("sagemaker", "ListTags").await?;
        Ok(self.tags_of(arn))
    }

    async fn create_model(&self, model: &ModelSpec) -> Call<String> {
        self.accept("sagemaker", "CreateModel").await?;
        Ok(format!("created model {}", model.name))
    }

    async fn create_config(&self, config: &EndpointConfigSpec) -> Call<String> {
        self.accept("sagemaker", "CreateEndpointConfig").await?;
        Ok(format!("created configuration {}", config.name))
    }

    async fn create_endpoint(&self, name: &str, config: &str, _tags: &[(String, String)]) -> Call<String> {
        self.accept("sagemaker", "CreateEndpoint").await?;
        self.ask(name, config, EndpointStatus::Creating);
        Ok(format!("created endpoint {name}"))
    }

    async fn update_endpoint(
        &self,
        name: &str,
        config: &str,
        _rollout: &Rollout,
        _keep_instances: bool,
    ) -> Call<String> {
        self.accept("sagemaker", "UpdateEndpoint").await?;
        self.ask(name, config, EndpointStatus::Updating);
        Ok(format!("updating endpoint {name} to {config}"))
    }

    async fn create_component(&self, component: &Component, _tags: &[(String, String)]) -> Call<String> {
        self.accept("sagemaker", "CreateInferenceComponent").await?;
        self.put(component, ComponentStatus::Creating);
        Ok(format!("created component {}", component.name))
    }

    async fn update_component(&self, component: &Component, keep_copies: bool) -> Call<String> {
        self.accept("sagemaker", "UpdateInferenceComponent").await?;
        let before = self.state().components.get(&component.name).and_then(|known| known.running.copies);
        let copies = before.filter(|_| keep_copies).unwrap_or(component.copies);
        self.put(&Component { copies, ..component.clone() }, ComponentStatus::Updating);
        Ok(format!("updating component {} to {}", component.name, component.model))
    }

    async fn delete_endpoint(&self, name: &str) -> Call<String> {
        self.accept("sagemaker", "DeleteEndpoint").await?;
        self.state().endpoints.remove(name);
        Ok(format!("deleting endpoint {name}"))
    }

    async fn delete_component(&self, name: &str) -> Call<String> {
        self.accept("sagemaker", "DeleteInferenceComponent").await?;
        self.state().components.remove(name);
        Ok(format!("deleting component {name}"))
    }
}

impl FakeAws {
    fn ask(&self, name: &str, config: &str, status: EndpointStatus) {
        let mut state = self.state();
        let now = state.now;
        let at = now.checked_add(self.pace.deployment).unwrap_or(now);
        let before = state.endpoints.get(name).and_then(|served| served.endpoint.config.clone());
        let pending_config = Some(config.to_owned());
        let created = state.endpoints.get(name).map_or(Some(now), |served| served.endpoint.created);
        let endpoint = Endpoint {
            arn: String::new(),
            status,
            config: before,
            pending_config,
            failure: None,
            images: Vec::new(),
            desired_instances: None,
            created,
            last_modified: Some(now),
        };
        let pending = Some(Pending { config: config.to_owned(), at });
        state.endpoints.insert(name, Served { endpoint, ours: true, pending });
        state.effects.push(Effect::Settles { endpoint: name.to_owned(), at });
    }

    /// Makes a component that is in service from the present time on.
    pub fn put_component(&self, component: &Component) {
        self.put(component, ComponentStatus::InService);
    }

    fn put(&self, component: &Component, status: ComponentStatus) {
        let mut state = self.state();
        let now = state.now;
        let before = state.components.get(&component.name).map(|before| &before.running);
        let running = RunningComponent {
            arn: String::new(),
            endpoint: Some(component.endpoint.clone()),
            created: before.map_or(Some(now), |before| before.created),
            status,
            model: Some(component.model.clone()),
            image: None,
            size: Some(component.size),
            copies: Some(component.copies),
            startup: component.startup,
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
            ..served.endpoint.clone()
        };
        Some(served.endpoint.clone())
    }
}
