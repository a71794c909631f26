//! The entry of this function in the registry of functions.

use std::sync::Arc;

use tidegate_engine::{FunctionSpec, Scope, round_trip};
use tidegate_events::{Body, Contract as _, ExecutionStatus, RetrainingFinished, Scheduled};
use tidegate_policy::train::State;

use crate::{NAME, Train};

/// The specification of train.
pub static SPEC: FunctionSpec = FunctionSpec {
    name: NAME,
    scope: Scope::Hub,
    wants: |event| match &event.body {
        Body::CommitPushed(_) | Body::RetrainingRequested(_) | Body::Scheduled(Scheduled::Reconcile) => true,
        Body::PipelineExecutionChanged(run) => {
            !matches!(run.status, ExecutionStatus::Executing | ExecutionStatus::Stopping)
        }
        _ => false,
    },
    publishes: &[RetrainingFinished::DETAIL_TYPE],
    build: |ports| {
        let (repository, pipelines) = (Arc::clone(&ports.repository), Arc::clone(&ports.pipelines));
        Box::new(Train { repository, pipelines })
    },
    check_state: round_trip::<State>,
};
