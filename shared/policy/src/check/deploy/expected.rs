//! What a request must become under the policy, worked out a second time.

use tidegate_events::DeploymentRequested;

use crate::deploy::{Component, Rollout, Variant};
use crate::file::{EndpointKind, Environment};
use crate::fingerprint::fingerprint;

/// Everything that the deployment makes.
pub(super) struct Expected {
    pub(super) endpoint: String,
    pub(super) model: String,
    pub(super) config: String,
    pub(super) variant: Variant,
    pub(super) component: Option<Component>,
    pub(super) rollout: Rollout,
}

impl Expected {
    /// `None` if the policy does not say all that this kind of endpoint needs, or asks for a kind that this version cannot
    /// make: then nothing may be made.
    pub(super) fn of(environment: &Environment, request: &DeploymentRequested) -> Option<Self> {
        let wish = &environment.endpoint;
        let endpoint = wish.name.to_string();
        let mark =
            |text: &str, length: usize| -> String { fingerprint(&[text]).chars().take(length).collect() };
        let model = format!("{endpoint}-v{}-{}", request.version, mark(&request.package_arn, 6));
        let instance_type = wish.instance_type.as_ref().map(ToString::to_string);
        let variant = match wish.kind {
            EndpointKind::RealTime => Variant::RealTime {
                model: model.clone(),
                instance_type: instance_type?,
                instances: wish.instances?,
            },
            EndpointKind::Serverless => Variant::Serverless {
                model: model.clone(),
                memory_mb: wish.memory_mb?,
                max_concurrency: wish.max_concurrency?,
            },
            EndpointKind::InferenceComponent => {
                Variant::Components { instance_type: instance_type?, max_instances: wish.instances? }
            }
            EndpointKind::Async => return None,
        };
        let component = match wish.kind {
            EndpointKind::InferenceComponent => Some(Component {
                name: endpoint.clone(),
                endpoint: endpoint.clone(),
                model: model.clone(),
                memory_mb: wish.memory_mb?,
                copies: wish.copies.unwrap_or(1),
            }),
            _ => None,
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
