//! An endpoint configuration to create.

use serde::{Deserialize, Serialize};
use tidegate_events::DeploymentRequested;

use super::{AsyncSettings, InstanceSettings, ModelSettings, ModelSpec, StartupTimes};
use crate::file::{Capture, Environment, Vpc};
use crate::fingerprint;
use crate::names::{AmiVersion, KmsKey, RoleArn};
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
    /// What is set on it.
    #[serde(default, skip_serializing_if = "fingerprint::is_default")]
    pub settings: ConfigSettings,
}

/// What a policy sets on the configuration and its variant.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConfigSettings {
    /// Which requests and responses are stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<Capture>,
    /// For components: the settings of their model that the configuration must have as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub components: Option<ComponentHost>,
    /// The key for the storage volumes of the instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_key: Option<KmsKey>,
    /// The key for what is captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_key: Option<KmsKey>,
    /// How requests are taken from a queue, and where the answers are put. The endpoint is asynchronous if it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub async_inference: Option<AsyncSettings>,
    /// The key for the answers of an asynchronous endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_key: Option<KmsKey>,
    /// The size of each storage volume in GB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_gb: Option<u32>,
    /// The machine image of the instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inference_ami_version: Option<AmiVersion>,
    /// How long the start of the variant's model may take. A component has its own times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<StartupTimes>,
}

/// What the configuration of an endpoint for components sets for all models that run on it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ComponentHost {
    /// The network to which the containers are attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<Vpc>,
    /// Whether the containers can make no network call at all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub network_isolation: bool,
    /// The role of the containers; the model role of the stack if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_role: Option<RoleArn>,
}

/// The kinds of production variants in an endpoint configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ProductionVariant {
    /// Instances that serve a model, at once or from a queue.
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
        let settings = ConfigSettings::of(environment, &variant);
        let mut parts = vec![serde_json::to_string(&variant).unwrap_or_default()];
        parts.extend(Some(fingerprint::of_settings(&settings, 8)).filter(|set| !set.is_empty()));
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let content = fingerprint::short(&parts, 8);
        // A configuration without a model stays the same for a new version.
        let name = match variant.model() {
            Some(_) => format!("{endpoint}-v{}-{content}", request.version),
            None => format!("{endpoint}-{content}"),
        };
        let tags = owner::tags(&request.model, Some(&request.environment));
        Self { name, variant, tags, settings }
    }
}

impl ConfigSettings {
    fn of(environment: &Environment, variant: &ProductionVariant) -> Self {
        let ModelSettings { vpc, network_isolation, execution_role, .. } = environment.endpoint.model.clone();
        let host = ComponentHost { vpc, network_isolation, execution_role };
        let instances = environment.endpoint.spec.behavior().instance_settings();
        let kms = instances.and_then(|instances| instances.kms.clone()).unwrap_or_default();
        let of_variant = instances.filter(|_| variant.model().is_some());
        Self {
            volume_key: kms.volume,
            capture_key: kms.capture,
            async_inference: environment.endpoint.spec.behavior().async_settings().cloned(),
            output_key: kms.output,
            volume_gb: instances.and_then(|instances| instances.startup.as_ref()?.volume_gb),
            inference_ami_version: instances.and_then(|instances| instances.inference_ami_version.clone()),
            startup: of_variant.and_then(InstanceSettings::startup_times),
            capture: environment.capture.clone(),
            components: (variant.model().is_none() && !fingerprint::is_default(&host)).then_some(host),
        }
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
