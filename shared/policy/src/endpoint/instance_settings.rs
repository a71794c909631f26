//! The settings that all kinds of endpoints with instances share.

use serde::{Deserialize, Serialize};

use super::{Instances, ProductionVariant};
use crate::names::InstanceType;

/// The required fields.
pub(super) const REQUIRED: &[&str] = &["instanceType", "instances"];

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
}

impl InstanceSettings {
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
