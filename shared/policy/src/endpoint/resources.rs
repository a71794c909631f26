//! The SageMaker resources that a request requires. Names are derived from content, so the same request produces the
//! same resources.

use tidegate_events::DeploymentRequested;

use super::{Component, EndpointConfigSpec, ModelSpec, Rollout};
use crate::file::Environment;

/// The name of the one variant that every endpoint has.
pub const VARIANT: &str = "AllTraffic";

/// All resources that must exist when the deployment has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct DesiredResources {
    /// The endpoint.
    pub endpoint: String,
    /// The model.
    pub model: ModelSpec,
    /// The configuration.
    pub config: EndpointConfigSpec,
    /// The component, if one runs the model. Requests are then sent to it.
    pub component: Option<Component>,
    /// How an update is rolled out.
    pub rollout: Rollout,
}

/// The target of invocations, and the name under which CloudWatch counts them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvokedResource {
    /// The one variant of an endpoint.
    Endpoint(String),
    /// An inference component.
    Component(String),
}

impl DesiredResources {
    /// The name of the model of a version in an environment.
    #[must_use]
    pub fn model_of(environment: &Environment, version: u64, package_arn: &str) -> String {
        ModelSpec::name_of(environment, version, package_arn)
    }

    /// The resources that a request requires in an environment.
    #[must_use]
    pub fn of(environment: &Environment, request: &DeploymentRequested) -> Self {
        let endpoint = environment.endpoint.name.to_string();
        let model = ModelSpec::of(environment, request);
        let config = EndpointConfigSpec::of(environment, request, &model);
        let component = environment.endpoint.spec.behavior().component(&endpoint, &model.name);
        let rollout = Rollout::of(&environment.rollout);
        // A component has the rollout, not the endpoint that it is on.
        let (component, rollout) = match component {
            Some(component) => (Some(Component { rollout, ..component }), Rollout::default()),
            None => (None, rollout),
        };
        Self { endpoint, model, config, component, rollout }
    }

    /// The same, with other tags on the model and on the configuration.
    #[must_use]
    pub fn with_tags(mut self, tags: &[(String, String)]) -> Self {
        self.model.tags = tags.to_vec();
        self.config.tags = tags.to_vec();
        self
    }
}

impl InvokedResource {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Endpoint(name) | Self::Component(name) => name,
        }
    }
}
