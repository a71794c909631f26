//! The entry of this function in the registry of functions.

use std::sync::Arc;

use tidegate_engine::{FunctionSpec, Scope, round_trip};
use tidegate_events::{AlarmMetric, Body, Scheduled};
use tidegate_policy::scale::State;

use crate::{NAME, Scale};

/// The specification of scale.
pub static SPEC: FunctionSpec = FunctionSpec {
    name: NAME,
    scope: Scope::Environment,
    wants: |event| match &event.body {
        Body::AlarmChanged(alarm) => alarm.metrics.iter().any(AlarmMetric::asks_for_capacity),
        // A `Scheduled Event` does not name its receiver. Only scale has a schedule without an input.
        Body::Tick(_) | Body::Scheduled(Scheduled::Reconcile) => true,
        _ => false,
    },
    publishes: &[],
    build: |ports| {
        Box::new(Scale { metrics: Arc::clone(&ports.metrics), capacity: Arc::clone(&ports.capacity) })
    },
    check_state: round_trip::<State>,
};
