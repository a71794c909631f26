//! An asynchronous endpoint: instances behind a queue that write responses to S3. This version reads it and rejects
//! it.

use serde::{Deserialize, Serialize};

use super::fields::ASYNC_OUTPUT_PAGE;
use super::{
    Behavior, Component, FieldRules, InstanceSettings, Instances, NotScalable, ProductionVariant,
    ScalableComponent, instance_settings, model_settings,
};
use crate::decision::Verdict;
use crate::file::Scale;
use crate::names::S3Uri;
use crate::reason::Reason;

pub(super) const FIELDS: FieldRules = FieldRules {
    kind: "an async",
    required: &["instanceType", "instances", "output"],
    optional: &[model_settings::FIELDS, model_settings::NETWORK, instance_settings::FIELDS],
    page: ASYNC_OUTPUT_PAGE,
    refusals: &[],
};

/// The configuration of an asynchronous endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AsyncInference {
    /// Its instances.
    #[serde(flatten)]
    pub instances: InstanceSettings,
    /// Where the responses are written.
    pub output: S3Uri,
}

impl Behavior for AsyncInference {
    fn instances(&self) -> Option<Instances<'_>> {
        Some(self.instances.fixed())
    }

    fn instance_settings(&self) -> Option<&InstanceSettings> {
        Some(&self.instances)
    }

    fn variant(&self, model: &str, _scale: &Scale) -> ProductionVariant {
        self.instances.variant_of(model)
    }

    fn component(&self, _endpoint: &str, _model: &str) -> Option<Component> {
        None
    }

    fn scalable_component(&self, _endpoint: &str) -> Result<ScalableComponent, NotScalable> {
        Err(NotScalable { verdict: Verdict::NoChange, reason: Reason::NoScalePolicy })
    }

    fn has_data_capture(&self) -> bool {
        true
    }

    fn is_supported(&self) -> bool {
        false
    }
}
