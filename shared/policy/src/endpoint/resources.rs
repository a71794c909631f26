//! The SageMaker resources that a request requires. Names are derived from content, so the same request produces the
//! same resources.

use serde::{Deserialize, Serialize};
use tidegate_events::DeploymentRequested;

use super::Component;
use crate::file::Environment;
use crate::fingerprint::short;

/// The name of the one variant that every endpoint has.
pub const VARIANT: &str = "AllTraffic";

/// All resources that must exist when the deployment has ended.
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
    /// How an update is rolled out.
    pub rollout: Rollout,
}

/// The kinds of production variants in an endpoint configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ProductionVariant {
    /// Instances that always run.
    RealTime {
        /// The model.
        model: String,
        /// The instance type.
        instance_type: String,
        /// The number of instances.
        instances: u32,
    },
    /// No instances.
    Serverless {
        /// The model.
        model: String,
        /// Memory in MB.
        memory_mb: u32,
        /// The maximum number of concurrent invocations.
        max_concurrency: u32,
    },
    /// Instances for inference components, which SageMaker adds and removes, down to zero.
    Components {
        /// The instance type.
        instance_type: String,
        /// The maximum number of instances.
        max_instances: u32,
    },
}

/// How an update is rolled out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// Canary percentage and bake time in seconds; all at once if absent.
    pub canary: Option<(u32, u32)>,
    /// Alarms that make SageMaker roll back.
    pub alarms: Vec<String>,
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
    /// The resources that a request requires in an environment.
    #[must_use]
    pub fn of(environment: &Environment, request: &DeploymentRequested) -> Self {
        let kind = environment.endpoint.spec.behavior();
        let endpoint = environment.endpoint.name.to_string();
        let model = format!("{endpoint}-v{}-{}", request.version, short(&[&request.package_arn], 6));
        let variant = kind.variant(&model);
        let content = short(&[&serde_json::to_string(&variant).unwrap_or_default()], 8);
        // A configuration without a model stays the same for a new version.
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
    /// The model in the variant, if it contains one.
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
