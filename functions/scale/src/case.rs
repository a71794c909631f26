//! One tick or alarm, for one endpoint.

use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use tidegate_engine::ports::Capacity;
use tidegate_engine::{CallError, Case, EngineError};
use tidegate_events::AlarmChanged;
use tidegate_policy::file::Environment;
use tidegate_policy::scale::{
    Action, ScaleDecision, Snapshot, State, decide_tick, decide_wake, is_news, stands,
};

/// What happened.
pub(crate) enum Cause {
    Tick(Snapshot),
    Alarm(AlarmChanged),
}

pub(crate) struct ScaleCase {
    pub(crate) environment: Environment,
    pub(crate) cause: Cause,
    pub(crate) capacity: Arc<dyn Capacity>,
}

#[async_trait]
impl Case for ScaleCase {
    type State = State;
    type Action = Action;

    async fn decide(&self, state: State, now: Timestamp) -> Result<ScaleDecision, EngineError> {
        Ok(match &self.cause {
            Cause::Tick(seen) => decide_tick(&self.environment, &state, seen, now),
            Cause::Alarm(alarm) => decide_wake(&self.environment, &state, alarm, now),
        })
    }

    async fn act(&self, action: &Action) -> Result<String, CallError> {
        match action {
            Action::SetBounds { component, min, max } => {
                self.capacity.set_bounds(component, *min, *max).await
            }
            Action::ArmWake { component } => self.capacity.arm_wake(component).await,
            Action::SetCopies { component, copies } => self.capacity.set_copies(component, *copies).await,
        }
    }

    fn stands(&self, state: &State, action: &Action) -> bool {
        stands(state, action)
    }

    fn is_news(&self, state: &State, decision: &ScaleDecision) -> bool {
        is_news(state, decision)
    }
}
