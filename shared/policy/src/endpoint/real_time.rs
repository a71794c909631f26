//! A real-time endpoint: instances that always run.

use serde::{Deserialize, Serialize};

use super::fields::VARIANT_PAGE;
use super::{
    Behavior, FieldRules, InstanceSettings, NotScalable, ProductionVariant, ScalableComponent,
    instance_settings, model_settings,
};
use crate::decision::Verdict;
use crate::file::{Environment, Finding, Scale};
use crate::reason::Reason;

const COMPONENTS_TO_ZERO_PAGE: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html";

pub(super) const FIELDS: FieldRules = FieldRules {
    kind: "a realTime",
    required: instance_settings::REQUIRED,
    optional: &[model_settings::FIELDS, model_settings::NETWORK, instance_settings::FIELDS],
    page: VARIANT_PAGE,
    refusals: &[],
};

/// The configuration of a real-time endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RealTime {
    /// Its instances.
    #[serde(flatten)]
    pub instances: InstanceSettings,
}

impl Behavior for RealTime {
    fn instance_settings(&self) -> Option<&InstanceSettings> {
        Some(&self.instances)
    }

    fn variant(&self, model: &str, _scale: &Scale) -> ProductionVariant {
        self.instances.variant_of(model)
    }

    fn scalable_component(&self, endpoint: &str) -> Result<ScalableComponent, NotScalable> {
        let reason = Reason::RealTimeMinimumIsOne { endpoint: endpoint.to_owned() };
        Err(NotScalable { verdict: Verdict::Reject, reason })
    }

    fn problems(&self, at: &str, environment: &Environment) -> Vec<Finding> {
        if environment.scale.to_zero.is_none() {
            return Vec::new();
        }
        let message = format!(
            "a realTime endpoint keeps at least one instance; an inferenceComponent can go to zero ({COMPONENTS_TO_ZERO_PAGE})"
        );
        vec![Finding::new(format!("{at}/scale/toZero"), message).because(format!("{at}/endpoint/kind"))]
    }
}
