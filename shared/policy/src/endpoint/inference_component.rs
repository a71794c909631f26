//! An inference component: copies of the model on an endpoint whose instances SageMaker manages. The endpoint's
//! configuration names no model, so a new version changes the component alone.

use serde::{Deserialize, Serialize};

use super::fields::COMPONENT_PAGE;
use super::{Behavior, Component, FieldRules, Instances, NotScalable, ProductionVariant, ScalableComponent};
use crate::file::Vpc;
use crate::names::InstanceType;

pub(super) const FIELDS: FieldRules = FieldRules {
    kind: "an inferenceComponent",
    required: &["memoryMb", "instanceType", "instances"],
    optional: &["copies", "vpc"],
    page: COMPONENT_PAGE,
    refusals: &[],
};

/// The configuration of an endpoint with an inference component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InferenceComponent {
    /// Memory for each copy in MB.
    pub memory_mb: u32,
    /// The instance type.
    pub instance_type: InstanceType,
    /// The maximum number of instances that SageMaker may run.
    pub instances: u32,
    /// The number of copies of the model in the policy; see [`copies`](Self::copies()).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies: Option<u32>,
    /// The network to which its containers are attached; SageMaker's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<Vpc>,
}

impl InferenceComponent {
    /// The number of copies while it serves: 1 if the policy contains no number.
    #[must_use]
    pub fn copies(&self) -> u32 {
        self.copies.unwrap_or(1)
    }
}

impl Behavior for InferenceComponent {
    fn instances(&self) -> Option<Instances<'_>> {
        // SageMaker adds instances beyond the first when the copies need them.
        Some(Instances {
            instance_type: &self.instance_type,
            min: 1,
            max: self.instances,
            vpc: self.vpc.as_ref(),
        })
    }

    fn variant(&self, _model: &str) -> ProductionVariant {
        ProductionVariant::Components {
            instance_type: self.instance_type.to_string(),
            max_instances: self.instances,
        }
    }

    fn component(&self, endpoint: &str, model: &str) -> Option<Component> {
        Some(Component {
            name: endpoint.to_owned(),
            endpoint: endpoint.to_owned(),
            model: model.to_owned(),
            memory_mb: self.memory_mb,
            copies: self.copies(),
        })
    }

    fn scalable_component(&self, endpoint: &str) -> Result<ScalableComponent, NotScalable> {
        Ok(ScalableComponent { name: endpoint.to_owned(), copies: self.copies() })
    }

    fn has_data_capture(&self) -> bool {
        true
    }

    fn rollout_problem(&self) -> Option<String> {
        Some("of an inferenceComponent is not supported by this version; remove it".to_owned())
    }

    fn is_supported(&self) -> bool {
        true
    }
}
