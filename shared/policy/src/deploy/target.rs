//! What the endpoint must become: names derived from content, so that the same request makes the same things.

use serde::{Deserialize, Serialize};
use tidegate_events::DeploymentRequested;

use crate::file::{self, EndpointKind, Environment};
use crate::fingerprint::short;

/// The name of the one variant that every endpoint has.
pub const VARIANT: &str = "AllTraffic";

/// Everything that must be there when the deployment is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The endpoint.
    pub endpoint: String,
    /// The model.
    pub model: String,
    /// The configuration.
    pub config: String,
    /// What serves.
    pub variant: Variant,
    /// The component, for an endpoint of components.
    pub component: Option<Component>,
    /// How an update rolls out.
    pub rollout: Rollout,
}

/// What serves behind an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Variant {
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

/// A model on an endpoint of components.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// Its name: the endpoint's.
    pub name: String,
    /// Its endpoint.
    pub endpoint: String,
    /// Its model.
    pub model: String,
    /// Memory for a copy in MB.
    pub memory_mb: u32,
    /// Copies.
    pub copies: u32,
}

/// How an update rolls out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// Canary percent and bake seconds; all at once where absent.
    pub canary: Option<(u32, u32)>,
    /// Alarms that make SageMaker roll back.
    pub alarms: Vec<String>,
}

/// The target of a request under a policy.
#[must_use]
pub fn target(environment: &Environment, request: &DeploymentRequested) -> Target {
    let spec = &environment.endpoint;
    let endpoint = spec.name.to_string();
    let model = format!("{endpoint}-v{}-{}", request.version, short(&[&request.package_arn], 6));
    let variant = variant(spec, &model);
    let content = serde_json::to_string(&variant).unwrap_or_default();
    let config = match &variant {
        // The configuration of a component endpoint names no model: a new version does not touch the endpoint.
        Variant::Components { .. } => format!("{endpoint}-{}", short(&[&content], 8)),
        Variant::RealTime { .. } | Variant::Serverless { .. } => {
            format!("{endpoint}-v{}-{}", request.version, short(&[&content], 8))
        }
    };
    let component = (spec.kind == EndpointKind::InferenceComponent).then(|| Component {
        name: endpoint.clone(),
        endpoint: endpoint.clone(),
        model: model.clone(),
        memory_mb: spec.memory_mb.unwrap_or_default(),
        copies: copies(spec),
    });
    Target { endpoint, model, config, variant, component, rollout: rollout(environment) }
}

/// The copies that a component has while it is awake.
#[must_use]
pub fn copies(spec: &file::Endpoint) -> u32 {
    spec.copies.unwrap_or(1).max(1)
}

fn variant(spec: &file::Endpoint, model: &str) -> Variant {
    let instance_type = spec.instance_type.as_ref().map(ToString::to_string).unwrap_or_default();
    match spec.kind {
        // An async endpoint has the same instances; a policy that wants one is refused before it gets here.
        EndpointKind::RealTime | EndpointKind::Async => Variant::RealTime {
            model: model.to_owned(),
            instance_type,
            instances: spec.instances.unwrap_or(1).max(1),
        },
        EndpointKind::Serverless => Variant::Serverless {
            model: model.to_owned(),
            memory_mb: spec.memory_mb.unwrap_or_default(),
            max_concurrency: spec.max_concurrency.unwrap_or(1),
        },
        EndpointKind::InferenceComponent => {
            Variant::Components { instance_type, max_instances: spec.instances.unwrap_or(1).max(1) }
        }
    }
}

fn rollout(environment: &Environment) -> Rollout {
    Rollout {
        canary: environment.rollout.canary.as_ref().map(|c| (c.percent, c.bake.seconds())),
        alarms: environment.rollout.alarms.clone(),
    }
}
