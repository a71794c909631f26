//! Deployments under any policy: a site, its state, what is seen there, and a request.

use proptest::option;
use proptest::prelude::*;
use tidegate_events::{ApprovalStatus, DeploymentRequested};
use tidegate_policy::deploy::{self, RunningConfig, ScalableTarget, Setting, SettingKind, Snapshot, State};
use tidegate_policy::endpoint::{DesiredResources, EndpointKind};
use tidegate_policy::file::{Environment, Policy};
use tidegate_policy::owner::{self, Tags};
use tidegate_policy::site::Site;

use super::{arn, deploy_seen, deploy_state, policies, request};
use crate::decide;

/// One look at a deployment.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    pub(crate) site: Site,
    pub(crate) environment: Environment,
    pub(crate) state: State,
    pub(crate) seen: Snapshot,
    pub(crate) request: DeploymentRequested,
}

impl Look {
    /// The request as if it were for here, and of a package that there is.
    fn here(&self, request: DeploymentRequested) -> DeploymentRequested {
        DeploymentRequested {
            environment: self.site.environment.clone(),
            environment_account: self.site.account.clone(),
            region: self.site.region.clone(),
            package_arn: arn(request.version),
            ..request
        }
    }
}

/// A look in staging or production. What is in flight there was taken up there; the request may be for anywhere.
pub(crate) fn look() -> BoxedStrategy<(Policy, Look)> {
    let chances = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.7));
    let found = (owner(), owner(), running_config(), prop::bool::weighted(0.3), any::<bool>());
    (policies(), chances, deploy_state(), deploy_seen(), request(), (runs(), runs()), found)
        .prop_map(|(policy, (production, meant, approved), state, seen, request, (config, model), found)| {
            let name = if production { "production" } else { "staging" };
            let (endpoint_owner, component_owner, running_config, adopt, tagged) = found;
            let mut policy = policy;
            let tag = |value: &str| [("team".to_owned(), value.to_owned())].into();
            policy.tags = if tagged { tag("growth") } else { Tags::new() };
            for environment in &mut policy.environments {
                environment.adopt = adopt;
                environment.tags = if tagged && production { tag("ads") } else { Tags::new() };
            }
            let mut seen = seen;
            seen.endpoint_tags = endpoint_owner.map(|owner| owner.tags(name));
            seen.component_tags = component_owner.map(|owner| owner.tags(name));
            seen.running_config = running_config;
            let environment = policy.environment(name).unwrap().clone();
            let site = decide::site(&environment);
            let mut look = Look { site, environment, state, seen, request };
            if approved {
                look.seen.approval = Some(ApprovalStatus::Approved);
            }
            if meant {
                look.request = look.here(look.request.clone());
            }
            if let Some(mut in_flight) = look.state.in_flight.take() {
                in_flight.request = look.here(in_flight.request);
                // What is in flight is the newest; a state of an earlier version does not say so.
                let deploy::InFlight { request, .. } = &in_flight;
                look.state.newest_request = look.state.newest_request.map(|_| deploy::NewestRequest {
                    version: request.version,
                    requested_at: request.requested_at,
                    approved_at: request.approved_at,
                });
                look.state.in_flight = Some(in_flight);
            }
            // Only the component of an endpoint that is there is looked at.
            let component = look.environment.endpoint.spec.kind() == EndpointKind::InferenceComponent;
            look.seen.component = look.seen.component.filter(|_| component && look.seen.endpoint.is_some());
            look.see(config, model);
            (policy, look)
        })
        .boxed()
}

/// Whose tags a resource has.
#[derive(Debug, Clone, Copy)]
enum TaggedBy {
    Tidegate,
    AnotherModel,
    AnotherEnvironment,
    Nobody,
}

impl TaggedBy {
    fn tags(self, environment: &str) -> Tags {
        match self {
            Self::Tidegate => owner::tags("churn", Some(environment)).into_iter().collect(),
            Self::AnotherModel => owner::tags("upsell", Some(environment)).into_iter().collect(),
            Self::AnotherEnvironment => owner::tags("churn", Some("elsewhere")).into_iter().collect(),
            Self::Nobody => Tags::new(),
        }
    }
}

/// Whose tags were read, if they were.
fn owner() -> BoxedStrategy<Option<TaggedBy>> {
    prop_oneof![
        8 => Just(Some(TaggedBy::Tidegate)),
        1 => Just(Some(TaggedBy::AnotherModel)),
        1 => Just(Some(TaggedBy::AnotherEnvironment)),
        2 => Just(Some(TaggedBy::Nobody)),
        1 => Just(None),
    ]
    .boxed()
}

fn running_config() -> BoxedStrategy<Option<RunningConfig>> {
    let setting = prop_oneof![
        Just(SettingKind::DataCapture),
        Just(SettingKind::Vpc),
        Just(SettingKind::EnvironmentVariables)
    ]
    .prop_map(|kind| Setting { kind, value: "v".to_owned() });
    let variants = prop_oneof![6 => Just(vec!["AllTraffic".to_owned()]), 1 => Just(vec!["mine".to_owned()])];
    let limits = prop::collection::vec(Just(ScalableTarget { min: 1, max: 4 }), 0..2);
    let types = prop_oneof![Just(None), Just(Some("ml.m5.large".to_owned()))];
    let config = (variants, prop::collection::vec(setting, 0..2), limits, types).prop_map(
        |(variants, settings, scalable_targets, instance_type)| RunningConfig {
            models: Vec::new(),
            variants,
            shadow_variants: Vec::new(),
            instance_type,
            settings,
            scalable_targets,
        },
    );
    option::weighted(0.9, config).boxed()
}

/// Which version's configuration or model runs: the one in flight, the requested one, or whatever it was.
#[derive(Debug, Clone, Copy)]
enum Runs {
    InFlight,
    Requested,
}

fn runs() -> BoxedStrategy<Option<Runs>> {
    option::of(prop_oneof![2 => Just(Runs::InFlight), 1 => Just(Runs::Requested)]).boxed()
}

impl Look {
    fn see(&mut self, config: Option<Runs>, model: Option<Runs>) {
        let of = |runs: Option<Runs>| match runs? {
            Runs::InFlight => {
                Some(DesiredResources::of(&self.environment, &self.state.in_flight.as_ref()?.request))
            }
            Runs::Requested => Some(DesiredResources::of(&self.environment, &self.request)),
        };
        let (config, model) = (of(config), of(model));
        if let (Some(endpoint), Some(target)) = (&mut self.seen.endpoint, config) {
            endpoint.config = Some(target.config.name);
        }
        if let (Some(component), Some(target)) = (&mut self.seen.component, model) {
            component.model = Some(target.model.name);
            if let Some(wanted) = target.component {
                component.size = Some(wanted.size);
            }
        }
    }
}
