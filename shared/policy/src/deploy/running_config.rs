//! What runs on an endpoint, as far as an update of the endpoint would replace it.

use serde::{Deserialize, Serialize};

use crate::file::Environment;

/// The configuration that an endpoint runs, with its models and its scalable targets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunningConfig {
    /// The names of its production variants.
    pub variants: Vec<String>,
    /// The models of its variants. A variant with inference components has none.
    pub models: Vec<String>,
    /// The names of its shadow variants.
    pub shadow_variants: Vec<String>,
    /// The instance type of its first variant, if that has instances.
    pub instance_type: Option<String>,
    /// The settings that a new configuration replaces.
    pub settings: Vec<Setting>,
    /// The limits that Application Auto Scaling has for its variants.
    pub scalable_targets: Vec<ScalableTarget>,
}

/// A setting of a configuration or of one of its models.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Its kind.
    pub kind: SettingKind,
    /// Its value, for people.
    pub value: String,
}

/// The kinds of settings that an update replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum SettingKind {
    /// `DataCaptureConfig` of the configuration.
    DataCapture,
    /// `KmsKeyId` of the configuration, for the volumes.
    KmsKey,
    /// `VpcConfig` of a model or of the configuration.
    Vpc,
    /// `EnableNetworkIsolation` of a model or of the configuration.
    NetworkIsolation,
    /// Environment variables of a container.
    EnvironmentVariables,
    /// `AsyncInferenceConfig` of the configuration, with `S3OutputPath`.
    AsyncInference,
    /// `S3FailurePath` of an asynchronous configuration.
    AsyncFailures,
    /// `NotificationConfig` of an asynchronous configuration.
    AsyncNotifications,
    /// `KmsKeyId` of an asynchronous configuration, for the answers.
    AsyncOutputKey,
    /// `MaxConcurrentInvocationsPerInstance` of an asynchronous configuration.
    AsyncConcurrency,
    /// `ExplainerConfig` of the configuration.
    Explainer,
    /// `InferenceAmiVersion` of a variant.
    InferenceAmi,
    /// A time-out of a variant's start.
    StartupTimeout,
    /// `VolumeSizeInGB` of a variant.
    VolumeSize,
}

/// The limits of the capacity of one resource in Application Auto Scaling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScalableTarget {
    /// The minimum.
    pub min: u32,
    /// The maximum.
    pub max: u32,
}

impl SettingKind {
    /// Its name, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DataCapture => "data capture",
            Self::KmsKey => "KMS key of the volumes",
            Self::Vpc => "VPC",
            Self::NetworkIsolation => "network isolation",
            Self::EnvironmentVariables => "environment variables",
            Self::AsyncInference => "asynchronous inference",
            Self::AsyncFailures => "place of the failures",
            Self::AsyncNotifications => "notifications",
            Self::AsyncOutputKey => "KMS key of the answers",
            Self::AsyncConcurrency => "concurrent requests per instance",
            Self::Explainer => "explainer",
            Self::InferenceAmi => "InferenceAmiVersion",
            Self::StartupTimeout => "start-up time-out",
            Self::VolumeSize => "volume size",
        }
    }

    /// Whether the policy has its own value for it, so that the running value is replaced on purpose.
    fn is_in(self, environment: &Environment) -> bool {
        let model = &environment.endpoint.model;
        let instances = environment.endpoint.spec.behavior().instance_settings();
        let startup = instances.and_then(|instances| instances.startup.as_ref());
        let queue = environment.endpoint.spec.behavior().async_settings();
        match self {
            Self::DataCapture => environment.capture.is_some(),
            Self::Vpc => model.vpc.is_some(),
            Self::NetworkIsolation => model.network_isolation,
            Self::EnvironmentVariables => !model.environment.is_empty(),
            Self::KmsKey => instances.and_then(|instances| instances.kms.as_ref()?.volume.as_ref()).is_some(),
            Self::InferenceAmi => instances.is_some_and(|i| i.inference_ami_version.is_some()),
            Self::StartupTimeout => instances.is_some_and(|i| i.startup_times().is_some()),
            Self::VolumeSize => startup.is_some_and(|startup| startup.volume_gb.is_some()),
            Self::AsyncInference => queue.is_some(),
            Self::AsyncFailures => queue.is_some_and(|queue| queue.failures.is_some()),
            Self::AsyncNotifications => queue.is_some_and(|queue| queue.notify.is_some()),
            Self::AsyncOutputKey => {
                instances.and_then(|instances| instances.kms.as_ref()?.output.as_ref()).is_some()
            }
            Self::AsyncConcurrency => queue.is_some_and(|queue| queue.max_concurrent_per_instance.is_some()),
            Self::Explainer => false,
        }
    }
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.kind.name(), self.value)
    }
}

impl RunningConfig {
    /// Whether it takes requests from a queue.
    #[must_use]
    pub fn is_asynchronous(&self) -> bool {
        self.settings.iter().any(|setting| setting.kind == SettingKind::AsyncInference)
    }

    /// The settings that an update of the endpoint by this policy loses.
    pub(super) fn lost<'r>(&'r self, environment: &'r Environment) -> impl Iterator<Item = &'r Setting> {
        self.settings.iter().filter(|setting| !setting.kind.is_in(environment))
    }
}

/// A list for people; `nothing` if it is empty.
pub(super) fn listed<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}
