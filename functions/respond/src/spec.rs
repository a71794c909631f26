//! The entry of this function in the registry of functions.

use std::sync::Arc;

use tidegate_engine::{FunctionSpec, Scope, round_trip};
use tidegate_events::{Body, Contract as _, RetrainingRequested, Scheduled};
use tidegate_policy::respond::State;

use crate::{NAME, Respond};

/// The specification of respond.
pub static SPEC: FunctionSpec = FunctionSpec {
    name: NAME,
    scope: Scope::Environment,
    wants: |event| match &event.body {
        // A composite alarm has no metrics. An alarm on several metrics may concern scale as well.
        Body::AlarmChanged(alarm) => {
            alarm.metrics.is_empty() || alarm.metrics.iter().any(|metric| !metric.asks_for_capacity())
        }
        Body::ObjectCreated(object) => object.key.ends_with("/constraint_violations.json"),
        Body::DriftObserved(_) | Body::RetrainingFinished(_) | Body::Scheduled(Scheduled::Reconcile) => true,
        _ => event.is_check_of(NAME),
    },
    publishes: &[RetrainingRequested::DETAIL_TYPE],
    build: |ports| {
        Box::new(Respond { reports: Arc::clone(&ports.reports), alarms: Arc::clone(&ports.alarms) })
    },
    check_state: round_trip::<State>,
};
