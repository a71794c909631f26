//! The entry of this function in the registry of functions.

use std::sync::Arc;

use tidegate_engine::{FunctionSpec, Scope, round_trip};
use tidegate_events::{
    Body, Contract as _, DeploymentFinished, DeploymentWaiting, EndpointHealthChanged, Scheduled,
};
use tidegate_policy::deploy::State;

use crate::{Deploy, NAME};

/// The specification of deploy.
pub static SPEC: FunctionSpec = FunctionSpec {
    name: NAME,
    scope: Scope::Environment,
    wants: |event| {
        matches!(
            &event.body,
            Body::DeploymentRequested(_)
                | Body::EndpointChanged(_)
                | Body::HoldPlaced(_)
                | Body::HoldReleased(_)
                | Body::Scheduled(Scheduled::Reconcile)
        ) || event.is_check_of(NAME)
            || matches!(&event.body, Body::HealthEvent(health) if health.service == "SAGEMAKER")
    },
    publishes: &[
        DeploymentFinished::DETAIL_TYPE,
        DeploymentWaiting::DETAIL_TYPE,
        EndpointHealthChanged::DETAIL_TYPE,
    ],
    build: |ports| {
        Box::new(Deploy {
            registry: Arc::clone(&ports.registry),
            endpoints: Arc::clone(&ports.endpoints),
            sampler: Arc::clone(&ports.sampler),
            alarms: Arc::clone(&ports.alarms),
        })
    },
    check_state: round_trip::<State>,
};
