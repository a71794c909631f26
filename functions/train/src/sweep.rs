//! Detects what no event reported: a branch that has trained before has a newer head, or an execution has ended.

use tidegate_engine::resolve::{self, ManagedModel};
use tidegate_engine::{Engine, EngineError, EventRef};
use tidegate_events::{Body, PipelineExecutionChanged};
use tidegate_policy::train::{State, TrainController, Trigger, lost_push};

use crate::Train;

/// Returns the events that were lost.
pub(crate) async fn lost(
    train: &Train,
    engine: &Engine,
    managed: &ManagedModel,
    sweep: &EventRef,
) -> Result<Vec<(Trigger, EventRef)>, EngineError> {
    let read =
        || resolve::state_of::<TrainController>(engine.ledger.as_ref(), managed.subject.model.as_str());
    let state = engine.retry_throttled(read).await?;
    let mut lost = lost_ends(train, engine, managed, &state, sweep).await?;
    lost.extend(lost_pushes(train, engine, managed, &state, sweep).await?);
    Ok(lost)
}

/// Returns the ends of executions that the state does not contain. An end that is found twice has the same key, because
/// SageMaker's own time is a part of it.
async fn lost_ends(
    train: &Train,
    engine: &Engine,
    managed: &ManagedModel,
    state: &State,
    sweep: &EventRef,
) -> Result<Vec<(Trigger, EventRef)>, EngineError> {
    if !state.awaits_end() {
        return Ok(Vec::new());
    }
    let pipeline = managed.applied.policy.pipeline.name.as_str();
    let listed = engine.retry_throttled(|| train.pipelines.executions(pipeline)).await?;
    let mut lost = Vec::new();
    for listed in listed.into_iter().filter(|listed| state.misses_end_of(listed)) {
        let described = engine.retry_throttled(|| train.pipelines.execution(&listed.arn)).await?;
        let run = PipelineExecutionChanged {
            execution_arn: listed.arn,
            pipeline: pipeline.to_owned(),
            status: listed.status,
            previous: None,
            display_name: listed.name,
            started: None,
            ended: described.and_then(|described| described.last_modified),
        };
        let event = engine.synthesized_event_ref(sweep, Body::PipelineExecutionChanged(run.clone()));
        lost.push((Trigger::Ended(run), event));
    }
    Ok(lost)
}

/// Returns the heads that have not trained, and the heads whose plan is unfinished. The state contains the latter, and
/// no event reports them again.
async fn lost_pushes(
    train: &Train,
    engine: &Engine,
    managed: &ManagedModel,
    state: &State,
    sweep: &EventRef,
) -> Result<Vec<(Trigger, EventRef)>, EngineError> {
    let policy = &managed.applied.policy;
    let repository = &policy.source.repository;
    if repository.codecommit().is_none() {
        return Ok(Vec::new());
    }
    let mut lost = Vec::new();
    for branch in policy.plain_branches().filter(|branch| state.has_trained(branch)) {
        let head = engine.retry_throttled(|| train.repository.head(repository.as_str(), branch)).await?;
        let Some((push, is_known)) = head.and_then(|head| lost_push(policy, state, branch, head)) else {
            continue;
        };
        let event = engine.synthesized_event_ref(sweep, Body::CommitPushed(push.clone()));
        if !is_known || engine.is_left_behind(&managed.subject, &event).await? {
            lost.push((Trigger::Commit(push), event));
        }
    }
    Ok(lost)
}
