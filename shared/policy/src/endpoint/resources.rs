//! The resources that a request wants in SageMaker. Names are derived from content, so that the same request makes the
//! same resources.

use serde::{Deserialize, Serialize};
use tidegate_events::DeploymentRequested;

use super::Component;
use crate::file::Environment;
use crate::fingerprint::short;

/// The name of the one variant that every endpoint has.
pub const VARIANT: &str = "AllTraffic";

/// Everything that must be there when the deployment is done.
#[derive(Debug, Clone, PartialEq)]
pub struct DesiredResources {
    /// The endpoint.
    pub endpoint: String,
    /// The model.
    pub model: String,
    /// The configuration.
    pub config: String,
    /// The configuration's production variant.
    pub variant: ProductionVariant,
    /// The component, if one runs the model. Requests are then sent to it.
    pub component: Option<Component>,
    /// How an update rolls out.
    pub rollout: Rollout,
}

/// The shapes of an endpoint configuration's production variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ProductionVariant {
    /// Instances that always run.
    RealTime {
        /// The model.
        model: String,
        /// The instance type.
        instance_type: String,
        /// How many.
        instances: u32,
    },
    /// No instances.
    Serverless {
        /// The model.
        model: String,
        /// Memory in MB.
        memory_mb: u32,
        /// Concurrent invocations.
        max_concurrency: u32,
    },
    /// Instances for components, which SageMaker adds and removes, down to none.
    Components {
        /// The instance type.
        instance_type: String,
        /// The most instances.
        max_instances: u32,
    },
}

/// How an update rolls out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// Canary percent and bake seconds; all at once where absent.
    pub canary: Option<(u32, u32)>,
    /// Alarms that make SageMaker roll back.
    pub alarms: Vec<String>,
}

/// What requests are sent to, and under whose name CloudWatch counts them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvokedResource {
    /// The one variant of an endpoint.
    Endpoint(String),
    /// An inference component.
    Component(String),
}

impl DesiredResources {
    /// What a request wants in an environment.
    #[must_use]
    pub fn of(environment: &Environment, request: &DeploymentRequested) -> Self {
        let kind = environment.endpoint.spec.behavior();
        let endpoint = environment.endpoint.name.to_string();
        let model = format!("{endpoint}-v{}-{}", request.version, short(&[&request.package_arn], 6));
        let variant = kind.variant(&model);
        let content = short(&[&serde_json::to_string(&variant).unwrap_or_default()], 8);
        // A configuration that names no model stays the same with a new version.
        let config = match variant.model() {
            Some(_) => format!("{endpoint}-v{}-{content}", request.version),
            None => format!("{endpoint}-{content}"),
        };
        let component = kind.component(&endpoint, &model);
        let rollout = Rollout {
            canary: environment.rollout.canary.as_ref().map(|c| (c.percent, c.bake.seconds())),
            alarms: environment.rollout.alarms.clone(),
        };
        Self { endpoint, model, config, variant, component, rollout }
    }
}

impl ProductionVariant {
    /// The model that it names.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        match self {
            Self::RealTime { model, .. } | Self::Serverless { model, .. } => Some(model),
            Self::Components { .. } => None,
        }
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
