//! From the bytes of an invocation to the models that it concerns.

use tidegate_policy::lookup::{Lookup, LookupKind};
use tidegate_policy::reason::Reason;

use crate::ports::{Applied, Ledger, StateKey, Versioned};
use crate::{EngineError, Subject};

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

/// Every model, for the sweeps.
///
/// # Errors
/// If the ledger could not be read.
pub async fn all(ledger: &dyn Ledger) -> Result<Vec<Managed>, EngineError> {
    let mut found = Vec::new();
    for model in ledger.models().await? {
        if let Some(applied) = ledger.policy(&model).await? {
            found.push(Managed::new(model, applied));
        }
    }
    Ok(found)
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
    serde_json::from_value(stored.value.clone()).map_err(|error| unreadable(key, &error))
}

pub(crate) fn unreadable(key: &StateKey, error: &serde_json::Error) -> EngineError {
    EngineError::Stored {
        what: format!("state of {} for {}", key.function, key.model),
        message: error.to_string(),
    }
}
