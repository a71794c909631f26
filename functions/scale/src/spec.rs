//! What the registry knows of the function.

use std::sync::Arc;

use tidegate_engine::{FunctionSpec, Scope, round_trip};
use tidegate_events::{AlarmMetric, Body, Scheduled};
use tidegate_policy::scale::State;

use crate::{NAME, Scale};

/// The function as the registry lists it.
pub static SPEC: FunctionSpec = FunctionSpec {
    name: NAME,
    scope: Scope::Environment,
    wants: |event| match &event.body {
        Body::AlarmChanged(alarm) => alarm.metrics.iter().any(AlarmMetric::asks_for_capacity),
        // A tick does not say whom it is for; scale is the only function that a schedule ticks.
        Body::Tick(_) | Body::Scheduled(Scheduled::Reconcile) => true,
        _ => false,
    },
    build: |ports| {
        Box::new(Scale { metrics: Arc::clone(&ports.metrics), capacity: Arc::clone(&ports.capacity) })
    },
    check_state: round_trip::<State>,
};
