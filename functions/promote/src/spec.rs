//! The entry of this function in the registry of functions.

use std::sync::Arc;

use tidegate_engine::{FunctionSpec, Scope, round_trip};
use tidegate_events::{Body, Contract as _, DeploymentRequested, Scheduled};
use tidegate_policy::promote::State;

use crate::{NAME, Promote};

/// The specification of promote.
pub static SPEC: FunctionSpec = FunctionSpec {
    name: NAME,
    scope: Scope::Hub,
    wants: |event| {
        matches!(
            &event.body,
            Body::ModelPackageChanged(_)
                | Body::DeploymentFinished(_)
                | Body::DeploymentWaiting(_)
                | Body::EndpointHealthChanged(_)
                | Body::ApprovalGiven(_)
                | Body::HoldPlaced(_)
                | Body::HoldReleased(_)
                | Body::FreezePlaced(_)
                | Body::FreezeLifted(_)
                | Body::RollbackRequested(_)
                | Body::PromotionForced(_)
                | Body::GateReported(_)
                | Body::Scheduled(Scheduled::Reconcile)
        ) || event.is_check_of(NAME)
    },
    publishes: &[DeploymentRequested::DETAIL_TYPE],
    build: |ports| {
        let (registry, gate_sources) = (Arc::clone(&ports.registry), Arc::clone(&ports.gate_sources));
        Box::new(Promote { registry, gate_sources })
    },
    check_state: round_trip::<State>,
};
