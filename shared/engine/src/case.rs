//! What a function brings to the engine.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use tidegate_events::Event;
use tidegate_policy::decision::Decision;

use crate::{CallError, Engine, EngineError, Outcome};

/// What a decision is about: the key of its state, and the policy that it is made under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The model.
    pub model: String,
    /// The version of its policy.
    pub policy_version: String,
}

/// One event seen by one function for one model.
#[async_trait]
pub trait Case: Send + Sync {
    /// What the function remembers for a model.
    type State: Serialize + DeserializeOwned + Default + Clone + Send + Sync;
    /// What it can ask of AWS.
    type Action: Serialize + DeserializeOwned + Send + Sync;

    /// Gathers the snapshot and decides. May be called again if somebody else decided meanwhile.
    ///
    /// # Errors
    /// If the snapshot could not be gathered.
    async fn decide(
        &self,
        state: Self::State,
        now: Timestamp,
    ) -> Result<Decision<Self::State, Self::Action>, EngineError>;

    /// Carries out one action. Must be idempotent: it is called again after a crash. Says in words what it did.
    ///
    /// # Errors
    /// If it could not be carried out.
    async fn act(&self, action: &Self::Action) -> Result<String, CallError>;

    /// Whether an action of a plan that was left behind is still wanted in the present state. Others may have decided
    /// since, and what they decided must not be undone. Pure.
    fn stands(&self, _state: &Self::State, _action: &Self::Action) -> bool {
        true
    }

    /// Whether the decision is worth a record; only sweeps may say no.
    fn is_news(&self, _state: &Self::State, _decision: &Decision<Self::State, Self::Action>) -> bool {
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
