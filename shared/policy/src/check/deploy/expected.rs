//! What a request must become under the policy, worked out a second time.

use tidegate_events::DeploymentRequested;

use crate::endpoint::{Component, EndpointSpec, ProductionVariant, Rollout};
use crate::file::Environment;
use crate::fingerprint::fingerprint;

/// Everything that the deployment makes.
pub(super) struct Expected {
    pub(super) endpoint: String,
    pub(super) model: String,
    pub(super) config: String,
    pub(super) variant: ProductionVariant,
    pub(super) component: Option<Component>,
    pub(super) rollout: Rollout,
}

impl Expected {
    /// `None` if this version cannot make an endpoint of the kind: then nothing may be made.
    pub(super) fn of(environment: &Environment, request: &DeploymentRequested) -> Option<Self> {
        let wish = &environment.endpoint;
        let endpoint = wish.name.to_string();
        let mark =
            |text: &str, length: usize| -> String { fingerprint(&[text]).chars().take(length).collect() };
        let model = format!("{endpoint}-v{}-{}", request.version, mark(&request.package_arn, 6));
        let (variant, component) = match &wish.spec {
            EndpointSpec::RealTime(spec) => {
                let (instance_type, instances) = (spec.instance_type.to_string(), spec.instances);
                (ProductionVariant::RealTime { model: model.clone(), instance_type, instances }, None)
            }
            EndpointSpec::Serverless(spec) => {
                let (memory_mb, max_concurrency) = (spec.memory_mb, spec.max_concurrency);
                (ProductionVariant::Serverless { model: model.clone(), memory_mb, max_concurrency }, None)
            }
            EndpointSpec::InferenceComponent(spec) => {
                let component = Component {
                    name: endpoint.clone(),
                    endpoint: endpoint.clone(),
                    model: model.clone(),
                    memory_mb: spec.memory_mb,
                    copies: spec.copies(),
                };
                let instance_type = spec.instance_type.to_string();
                let variant = ProductionVariant::Components { instance_type, max_instances: spec.instances };
                (variant, Some(component))
            }
            EndpointSpec::Async(_) => return None,
        };
        // The version is in the name only where the configuration names the version's model.
        let content = mark(&serde_json::to_string(&variant).ok()?, 8);
        let config = match component {
            Some(_) => format!("{endpoint}-{content}"),
            None => format!("{endpoint}-v{}-{content}", request.version),
        };
        let rollout = Rollout {
            canary: environment.rollout.canary.as_ref().map(|c| (c.percent, c.bake.seconds())),
            alarms: environment.rollout.alarms.clone(),
        };
        Some(Self { endpoint, model, config, variant, component, rollout })
    }
}
