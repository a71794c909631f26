//! An inference component: copies of the model on an endpoint whose instances SageMaker manages. The endpoint's
//! configuration names no model, so a new version changes the component alone.

use serde::{Deserialize, Serialize};

use super::fields::COMPONENT_PAGE;
use super::{
    Behavior, Component, FieldRules, InstanceSettings, Instances, NotScalable, ProductionVariant,
    ScalableComponent, model_settings,
};

pub(super) const FIELDS: FieldRules = FieldRules {
    kind: "an inferenceComponent",
    required: &["memoryMb", "instanceType", "instances"],
    optional: &[&["copies"], model_settings::NETWORK],
    page: COMPONENT_PAGE,
    refusals: &[],
};

/// The configuration of an endpoint with an inference component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InferenceComponent {
    /// Memory for each copy in MB.
    pub memory_mb: u32,
    /// The instances that SageMaker manages.
    #[serde(flatten)]
    pub instances: InstanceSettings,
    /// The number of copies of the model in the policy; see [`copies`](Self::copies()).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies: Option<u32>,
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
        Some(self.instances.managed())
    }

    fn variant(&self, _model: &str) -> ProductionVariant {
        self.instances.variant_for_components()
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
