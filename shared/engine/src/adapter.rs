//! The adapter trait: how a function reads facts and makes AWS calls. The rules are in its [`Controller`].

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use tidegate_events::Event;
use tidegate_policy::controller::{Context, Controller, StepOf};
use tidegate_policy::lookup::Lookup;

use crate::resolve::ManagedModel;
use crate::{CallError, Engine, EngineError, EventRef, Outcome};

/// The model that a decision concerns, with the version of its policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The name of the model.
    pub model: String,
    /// The version of the model's policy.
    pub policy_version: String,
}

/// The controller of an adapter.
pub(crate) type ControllerOf<A> = <A as Adapter>::Controller;
/// The state that an adapter's function stores for a model.
pub(crate) type StateOf<A> = <ControllerOf<A> as Controller>::State;
/// The trigger type of an adapter's function.
pub(crate) type TriggerOf<A> = <ControllerOf<A> as Controller>::Trigger;

/// The async part of a function. It contains no rule: the controller determines what to read and what to do.
#[async_trait]
pub trait Adapter: Send + Sync {
    /// The controller that decides.
    type Controller: Controller;

    /// Reads the facts that the controller needs. The engine calls it again if another invocation changed the state
    /// before the decision was written.
    ///
    /// # Errors
    /// Returns an error if a fact could not be read.
    async fn observe(
        &self,
        engine: &Engine,
        cx: &Context<'_>,
        need: <Self::Controller as Controller>::Need,
    ) -> Result<<Self::Controller as Controller>::Snapshot, EngineError>;

    /// Reads the facts of a step's precondition again, immediately before the step.
    ///
    /// # Errors
    /// Returns an error if a fact could not be read. The step is then not executed.
    async fn recheck(
        &self,
        engine: &Engine,
        cx: &Context<'_>,
        state: &StateOf<Self>,
        trigger: &TriggerOf<Self>,
        step: &StepOf<Self::Controller>,
    ) -> Result<<Self::Controller as Controller>::Current, EngineError>;

    /// Makes one AWS call of the function and returns a description of what it did. The call must be idempotent,
    /// because a retry after a crash repeats it.
    ///
    /// # Errors
    /// Returns an error if the call failed. [`Class::Permanent`](crate::Class::Permanent) is a rejection, and
    /// [`Controller::on_rejected`] decides what follows. [`Class::TooEarly`](crate::Class::TooEarly) and
    /// [`Class::Busy`](crate::Class::Busy) are rejections for now, and [`Controller::on_deferred`] decides. All other
    /// classes are retried.
    async fn call(&self, call: &<Self::Controller as Controller>::Call) -> Result<String, CallError>;

    /// The events of a model that were lost and that a sweep detected. Each has the reference that the lost event would
    /// have had.
    ///
    /// # Errors
    /// Returns an error if the facts for the comparison could not be read.
    async fn lost_events(
        &self,
        _engine: &Engine,
        _managed: &ManagedModel,
        _sweep: &EventRef,
    ) -> Result<Vec<(TriggerOf<Self>, EventRef)>, EngineError> {
        Ok(Vec::new())
    }

    /// The names of what changed in AWS since a time, as a list of AWS shows it: the sweep of a large fleet processes the
    /// models whose policy mentions one of them. A list may be incomplete, because every model is processed in turn.
    ///
    /// # Errors
    /// Returns an error if the list could not be read.
    async fn changed_since(
        &self,
        _engine: &Engine,
        _since: Timestamp,
    ) -> Result<BTreeSet<Lookup>, EngineError> {
        Ok(BTreeSet::new())
    }

    /// The number of models that a sweep begins in a second, so that its calls stay below the rates of AWS.
    fn models_per_second(&self) -> u32 {
        4
    }

    /// The recurring sweep over all models.
    ///
    /// # Errors
    /// Returns an error if one model failed. The other models are still processed.
    async fn sweep(
        &self,
        engine: &Engine,
        sweep: &EventRef,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError>
    where
        Self: Sized,
    {
        engine.sweep_models(self, sweep, now).await
    }
}

/// The handler of a function: it processes one event.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Processes the event for every model that it concerns.
    ///
    /// # Errors
    /// Returns an error if a part of the event could not be processed now. The retry does not repeat the other parts.
    async fn handle(
        &self,
        engine: &Engine,
        event: &Event,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError>;
}

#[async_trait]
impl<A: Adapter> Handler for A {
    async fn handle(
        &self,
        engine: &Engine,
        event: &Event,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        engine.handle(self, event, now).await
    }
}
