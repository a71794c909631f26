//! The settings that all kinds of endpoints with instances share.

use serde::{Deserialize, Serialize};

use super::{Instances, ProductionVariant};
use crate::duration::Duration;
use crate::file::{Kms, Startup};
use crate::names::{AmiVersion, InstanceType};

/// The required fields.
pub(super) const REQUIRED: &[&str] = &["instanceType", "instances"];
/// The optional fields.
pub(super) const FIELDS: &[&str] = &["kms", "startup", "inferenceAmiVersion"];

/// The instances of an endpoint and what is set on them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceSettings {
    /// The instance type.
    pub instance_type: InstanceType,
    /// Real-time and asynchronous: the number of instances. Inference component: the maximum number that SageMaker
    /// may run.
    #[serde(rename = "instances")]
    pub count: u32,
    /// The keys with which SageMaker encrypts; its own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms: Option<Kms>,
    /// What the model needs to start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<Startup>,
    /// The machine image; SageMaker's choice if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inference_ami_version: Option<AmiVersion>,
}

/// How long the start of a model may take, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StartupTimes {
    /// Until its container answers the health check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<u32>,
    /// Until the model is downloaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<u32>,
}

impl InstanceSettings {
    /// How long the start of the model may take; `None` if the policy does not say it.
    pub(crate) fn startup_times(&self) -> Option<StartupTimes> {
        let startup = self.startup.as_ref()?;
        let seconds = |time: Option<Duration>| time.map(Duration::seconds);
        let times =
            StartupTimes { health_check: seconds(startup.health_check), download: seconds(startup.download) };
        (times != StartupTimes::default()).then_some(times)
    }

    /// A number of instances that does not change.
    pub(super) fn fixed(&self) -> Instances<'_> {
        Instances { instance_type: &self.instance_type, min: self.count, max: self.count }
    }

    /// Instances that SageMaker adds beyond the first when the copies need them.
    pub(super) fn managed(&self) -> Instances<'_> {
        Instances { instance_type: &self.instance_type, min: 1, max: self.count }
    }

    /// The variant that serves a model.
    pub(super) fn variant_of(&self, model: &str) -> ProductionVariant {
        ProductionVariant::RealTime {
            model: model.to_owned(),
            instance_type: self.instance_type.to_string(),
            instances: self.count,
        }
    }

    /// The variant on which components run.
    pub(super) fn variant_for_components(&self, to_zero: bool) -> ProductionVariant {
        ProductionVariant::Components {
            instance_type: self.instance_type.to_string(),
            // Some regions refuse zero.
            min_instances: if to_zero { 0 } else { 1 },
            max_instances: self.count,
        }
    }
}
