//! What a function brings to the engine.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use tidegate_events::Event;
use tidegate_policy::check::Violation;
use tidegate_policy::decision::Decision;
use tidegate_policy::reason::Reason;

use crate::ports::Remembered;
use crate::{CallError, Engine, EngineError, Outcome};

/// What a decision is about: the key of its state, and the policy that it is made under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The model.
    pub model: String,
    /// The version of its policy.
    pub policy_version: String,
}

/// The decisions of a case.
pub type DecisionOf<C> = Decision<<C as Case>::State, <C as Case>::Action>;

/// One event seen by one function for one model.
#[async_trait]
pub trait Case: Send + Sync {
    /// What the function remembers for a model.
    type State: Remembered;
    /// What it can ask of AWS.
    type Action: Serialize + DeserializeOwned + Send + Sync;
    /// What it reads before it decides.
    type Snapshot: Send + Sync;

    /// Reads what the decision rests on; nothing, where the event alone decides. May be called again if somebody else
    /// decided meanwhile.
    ///
    /// # Errors
    /// If the snapshot could not be gathered.
    async fn observe(&self, state: &Self::State, now: Timestamp) -> Result<Self::Snapshot, EngineError>;

    /// Decides. Pure and total: the same input gives the same decision.
    fn decide(&self, state: &Self::State, seen: &Self::Snapshot, now: Timestamp) -> DecisionOf<Self>;

    /// What is wrong with a decision, found by rules that were written apart from the deciding ones. Anything at all, and
    /// the engine does nothing but tell people.
    fn check(
        &self,
        state: &Self::State,
        seen: &Self::Snapshot,
        decision: &DecisionOf<Self>,
        now: Timestamp,
    ) -> Vec<Violation>;

    /// What is wrong with what follows from a refusal, as [`Case::check`]. Nothing was observed for it, so it has rules of
    /// its own.
    fn check_follow_up(
        &self,
        state: &Self::State,
        decision: &DecisionOf<Self>,
        now: Timestamp,
    ) -> Vec<Violation>;

    /// Whether an action is looked at once more right before it is carried out: the state is read again for
    /// [`Case::stands`], and [`Case::precondition`] is asked.
    fn requires_recheck(&self, _action: &Self::Action) -> bool {
        false
    }

    /// Why a delicate action is no longer safe, from what AWS says at this moment.
    ///
    /// # Errors
    /// If AWS could not be asked: then nothing is done either.
    async fn precondition(
        &self,
        _state: &Self::State,
        _action: &Self::Action,
        _now: Timestamp,
    ) -> Result<Option<Reason>, EngineError> {
        Ok(None)
    }

    /// Carries out one action. Must be idempotent: it is called again after a crash. Says in words what it did.
    ///
    /// # Errors
    /// If it could not be carried out. [`Class::Permanent`](crate::Class::Permanent) is a refusal, and
    /// [`Case::refused`] says what follows; anything else is tried again.
    async fn act(&self, action: &Self::Action) -> Result<String, CallError>;

    /// Whether an action of a plan that was left behind is still wanted in the present state. Others may have decided
    /// since, and what they decided must not be undone. Pure.
    fn still_applies(&self, _state: &Self::State, _action: &Self::Action) -> bool {
        true
    }

    /// Whether an action tells people. If it is refused for good, the invocation fails: nobody would ever know.
    fn is_alert(&self, action: &Self::Action) -> bool;

    /// What follows from an action that AWS refused for good; the rest of its plan is then left. `None` goes on with the
    /// plan: the action was a courtesy. Nothing follows from what follows: the invocation fails then, and the queue has
    /// an alarm. Pure.
    fn refused(
        &self,
        state: &Self::State,
        action: &Self::Action,
        why: &Reason,
        now: Timestamp,
    ) -> Option<DecisionOf<Self>>;

    /// What follows from a delicate action that [`Case::precondition`] prevented, as [`Case::refused`].
    fn prevented(
        &self,
        state: &Self::State,
        action: &Self::Action,
        why: &Reason,
        now: Timestamp,
    ) -> Option<DecisionOf<Self>> {
        self.refused(state, action, why, now)
    }

    /// Whether the decision is worth a record; only sweeps may say no.
    fn should_record(&self, _state: &Self::State, _decision: &DecisionOf<Self>) -> bool {
        true
    }
}

/// A function: what it does with one event. Its `main` is only wiring.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Deals with the event for every model that it concerns.
    ///
    /// # Errors
    /// If a part of it could not be dealt with now. The retry does not repeat the other parts.
    async fn handle(
        &self,
        engine: &Engine,
        event: &Event,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError>;
}
