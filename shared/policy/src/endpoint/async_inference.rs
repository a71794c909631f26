//! An asynchronous endpoint: instances behind a queue that write responses to S3. This version reads it and rejects
//! it.

use serde::{Deserialize, Serialize};

use super::fields::ASYNC_OUTPUT_PAGE;
use super::{Behavior, Component, FieldRules, Instances, NotScalable, ProductionVariant, ScalableComponent};
use crate::decision::Verdict;
use crate::file::Vpc;
use crate::names::{InstanceType, S3Uri};
use crate::reason::Reason;

pub(super) const FIELDS: FieldRules = FieldRules {
    kind: "an async",
    required: &["instanceType", "instances", "output"],
    optional: &["vpc"],
    page: ASYNC_OUTPUT_PAGE,
    refusals: &[],
};

/// The configuration of an asynchronous endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AsyncInference {
    /// The instance type.
    pub instance_type: InstanceType,
    /// The number of instances.
    pub instances: u32,
    /// Where the responses are written.
    pub output: S3Uri,
    /// The network to which its containers are attached; SageMaker's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<Vpc>,
}

impl Behavior for AsyncInference {
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

    fn scalable_component(&self, _endpoint: &str) -> Result<ScalableComponent, NotScalable> {
        Err(NotScalable { verdict: Verdict::NoChange, reason: Reason::NoScalePolicy })
    }

    fn has_data_capture(&self) -> bool {
        true
    }

    fn rollout_problem(&self) -> Option<String> {
        None
    }

    fn is_supported(&self) -> bool {
        false
    }
}
