//! What a function brings to the engine: reading and acting. Everything that decides is its [`Controller`].

use async_trait::async_trait;
use jiff::Timestamp;
use tidegate_events::Event;
use tidegate_policy::controller::{Context, Controller, StepOf};

use crate::resolve::ManagedModel;
use crate::{CallError, Engine, EngineError, EventRef, Outcome};

/// What a decision is about: the key of its state, and the policy that it is made under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The model.
    pub model: String,
    /// The version of its policy.
    pub policy_version: String,
}

/// The controller of an adapter.
pub(crate) type ControllerOf<A> = <A as Adapter>::Controller;
/// What an adapter's function remembers.
pub(crate) type StateOf<A> = <ControllerOf<A> as Controller>::State;
/// What happened, to an adapter's function.
pub(crate) type TriggerOf<A> = <ControllerOf<A> as Controller>::Trigger;

/// A function's reading and acting. It holds no rule: what to read and what to do is the controller's.
#[async_trait]
pub trait Adapter: Send + Sync {
    /// What decides.
    type Controller: Controller;

    /// Reads what the controller needs. May be called again if somebody else decided meanwhile.
    ///
    /// # Errors
    /// If it could not be read.
    async fn observe(
        &self,
        engine: &Engine,
        cx: &Context<'_>,
        need: <Self::Controller as Controller>::Need,
    ) -> Result<<Self::Controller as Controller>::Snapshot, EngineError>;

    /// Reads again what the precondition of a step rests on, right before the step.
    ///
    /// # Errors
    /// If it could not be read: then nothing is done either.
    async fn recheck(
        &self,
        engine: &Engine,
        cx: &Context<'_>,
        state: &StateOf<Self>,
        trigger: &TriggerOf<Self>,
        step: &StepOf<Self::Controller>,
    ) -> Result<<Self::Controller as Controller>::Current, EngineError>;

    /// Makes one of the function's own calls. Must be idempotent: it is made again after a crash. Returns what was done.
    ///
    /// # Errors
    /// If it could not be made. [`Class::Permanent`](crate::Class::Permanent) is a rejection, and
    /// [`Controller::on_rejected`] decides what follows; anything else is tried again.
    async fn call(&self, call: &<Self::Controller as Controller>::Call) -> Result<String, CallError>;

    /// The events that a sweep finds lost for a model, each with the reference that the lost event would have had.
    ///
    /// # Errors
    /// If the facts that tell could not be read.
    async fn lost_events(
        &self,
        _engine: &Engine,
        _managed: &ManagedModel,
        _sweep: &EventRef,
    ) -> Result<Vec<(TriggerOf<Self>, EventRef)>, EngineError> {
        Ok(Vec::new())
    }

    /// The recurring sweep over every model.
    ///
    /// # Errors
    /// If a model could not be dealt with; the others are.
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
