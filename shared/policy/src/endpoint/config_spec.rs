//! An endpoint configuration to create.

use serde::{Deserialize, Serialize};
use tidegate_events::DeploymentRequested;

use super::ModelSpec;
use crate::file::Environment;
use crate::fingerprint::short;
use crate::owner;

/// An endpoint configuration to create.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndpointConfigSpec {
    /// Its name.
    pub name: String,
    /// Its production variant.
    pub variant: ProductionVariant,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<(String, String)>,
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
        /// The minimum number of instances: zero if the policy scales to zero.
        #[serde(default, skip_serializing_if = "is_zero")]
        min_instances: u32,
        /// The maximum number of instances.
        max_instances: u32,
    },
}

/// A minimum of zero is not written, so that configurations have the names that they had before there was a choice.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl EndpointConfigSpec {
    /// The configuration that a request requires in an environment.
    pub(super) fn of(environment: &Environment, request: &DeploymentRequested, model: &ModelSpec) -> Self {
        let endpoint = &environment.endpoint.name;
        let variant = environment.endpoint.spec.behavior().variant(&model.name, &environment.scale);
        let content = short(&[&serde_json::to_string(&variant).unwrap_or_default()], 8);
        // A configuration without a model stays the same for a new version.
        let name = match variant.model() {
            Some(_) => format!("{endpoint}-v{}-{content}", request.version),
            None => format!("{endpoint}-{content}"),
        };
        Self { name, variant, tags: owner::tags(&request.model, Some(&request.environment)) }
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
