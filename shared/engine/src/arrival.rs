//! From the bytes of an invocation to the models that it concerns.

use tidegate_policy::lookup::{Lookup, LookupKind};
use tidegate_policy::reason::Reason;

use jiff::Timestamp;

use crate::ports::{Applied, Ledger, StateKey, Versioned};
use crate::{Case, Engine, EngineError, EventRef, Outcome, Outcomes, Subject};

/// A model and its policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Managed {
    /// The model and its policy's version.
    pub subject: Subject,
    /// The policy.
    pub applied: Applied,
}

impl Managed {
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
        case: impl Fn(&Managed) -> Result<C, Reason> + Send,
    ) -> Result<Vec<Outcome>, EngineError> {
        match by_name(self.ledger.as_ref(), kind, name).await? {
            Err(reason) => Ok(vec![self.pass(reference, &reason)]),
            Ok(models) => self.run_each(&models, reference, now, case).await,
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
        case: impl Fn(&Managed) -> Result<C, Reason> + Send,
    ) -> Result<Vec<Outcome>, EngineError> {
        match by_model(self.ledger.as_ref(), model).await? {
            Err(reason) => Ok(vec![self.pass(reference, &reason)]),
            Ok(managed) => self.run_each(&[managed], reference, now, case).await,
        }
    }

    /// Runs an event for models that are known already.
    ///
    /// # Errors
    /// As [`Engine::run_named`].
    pub async fn run_each<C: Case>(
        &self,
        models: &[Managed],
        reference: &EventRef,
        now: Timestamp,
        case: impl Fn(&Managed) -> Result<C, Reason> + Send,
    ) -> Result<Vec<Outcome>, EngineError> {
        let mut outcomes = Outcomes::default();
        for managed in models {
            outcomes.add(match case(managed) {
                Ok(case) => self.run(&case, &managed.subject, reference, now).await,
                Err(reason) => Ok(self.pass(reference, &reason)),
            });
        }
        outcomes.finish()
    }
}

/// The models that a name concerns, or why there are none.
///
/// # Errors
/// If the ledger could not be read.
pub async fn by_name(
    ledger: &dyn Ledger,
    kind: LookupKind,
    name: &str,
) -> Result<Result<Vec<Managed>, Reason>, EngineError> {
    let lookup = Lookup::new(kind, name);
    let mut found = Vec::new();
    for model in ledger.models_for(&lookup).await? {
        if let Some(applied) = ledger.policy(&model).await? {
            found.push(Managed::new(model, applied));
        }
    }
    if found.is_empty() {
        let what = format!("{} {name}", kind.code().replace('_', " "));
        return Ok(Err(Reason::Unmanaged { what }));
    }
    Ok(Ok(found))
}

/// One model, or why it is not managed.
///
/// # Errors
/// If the ledger could not be read.
pub async fn by_model(ledger: &dyn Ledger, model: &str) -> Result<Result<Managed, Reason>, EngineError> {
    Ok(match ledger.policy(model).await? {
        Some(applied) => Ok(Managed::new(model.to_owned(), applied)),
        None => Err(Reason::Unmanaged { what: format!("model {model}") }),
    })
}

/// Every model, for the sweeps. One whose policy cannot be read is a failure among the outcomes, and not the others'
/// business.
///
/// # Errors
/// If the list of models could not be read.
pub async fn all(ledger: &dyn Ledger) -> Result<(Vec<Managed>, Outcomes), EngineError> {
    let (mut found, mut outcomes) = (Vec::new(), Outcomes::default());
    for model in ledger.models().await? {
        match ledger.policy(&model).await {
            Ok(Some(applied)) => found.push(Managed::new(model, applied)),
            Ok(None) => {}
            Err(error) => outcomes.add(Err(error)),
        }
    }
    Ok((found, outcomes))
}

/// What a function remembers for a model; the empty state if it never decided anything.
///
/// # Errors
/// If the ledger could not be read, or holds what this version cannot read.
pub async fn state<S: serde::de::DeserializeOwned + Default>(
    ledger: &dyn Ledger,
    function: &str,
    model: &str,
) -> Result<S, EngineError> {
    let key = StateKey { function: function.to_owned(), model: model.to_owned() };
    read_state(&key, &ledger.state(&key).await?)
}

pub(crate) fn read_state<S: serde::de::DeserializeOwned + Default>(
    key: &StateKey,
    stored: &Versioned,
) -> Result<S, EngineError> {
    if stored.value.is_null() {
        return Ok(S::default());
    }
    S::deserialize(&stored.value).map_err(|error| unreadable(key, &error))
}

pub(crate) fn unreadable(key: &StateKey, error: &serde_json::Error) -> EngineError {
    EngineError::Stored {
        what: format!("state of {} for {}", key.function, key.model),
        message: error.to_string(),
    }
}
