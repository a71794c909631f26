//! A ledger in memory, with the rules of the one in DynamoDB: who gets a claim and when, what is written in one
//! transaction, and which error a second writer gets.

mod claims;
mod history;
mod policies;
mod port;
mod states;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::Value;
use tidegate_engine::ports::{Applied, Entry, Recorded, Remembered, StateKey, SweepCursor};
use tidegate_engine::{CallError, Class, DecisionRecord, EngineError};
use tidegate_policy::file::Policy;
use tidegate_policy::lookup::LookupKind;

use crate::faults::FaultInjector;
use claims::Claims;
pub use history::Note;
use history::{History, damaged};
use policies::Policies;
use states::States;

const SERVICE: &str = "ledger";

/// The ledger of one account.
#[derive(Debug)]
pub struct InMemoryLedger {
    inner: Mutex<Inner>,
    /// Injects faults: the operations are the methods of [`Ledger`](tidegate_engine::ports::Ledger).
    pub faults: FaultInjector,
}

#[derive(Debug, Default)]
struct Inner {
    policies: Policies,
    claims: Claims,
    states: States,
    history: Option<History>,
    /// The models that a sweep must check; all models if it is `None`.
    focus: Option<Vec<String>>,
    /// By function.
    cursors: BTreeMap<String, SweepCursor>,
}

impl InMemoryLedger {
    /// An empty ledger that stores everything as text.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Some(History::default()))
    }

    /// An empty ledger that stores no decisions, and stores states as values instead of text: the memory for a year
    /// of events is no larger than that for three weeks. A plan cannot be resumed from it.
    #[must_use]
    pub fn without_history() -> Self {
        Self::with(None)
    }

    fn with(history: Option<History>) -> Self {
        let inner = Inner { history, ..Inner::default() };
        Self { inner: Mutex::new(inner), faults: FaultInjector::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies a policy without parsing its text again.
    pub fn put_policy(&self, policy: Arc<Policy>) {
        let version = policy.version();
        self.inner().policies.put(Applied { policy, version });
    }

    /// Writes a state as if a decision had written it.
    pub fn put_state(&self, function: &str, model: &str, value: &Value) {
        let key = StateKey { function: function.to_owned(), model: model.to_owned() };
        let mut inner = self.inner();
        let revision = inner.states.revision(&key).saturating_add(1);
        inner.states.put(&key, revision, value.to_string().into());
    }

    /// Restricts the next sweeps to these models.
    pub fn focus_on(&self, models: Option<Vec<String>>) {
        self.inner().focus = models;
    }

    /// The states that have changed since the last call.
    #[must_use]
    pub fn take_changed_states(&self) -> BTreeSet<StateKey> {
        self.inner().states.take_changed()
    }

    /// The models that a name concerns.
    #[must_use]
    pub fn models_named(&self, kind: LookupKind, name: &str) -> Vec<String> {
        self.inner().policies.named(kind, name).to_vec()
    }

    /// Whether a name concerns any model.
    #[must_use]
    pub fn knows(&self, kind: LookupKind, name: &str) -> bool {
        !self.inner().policies.named(kind, name).is_empty()
    }

    /// Whether a model's policy is applied.
    #[must_use]
    pub fn has_policy(&self, model: &str) -> bool {
        self.inner().policies.get(model).is_some()
    }

    /// The applied policy of a model.
    #[must_use]
    pub fn applied(&self, model: &str) -> Option<Arc<Policy>> {
        self.inner().policies.get(model).map(|applied| Arc::clone(&applied.policy))
    }

    /// Every model with an applied policy.
    #[must_use]
    pub fn all_models(&self) -> Vec<String> {
        self.inner().policies.models()
    }

    /// The state of a function; its default if the function has never decided anything.
    #[must_use]
    pub fn remembered<S: Remembered>(&self, function: &str, model: &str) -> Arc<S> {
        let inner = self.inner();
        inner.states.get(function, model).and_then(|(_, state)| state.read().ok()).unwrap_or_default()
    }

    /// The state as JSON, without a read by a function; null if it was never written.
    #[must_use]
    pub fn state_now(&self, function: &str, model: &str) -> Value {
        let inner = self.inner();
        let text = inner.states.get(function, model).and_then(|(_, state)| state.text().ok());
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// The revision of a state; 0 if it was never written.
    #[must_use]
    pub fn revision(&self, key: &StateKey) -> u64 {
        self.inner().states.revision(key)
    }

    /// Every decision about every model, in the order in which they were made.
    #[must_use]
    pub fn all_decisions(&self) -> Vec<DecisionRecord> {
        self.inner().history.as_ref().map(History::all).unwrap_or_default()
    }

    /// The history since `from`, an index in the list of notes.
    #[must_use]
    pub fn notes(&self, from: usize) -> Vec<Note> {
        let inner = self.inner();
        let notes = inner.history.as_ref().and_then(|history| history.notes.get(from..));
        notes.unwrap_or_default().to_vec()
    }

    /// The number of notes.
    #[must_use]
    pub fn count_notes(&self) -> usize {
        self.inner().history.as_ref().map_or(0, |history| history.notes.len())
    }

    /// The claims of events that are not done, with the decision if there is one.
    #[must_use]
    pub fn unfinished(&self) -> Vec<(String, Option<DecisionRecord>)> {
        let inner = self.inner();
        let record = |id: &str| inner.history.as_ref()?.read(id)?.ok();
        let open = inner.claims.unfinished().into_iter();
        open.map(|(key, id)| (key.to_owned(), id.and_then(record))).collect()
    }

    /// Removes the claims that have expired. DynamoDB does so at any time after the expiry.
    pub fn expire_claims(&self, now: Timestamp) {
        self.inner().claims.expire(now);
    }
}

impl Default for InMemoryLedger {
    fn default() -> Self {
        Self::new()
    }
}

impl Inner {
    /// Writes a decision with everything that belongs to it in one transaction.
    fn write(&mut self, entry: &Entry) -> Result<Recorded, EngineError> {
        if !self.claims.may_decide(entry) {
            return Ok(Recorded::LeaseLost);
        }
        let is_written = self.history.as_ref().is_some_and(|history| history.has(&entry.record));
        let is_current =
            |next: &tidegate_engine::ports::StateWrite| self.states.revision(&next.key) == next.replaces;
        if is_written || !entry.state.as_ref().is_none_or(is_current) {
            return Ok(Recorded::Conflict);
        }
        if let Some(history) = &mut self.history {
            let claim = || entry.claim.clone();
            if let Some(before) = &entry.follows {
                history.write(before)?;
                history.notes.push(Note::Noted { claim: claim(), record: Arc::new(before.clone()) });
            }
            history.write(&entry.record)?;
            let state = entry.state.as_ref().map(|next| (next.key.clone(), next.revision(), next.replaces));
            let record = Arc::new(entry.record.clone());
            history.notes.push(Note::Decided { claim: claim(), record, state });
        }
        self.claims.decided(&entry.claim, &entry.record.id);
        if let Some(next) = &entry.state {
            let value = if self.history.is_some() {
                next.value.text().map_err(|error| damaged("state", error))?.into()
            } else {
                next.value.clone()
            };
            self.states.put(&next.key, next.revision(), value);
        }
        Ok(Recorded::Written)
    }

    /// Records that the plan of a decision was carried out.
    fn finish(&mut self, record: &DecisionRecord, claim: &str) -> Result<(), EngineError> {
        if !self.claims.finish(claim, &record.id) {
            let message = "the claim points to another decision".to_owned();
            let (service, operation, class) = (SERVICE, "finish", Class::Conflict);
            return Err(CallError { service, operation, class, message }.into());
        }
        if let Some(history) = &mut self.history {
            history.write(record)?;
            let claim = claim.to_owned();
            history.notes.push(Note::Noted { claim, record: Arc::new(record.clone()) });
        }
        Ok(())
    }
}
