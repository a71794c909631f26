//! Pushes whose event never came: a branch that has trained before and whose head has moved since.

use tidegate_engine::resolve::{self, ManagedModel};
use tidegate_engine::{Engine, EngineError, EventRef};
use tidegate_events::Body;
use tidegate_policy::train::{TrainController, Trigger, lost_push};

use crate::Train;

/// Heads that have not trained, and those whose plan was left behind: the state knows them, and no event tells again.
pub(crate) async fn lost_pushes(
    train: &Train,
    engine: &Engine,
    managed: &ManagedModel,
    sweep: &EventRef,
) -> Result<Vec<(Trigger, EventRef)>, EngineError> {
    let policy = &managed.applied.policy;
    let repository = &policy.source.repository;
    if repository.codecommit().is_none() {
        return Ok(Vec::new());
    }
    let model = &managed.subject.model;
    let read = || resolve::state_of::<TrainController>(engine.ledger.as_ref(), model);
    let state = engine.retry_throttled(read).await?;
    let mut lost = Vec::new();
    for branch in policy.plain_branches().filter(|branch| state.has_trained(branch)) {
        let head = engine.retry_throttled(|| train.repository.head(repository.as_str(), branch)).await?;
        let Some((push, is_known)) = head.and_then(|head| lost_push(policy, &state, branch, head)) else {
            continue;
        };
        let event = engine.synthesized_event_ref(sweep, Body::CommitPushed(push.clone()));
        if !is_known || engine.is_left_behind(&managed.subject, &event).await? {
            lost.push((Trigger::Commit(push), event));
        }
    }
    Ok(lost)
}
