//! The ledger in memory, by the rules of the one in DynamoDB.
//!
//! What must be equal: who gets a claim and when, what is written together or not at all, and what a second writer is
//! told. Values are kept as JSON text, so that whatever does not survive storing does not survive here either.

mod claims;
mod notes;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tidegate_engine::ports::{
    Applied, Claim, Entry, Ledger, Recorded, StateKey, StateWrite, Stored, StoredState, Versioned,
};
use tidegate_engine::{ActionOutcome, CallError, Class, DecisionRecord, EngineError};
use tidegate_policy::file::{Policy, parse_applied};
use tidegate_policy::lookup::{self, Lookup};

use crate::faults::FaultInjector;
use claims::{Item, Status};
pub use notes::Note;

const SERVICE: &str = "ledger";

/// The ledger of one account.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    inner: Mutex<Inner>,
    /// What goes wrong with it: the operations are the methods of [`Ledger`], such as `record`.
    pub faults: FaultInjector,
}

#[derive(Debug, Default)]
struct Inner {
    /// As they are read back from what is stored.
    policies: BTreeMap<String, (Applied, Vec<Lookup>)>,
    claims: BTreeMap<String, Item>,
    states: BTreeMap<StateKey, (u64, StoredState)>,
    /// By model, and by time and id: the order of the text is the order of time.
    decisions: BTreeMap<(String, String), String>,
    notes: Vec<Note>,
}

/// Where a decision is.
fn decision_key(record: &DecisionRecord) -> (String, String) {
    (record.model.clone(), record.sort_key())
}

fn damaged(what: &str, error: impl ToString) -> EngineError {
    EngineError::Stored { what: what.to_owned(), message: error.to_string() }
}

fn written<T: serde::Serialize>(what: &str, value: &T) -> Result<String, EngineError> {
    serde_json::to_string(value).map_err(|error| damaged(what, error))
}

impl MemoryLedger {
    /// An empty ledger.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a state as if it had been decided: where a test begins.
    pub fn put_state(&self, function: &str, model: &str, value: &serde_json::Value) {
        let key = StateKey { function: function.to_owned(), model: model.to_owned() };
        let mut inner = self.inner();
        let revision = inner.states.get(&key).map_or(1, |(revision, _)| revision + 1);
        inner.states.insert(key, (revision, value.to_string().into()));
    }

    /// Puts a policy in as if it had been applied, without reading it again.
    pub fn put_policy(&self, applied: Applied) {
        let lookups = lookup::of(&applied.policy);
        self.inner().policies.insert(applied.policy.model.to_string(), (applied, lookups));
    }

    /// Every decision about every model, in the order in which they were made.
    #[must_use]
    pub fn all_decisions(&self) -> Vec<DecisionRecord> {
        let inner = self.inner();
        let mut all: Vec<(&(String, String), &String)> = inner.decisions.iter().collect();
        all.sort_by(|((_, left), _), ((_, right), _)| left.cmp(right));
        all.into_iter().filter_map(|(_, text)| serde_json::from_str(text).ok()).collect()
    }

    /// What happened to it since `from`, as a number of notes.
    #[must_use]
    pub fn notes(&self, from: usize) -> Vec<Note> {
        self.inner().notes.get(from..).unwrap_or_default().to_vec()
    }

    /// How many notes there are.
    #[must_use]
    pub fn count_notes(&self) -> usize {
        self.inner().notes.len()
    }

    /// The revision of a state; 0 if it was never written.
    #[must_use]
    pub fn revision(&self, key: &StateKey) -> u64 {
        self.inner().states.get(key).map_or(0, |(revision, _)| *revision)
    }

    /// The state as it is, without asking as a function does; null if it was never written.
    #[must_use]
    pub fn state_now(&self, function: &str, model: &str) -> serde_json::Value {
        let key = StateKey { function: function.to_owned(), model: model.to_owned() };
        let inner = self.inner();
        let text = inner.states.get(&key).and_then(|(_, stored)| stored.text().ok());
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// The claims of events that nobody has dealt with to the end, with the decision if there is one.
    #[must_use]
    pub fn unfinished(&self) -> Vec<(String, Option<DecisionRecord>)> {
        let inner = self.inner();
        let open = inner.claims.iter().filter(|(_, item)| item.status != Status::Done);
        let record = |item: &Item| {
            let text = inner.decisions.get(item.decision.as_ref()?)?;
            serde_json::from_str(text).ok()
        };
        open.map(|(key, item)| (key.clone(), record(item))).collect()
    }

    /// Forgets the claims whose time is over, as DynamoDB does sooner or later.
    pub fn age(&self, now: Timestamp) {
        self.inner().claims.retain(|_, item| item.expires > now);
    }

    fn write(&self, entry: &Entry) -> Result<Recorded, EngineError> {
        let mut inner = self.inner();
        let key = decision_key(&entry.record);
        let before = entry.follows.as_ref().map(decision_key);
        let may = |claim: &Item| claim.may_decide(&entry.owner, before.as_ref());
        let stands = inner.claims.get(&entry.claim).is_some_and(may);
        let fresh = !inner.decisions.contains_key(&key);
        let current = entry.state.as_ref().is_none_or(|StateWrite { key, replaces, .. }| {
            inner.states.get(key).map_or(0, |(revision, _)| *revision) == *replaces
        });
        if !stands {
            return Ok(Recorded::LeaseLost);
        }
        if !(fresh && current) {
            return Ok(Recorded::Conflict);
        }
        let record = written("decision", &entry.record)?;
        if let Some(claim) = inner.claims.get_mut(&entry.claim) {
            claim.status = Status::Decided;
            claim.decision = Some(key.clone());
            claim.outcomes.clear();
        }
        if let (Some(key), Some(before)) = (before, &entry.follows) {
            let text = written("decision", before)?;
            inner.notes.push(Note::Noted { claim: entry.claim.clone(), record: Arc::new(before.clone()) });
            inner.decisions.insert(key, text);
        }
        inner.decisions.insert(key, record);
        let mut written_state = None;
        if let Some(state) = &entry.state {
            let (key, now) = (state.key.clone(), state.revision());
            // The text alone, as in DynamoDB.
            let text = state.value.text().map_err(|error| damaged("state", error))?;
            inner.states.insert(key.clone(), (now, text.into()));
            written_state = Some((key, now, state.replaces));
        }
        let claim = entry.claim.clone();
        inner.notes.push(Note::Decided {
            claim,
            record: Arc::new(entry.record.clone()),
            state: written_state,
        });
        Ok(Recorded::Written)
    }

    fn close(&self, record: &DecisionRecord, claim: &str) -> Result<(), EngineError> {
        let key = decision_key(record);
        let text = written("decision", record)?;
        let mut inner = self.inner();
        let known = inner.decisions.contains_key(&key);
        match inner.claims.get_mut(claim).filter(|item| known && item.decision.as_ref() == Some(&key)) {
            Some(item) => {
                item.status = Status::Done;
                item.outcomes.clear();
            }
            None => {
                let message = "the claim points to another decision".to_owned();
                let call =
                    CallError { service: SERVICE, operation: "finish", class: Class::Conflict, message };
                return Err(call.into());
            }
        }
        inner.notes.push(Note::Noted { claim: claim.to_owned(), record: Arc::new(record.clone()) });
        inner.decisions.insert(key, text);
        Ok(())
    }

    fn take(
        &self,
        key: &str,
        owner: &str,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Claim, EngineError> {
        let mut inner = self.inner();
        let Inner { claims, decisions, .. } = &mut *inner;
        claims::take(claims, decisions, key, owner, now, lease)
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn policy(&self, model: &str) -> Result<Option<Applied>, EngineError> {
        let read = || Ok(self.inner().policies.get(model).map(|(applied, _)| applied.clone()));
        self.faults.around(SERVICE, "policy", read).await
    }

    async fn models_for(&self, lookup: &Lookup) -> Result<Vec<String>, EngineError> {
        let read = || {
            let inner = self.inner();
            let found = inner.policies.iter().filter(|(_, (_, lookups))| lookups.contains(lookup));
            Ok(found.map(|(model, _)| model.clone()).collect())
        };
        self.faults.around(SERVICE, "models_for", read).await
    }

    async fn models(&self) -> Result<Vec<String>, EngineError> {
        let read = || Ok(self.inner().policies.keys().cloned().collect());
        self.faults.around(SERVICE, "models", read).await
    }

    async fn apply(&self, policy: &Policy, _now: Timestamp) -> Result<(), EngineError> {
        let write = || {
            let text = written("policy", policy)?;
            let read =
                parse_applied(policy.model.as_str(), &text).map_err(|error| damaged("policy", error))?;
            let applied = Applied { version: read.version(), policy: Arc::new(read) };
            self.inner().policies.insert(policy.model.to_string(), (applied, lookup::of(policy)));
            Ok(())
        };
        self.faults.around(SERVICE, "apply", write).await
    }

    async fn claim(
        &self,
        key: &str,
        owner: &str,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Claim, EngineError> {
        self.faults.around(SERVICE, "claim", || self.take(key, owner, now, lease)).await
    }

    async fn is_open(&self, key: &str) -> Result<bool, EngineError> {
        let read = || Ok(self.inner().claims.get(key).is_some_and(|item| item.status != Status::Done));
        self.faults.around(SERVICE, "is_open", read).await
    }

    async fn release(&self, key: &str, owner: &str) -> Result<(), EngineError> {
        let give_back = || {
            let mut inner = self.inner();
            if let Some(item) = inner.claims.get_mut(key).filter(|item| item.is_held_by(owner)) {
                item.lease_until = Timestamp::UNIX_EPOCH;
            }
            Ok(())
        };
        self.faults.around(SERVICE, "release", give_back).await
    }

    async fn state(&self, key: &StateKey) -> Result<Versioned, EngineError> {
        let read = || {
            let mut inner = self.inner();
            let stored = inner.states.get(key).cloned();
            let revision = stored.as_ref().map_or(0, |(revision, _)| *revision);
            inner.notes.push(Note::Read { key: key.clone(), revision });
            let value = stored.map(|(_, text)| text);
            Ok(Versioned { revision, value })
        };
        self.faults.around(SERVICE, "state", read).await
    }

    async fn record(&self, entry: &Entry) -> Result<Recorded, EngineError> {
        self.faults.around(SERVICE, "record", || self.write(entry)).await
    }

    async fn progress(
        &self,
        claim: &str,
        owner: &str,
        decision: &str,
        outcomes: &[ActionOutcome],
    ) -> Result<bool, EngineError> {
        let note = || {
            let mut inner = self.inner();
            let item = inner.claims.get_mut(claim).filter(|item| item.may_note(owner, decision));
            let is_noted = item.map(|item| item.outcomes = outcomes.to_vec()).is_some();
            if is_noted {
                let (claim, decision) = (claim.to_owned(), decision.to_owned());
                inner.notes.push(Note::Progress { claim, decision, outcomes: outcomes.len() });
            }
            Ok(is_noted)
        };
        self.faults.around(SERVICE, "progress", note).await
    }

    async fn finish(&self, record: &DecisionRecord, claim: &str) -> Result<(), EngineError> {
        self.faults.around(SERVICE, "finish", || self.close(record, claim)).await
    }

    async fn decisions(&self, model: &str, limit: u32) -> Result<Vec<Stored>, EngineError> {
        let read = || {
            let inner = self.inner();
            let of_model = inner.decisions.iter().rev().filter(|((about, _), _)| about == model);
            let most = usize::try_from(limit).unwrap_or(usize::MAX);
            Ok(of_model.take(most).map(|(_, text)| DecisionRecord::read(text, "decision")).collect())
        };
        self.faults.around(SERVICE, "decisions", read).await
    }
}
