//! An inference component: copies of the model on an endpoint whose instances SageMaker manages. The endpoint's
//! configuration names no model, so a new version changes the component alone.

use serde::{Deserialize, Serialize};

use super::fields::COMPONENT_PAGE;
use super::{
    Behavior, Component, CopySize, FieldRules, InstanceSettings, Instances, NotScalable, ProductionVariant,
    ScalableComponent, instance_settings, model_settings,
};
use crate::file::{Environment, Finding, Rollout, Scale};
use crate::names::EndpointName;

const ZERO_PAGE: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html";
const ROLLING_PAGE: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentDeploymentConfig.html";
/// The regions that were seen to refuse a minimum of zero instances, with the day and the source. The list is not
/// complete: AWS does not publish one.
const REGIONS_WITHOUT_ZERO: &[(&str, &str, &str)] =
    &[("eu-west-3", "2026-08-27", "https://github.com/stdapi-ai/stdapi.ai/issues/43")];

pub(super) const FIELDS: FieldRules = FieldRules {
    kind: "an inferenceComponent",
    required: &["memoryMb", "instanceType", "instances"],
    optional: &[
        &["component", "copies", "accelerators", "cpus", "maxMemoryMb"],
        model_settings::FIELDS,
        model_settings::NETWORK,
        instance_settings::FIELDS,
    ],
    page: COMPONENT_PAGE,
    refusals: &[],
};

/// The configuration of an endpoint with an inference component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InferenceComponent {
    /// Memory for each copy in MB.
    pub memory_mb: u32,
    /// The memory in MB at which the container of a copy is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_memory_mb: Option<u32>,
    /// Accelerators for each copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerators: Option<u32>,
    /// CPU cores for each copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<u32>,
    /// The instances that SageMaker manages.
    #[serde(flatten)]
    pub instances: InstanceSettings,
    /// The component's name, on an endpoint that is shared with the components of other models; see
    /// [`component_name`](Self::component_name()).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<EndpointName>,
    /// The number of copies of the model in the policy; see [`copies`](Self::copies()).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies: Option<u32>,
}

impl InferenceComponent {
    /// The component's name: that of the endpoint, unless the endpoint is shared.
    #[must_use]
    pub fn component_name<'n>(&'n self, endpoint: &'n str) -> &'n str {
        self.component.as_ref().map_or(endpoint, EndpointName::as_str)
    }

    /// The number of copies while it serves: 1 if the policy contains no number.
    #[must_use]
    pub fn copies(&self) -> u32 {
        self.copies.unwrap_or(1)
    }

    /// What each copy is given.
    #[must_use]
    pub fn size(&self) -> CopySize {
        let Self { memory_mb, max_memory_mb, accelerators, cpus, .. } = *self;
        CopySize { memory_mb, max_memory_mb, accelerators, cpus }
    }
}

impl Behavior for InferenceComponent {
    fn instances(&self) -> Option<Instances<'_>> {
        Some(self.instances.managed())
    }

    fn instance_settings(&self) -> Option<&InstanceSettings> {
        Some(&self.instances)
    }

    fn variant(&self, _model: &str, scale: &Scale) -> ProductionVariant {
        self.instances.variant_for_components(scale.to_zero.is_some())
    }

    fn component(&self, endpoint: &str, model: &str) -> Option<Component> {
        Some(Component {
            name: self.component_name(endpoint).to_owned(),
            endpoint: endpoint.to_owned(),
            model: model.to_owned(),
            size: self.size(),
            copies: self.copies(),
            rollout: Default::default(),
            startup: self.instances.startup_times(),
        })
    }

    fn scalable_component(&self, endpoint: &str) -> Result<ScalableComponent, NotScalable> {
        Ok(ScalableComponent { name: self.component_name(endpoint).to_owned(), copies: self.copies() })
    }

    /// Its specification has one container, with which SageMaker also describes the model that it runs.
    fn refuses_several_containers(&self) -> Option<&'static str> {
        Some(COMPONENT_PAGE)
    }

    fn rollout_problem(&self, rollout: &Rollout) -> Option<String> {
        let steps = [
            (rollout.canary.is_some(), "canary"),
            (rollout.linear.is_some(), "linear"),
            (rollout.all_at_once.is_some(), "allAtOnce"),
        ];
        if let Some((_, way)) = steps.iter().find(|(given, _)| *given) {
            return Some(format!("an inferenceComponent has no `{way}`, only `rolling` ({ROLLING_PAGE})"));
        }
        let alarms_alone = rollout.rolling.is_none() && !rollout.alarms.is_empty();
        alarms_alone.then(|| {
            format!(
                "SageMaker monitors the alarms of an inferenceComponent only with `rolling` ({ROLLING_PAGE})"
            )
        })
    }

    fn warnings(&self, at: &str, environment: &Environment) -> Vec<Finding> {
        let region = REGIONS_WITHOUT_ZERO.iter().find(|(region, ..)| *region == environment.region.as_str());
        let Some((region, day, source)) = region.filter(|_| environment.scale.to_zero.is_some()) else {
            return Vec::new();
        };
        let message = format!(
            "SageMaker refused zero instances in {region} on {day} ({source}); if it still does, deployments fail until \
             `toZero` is removed ({ZERO_PAGE})"
        );
        vec![Finding::new(format!("{at}/scale/toZero"), message)]
    }
}
