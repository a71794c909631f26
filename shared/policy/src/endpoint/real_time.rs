//! A real-time endpoint: instances that always run.

use serde::{Deserialize, Serialize};

use super::fields::VARIANT_PAGE;
use super::{Behavior, Component, FieldRules, Instances, NotScalable, ProductionVariant, ScalableComponent};
use crate::decision::Verdict;
use crate::file::{Environment, Finding, Vpc};
use crate::names::InstanceType;
use crate::reason::Reason;

const COMPONENTS_TO_ZERO_PAGE: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html";

pub(super) const FIELDS: FieldRules = FieldRules {
    kind: "a realTime",
    required: &["instanceType", "instances"],
    optional: &["vpc"],
    page: VARIANT_PAGE,
    refusals: &[],
};

/// The configuration of a real-time endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RealTime {
    /// The instance type.
    pub instance_type: InstanceType,
    /// The number of instances.
    pub instances: u32,
    /// The network to which its containers are attached; SageMaker's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<Vpc>,
}

impl Behavior for RealTime {
    fn instances(&self) -> Option<Instances<'_>> {
        let count = self.instances;
        Some(Instances { instance_type: &self.instance_type, min: count, max: count, vpc: self.vpc.as_ref() })
    }

    fn variant(&self, model: &str) -> ProductionVariant {
        ProductionVariant::RealTime {
            model: model.to_owned(),
            instance_type: self.instance_type.to_string(),
            instances: self.instances,
        }
    }

    fn component(&self, _endpoint: &str, _model: &str) -> Option<Component> {
        None
    }

    fn scalable_component(&self, endpoint: &str) -> Result<ScalableComponent, NotScalable> {
        let reason = Reason::RealTimeMinimumIsOne { endpoint: endpoint.to_owned() };
        Err(NotScalable { verdict: Verdict::Reject, reason })
    }

    fn has_data_capture(&self) -> bool {
        true
    }

    fn rollout_problem(&self) -> Option<String> {
        None
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

    fn is_supported(&self) -> bool {
        true
    }
}
