//! Finds the models that an event concerns, and processes the event for each of them.

use jiff::Timestamp;
use std::sync::Arc;
use tidegate_events::Event;
use tidegate_policy::controller::{Context, Controller, Route};
use tidegate_policy::file::Policy;
use tidegate_policy::lookup::Lookup;
use tidegate_policy::reason::Reason;

use crate::adapter::{ControllerOf, TriggerOf};
use crate::ports::{Applied, Batch, Ledger, MAX_BATCH, Remembered, StateKey, Versioned};
use crate::{Adapter, Engine, EngineError, EventRef, Outcome, Outcomes, Subject};

/// A model with its applied policy.
#[derive(Debug, Clone, PartialEq)]
pub struct ManagedModel {
    /// The model and the version of its policy.
    pub subject: Subject,
    /// The applied policy.
    pub applied: Applied,
}

/// The models with their policies, and the outcomes of the models whose policy could not be read. One such model does
/// not prevent the processing of the others.
pub type ResolvedModels = (Vec<ManagedModel>, Outcomes);

impl ManagedModel {
    pub(crate) fn new(model: String, applied: Applied) -> Self {
        Self { subject: Subject { model, policy_version: applied.version.clone() }, applied }
    }

    fn policy(&self) -> Option<&Policy> {
        Some(&self.applied.policy)
    }
}

impl Engine {
    /// Processes an event for every model that it concerns.
    ///
    /// # Errors
    /// Returns the errors of [`Engine::run`]. If one model fails, the others are still processed.
    pub async fn handle<A: Adapter>(
        &self,
        adapter: &A,
        event: &Event,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let reference = EventRef::of(event);
        match ControllerOf::<A>::route(&self.site, event) {
            Route::NotApplicable(reason) => Ok(vec![self.ignore(&reference, &reason)]),
            Route::Lookup { names, subject, trigger } => {
                let (models, outcomes) = by_names(self, &names).await?;
                if models.is_empty() && outcomes.is_empty() {
                    return Ok(vec![self.ignore(&reference, &Reason::Unmanaged { what: subject })]);
                }
                self.run_each(adapter, (models, outcomes), &trigger, &reference, now).await
            }
            Route::Model { model, sender, answers_unmanaged, trigger } => {
                let reference = match sender {
                    Some(account) => reference.scoped_to_sender(&account),
                    None => reference,
                };
                match self.retry_throttled(|| self.ledger.policy(&model)).await? {
                    Some(applied) => {
                        let models = vec![ManagedModel::new(model, applied)];
                        let found = (models, Outcomes::default());
                        self.run_each(adapter, found, &trigger, &reference, now).await
                    }
                    None if answers_unmanaged => {
                        let subject = Subject { model, policy_version: "none".to_owned() };
                        let limited = self.for_one_model();
                        let engine = limited.as_ref().unwrap_or(self);
                        let outcome = engine.run(adapter, None, &trigger, &subject, &reference, now).await?;
                        Ok(vec![outcome])
                    }
                    None => {
                        let what = format!("model {model}");
                        Ok(vec![self.ignore(&reference, &Reason::Unmanaged { what })])
                    }
                }
            }
            Route::Sweep => adapter.sweep(self, &self.this_sweep(event, &reference), now).await,
        }
    }

    async fn run_each<A: Adapter>(
        &self,
        adapter: &A,
        (models, mut outcomes): ResolvedModels,
        trigger: &TriggerOf<A>,
        reference: &EventRef,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        for managed in &models {
            let limited = self.for_one_model();
            let engine = limited.as_ref().unwrap_or(self);
            outcomes.add(engine.run_managed(adapter, managed, trigger, reference, now).await);
        }
        outcomes.finish()
    }

    pub(crate) async fn run_managed<A: Adapter>(
        &self,
        adapter: &A,
        managed: &ManagedModel,
        trigger: &TriggerOf<A>,
        reference: &EventRef,
        now: Timestamp,
    ) -> Result<Outcome, EngineError> {
        let cx = self.context(managed.policy(), reference, now);
        if let Some(reason) = ControllerOf::<A>::not_applicable(&cx, trigger) {
            return Ok(self.ignore(reference, &reason));
        }
        self.run(adapter, managed.policy(), trigger, &managed.subject, reference, now).await
    }

    pub(crate) fn context<'c>(
        &'c self,
        policy: Option<&'c Policy>,
        event: &'c EventRef,
        now: Timestamp,
    ) -> Context<'c> {
        Context { policy, site: &self.site, event: &event.idempotency_key, now }
    }
}

/// Returns the models that at least one of the names concerns, each once.
///
/// # Errors
/// Returns an error if the ledger could not be queried for the models.
pub async fn by_names(engine: &Engine, names: &[Lookup]) -> Result<ResolvedModels, EngineError> {
    let (mut found, mut outcomes) = ResolvedModels::default();
    for lookup in names {
        let models = engine.retry_throttled(|| engine.ledger.models_for(lookup)).await?;
        let (models, failed) = managed(engine, &models).await;
        found.extend(models);
        outcomes.join(failed);
    }
    found.sort_by(|a, b| a.subject.model.cmp(&b.subject.model));
    found.dedup_by(|a, b| a.subject.model == b.subject.model);
    Ok((found, outcomes))
}

/// Returns the models with their policies.
pub async fn managed(engine: &Engine, models: &[String]) -> ResolvedModels {
    let (mut found, mut outcomes) = (Vec::new(), Outcomes::default());
    for models in models.chunks(MAX_BATCH) {
        match engine.retry_throttled(|| engine.ledger.policies(models)).await {
            Ok(policies) => {
                for (model, applied) in models.iter().zip(policies) {
                    match applied {
                        Ok(Some(applied)) => found.push(ManagedModel::new(model.clone(), applied)),
                        Ok(None) => {}
                        Err(error) => outcomes.add(Err(error)),
                    }
                }
            }
            Err(error) => outcomes.add(Err(error)),
        }
    }
    (found, outcomes)
}

/// Returns the states of a function for models.
///
/// # Errors
/// Returns an error if the ledger could not be read. A state that cannot be read is an error in its place.
pub async fn states(
    engine: &Engine,
    function: &str,
    models: &[&str],
) -> Result<Batch<Versioned>, EngineError> {
    let mut found = Vec::with_capacity(models.len());
    for models in models.chunks(MAX_BATCH) {
        let key = |model: &&str| StateKey { function: function.to_owned(), model: (*model).to_owned() };
        let keys: Vec<StateKey> = models.iter().map(key).collect();
        found.extend(engine.retry_throttled(|| engine.ledger.states(&keys)).await?);
    }
    Ok(found)
}

/// Reads a controller's state for a model. A state that was never written is the default.
///
/// # Errors
/// Returns an error if the ledger could not be read, or if this version cannot parse the state.
pub async fn state_of<C: Controller>(ledger: &dyn Ledger, model: &str) -> Result<Arc<C::State>, EngineError> {
    let key = StateKey { function: C::NAME.to_owned(), model: model.to_owned() };
    read_state(&key, &ledger.state(&key).await?)
}

/// Parses a controller's state for a model.
///
/// # Errors
/// Returns an error if this version cannot parse the state.
pub fn parse_state<C: Controller>(model: &str, stored: &Versioned) -> Result<Arc<C::State>, EngineError> {
    let key = StateKey { function: C::NAME.to_owned(), model: model.to_owned() };
    read_state(&key, stored)
}

pub(crate) fn read_state<S: Remembered>(key: &StateKey, stored: &Versioned) -> Result<Arc<S>, EngineError> {
    match &stored.value {
        None => Ok(Arc::default()),
        Some(stored) => stored.read().map_err(|error| EngineError::Stored {
            what: format!("state of {} for {}", key.function, key.model),
            message: error.to_string(),
        }),
    }
}
