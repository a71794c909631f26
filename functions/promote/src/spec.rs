//! What the registry knows of the function.

use std::sync::Arc;

use tidegate_engine::{FunctionSpec, Scope, round_trip};
use tidegate_events::{Body, Wake};
use tidegate_policy::promote::State;

use crate::{NAME, Promote};

/// The function as the registry lists it.
pub static SPEC: FunctionSpec = FunctionSpec {
    name: NAME,
    scope: Scope::Hub,
    wants: |event| {
        matches!(
            &event.body,
            Body::ModelPackageChanged(_)
                | Body::DeploymentFinished(_)
                | Body::ApprovalGiven(_)
                | Body::HoldPlaced(_)
                | Body::HoldReleased(_)
                | Body::Wake(Wake::SoakEnded { .. } | Wake::Reconcile)
        )
    },
    build: |ports, _| {
        let (registry, schedules) = (Arc::clone(&ports.registry), Arc::clone(&ports.schedules));
        Box::new(Promote { registry, schedules })
    },
    check_state: round_trip::<State>,
};
