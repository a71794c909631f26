//! From the bytes of an invocation to the models that it concerns.

use tidegate_policy::lookup::{Lookup, LookupKind};
use tidegate_policy::reason::Reason;

use jiff::Timestamp;
use std::sync::Arc;

use crate::ports::{Applied, Ledger, Remembered, StateKey, Versioned};
use crate::{Case, Engine, EngineError, EventRef, Outcome, Outcomes, Subject};

/// A model and its policy.
#[derive(Debug, Clone, PartialEq)]
pub struct ManagedModel {
    /// The model and its policy's version.
    pub subject: Subject,
    /// The policy.
    pub applied: Applied,
}

/// Models with their policies. One whose policy cannot be read is a failure among the outcomes, and not the others'
/// business.
pub type ResolvedModels = (Vec<ManagedModel>, Outcomes);

impl ManagedModel {
    fn new(model: String, applied: Applied) -> Self {
        Self { subject: Subject { model, policy_version: applied.version.clone() }, applied }
    }
}

impl Engine {
    /// Runs an event for every model that a name in it concerns. `case` says how, or why not for this model.
    ///
    /// # Errors
    /// As [`Engine::run`]; one model that fails does not keep the others from being dealt with.
    pub async fn run_named<C: Case>(
        &self,
        (kind, name): (LookupKind, &str),
        reference: &EventRef,
        now: Timestamp,
        case: impl Fn(&ManagedModel) -> Result<C, Reason> + Send,
    ) -> Result<Vec<Outcome>, EngineError> {
        match by_name(self, kind, name).await? {
            Err(reason) => Ok(vec![self.ignore(reference, &reason)]),
            Ok(found) => self.run_each(found, reference, now, case).await,
        }
    }

    /// Runs an event that names one model.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub async fn run_model<C: Case>(
        &self,
        model: &str,
        reference: &EventRef,
        now: Timestamp,
        case: impl Fn(&ManagedModel) -> Result<C, Reason> + Send,
    ) -> Result<Vec<Outcome>, EngineError> {
        match self.retry_throttled(|| self.ledger.policy(model)).await? {
            None => Ok(vec![self.ignore(reference, &Reason::Unmanaged { what: format!("model {model}") })]),
            Some(applied) => {
                let found = (vec![ManagedModel::new(model.to_owned(), applied)], Outcomes::default());
                self.run_each(found, reference, now, case).await
            }
        }
    }

    /// Runs an event for models that were found already, beside those that failed.
    ///
    /// # Errors
    /// As [`Engine::run_named`].
    pub async fn run_each<C: Case>(
        &self,
        (models, mut outcomes): ResolvedModels,
        reference: &EventRef,
        now: Timestamp,
        case: impl Fn(&ManagedModel) -> Result<C, Reason> + Send,
    ) -> Result<Vec<Outcome>, EngineError> {
        for managed in &models {
            outcomes.add(match case(managed) {
                Ok(case) => self.run(&case, &managed.subject, reference, now).await,
                Err(reason) => Ok(self.ignore(reference, &reason)),
            });
        }
        outcomes.finish()
    }
}

/// The models that a name concerns, or why there are none.
///
/// # Errors
/// If the ledger could not say which models.
pub async fn by_name(
    engine: &Engine,
    kind: LookupKind,
    name: &str,
) -> Result<Result<ResolvedModels, Reason>, EngineError> {
    let lookup = Lookup::new(kind, name);
    let models = engine.retry_throttled(|| engine.ledger.models_for(&lookup)).await?;
    let (found, outcomes) = read(engine, models).await;
    if found.is_empty() && outcomes.is_empty() {
        let what = format!("{} {name}", kind.code().replace('_', " "));
        return Ok(Err(Reason::Unmanaged { what }));
    }
    Ok(Ok((found, outcomes)))
}

/// Every model, for the sweeps.
///
/// # Errors
/// If the list of models could not be read.
pub async fn all(engine: &Engine) -> Result<ResolvedModels, EngineError> {
    let models = engine.retry_throttled(|| engine.ledger.models()).await?;
    Ok(read(engine, models).await)
}

async fn read(engine: &Engine, models: Vec<String>) -> ResolvedModels {
    let (mut found, mut outcomes) = (Vec::new(), Outcomes::default());
    for model in models {
        match engine.retry_throttled(|| engine.ledger.policy(&model)).await {
            Ok(Some(applied)) => found.push(ManagedModel::new(model, applied)),
            Ok(None) => {}
            Err(error) => outcomes.add(Err(error)),
        }
    }
    (found, outcomes)
}

/// What a function remembers for a model; the empty state if it never decided anything.
///
/// # Errors
/// If the ledger could not be read, or holds what this version cannot read.
pub async fn state<S: Remembered>(
    ledger: &dyn Ledger,
    function: &str,
    model: &str,
) -> Result<Arc<S>, EngineError> {
    let key = StateKey { function: function.to_owned(), model: model.to_owned() };
    read_state(&key, &ledger.state(&key).await?)
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
