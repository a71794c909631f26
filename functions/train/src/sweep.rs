//! Detects pushes whose event was lost: a branch has trained before and has a newer head.

use tidegate_engine::resolve::{self, ManagedModel};
use tidegate_engine::{Engine, EngineError, EventRef};
use tidegate_events::Body;
use tidegate_policy::train::{TrainController, Trigger, lost_push};

use crate::Train;

/// Returns the heads that have not trained, and the heads whose plan is unfinished. The state contains the latter, and
/// no event reports them again.
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
