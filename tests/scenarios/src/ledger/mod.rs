//! The ledger in memory, by the rules of the one in DynamoDB.
//!
//! What must be equal: who gets a claim and when, what is written together or not at all, and what a second writer is
//! told. Values are kept as JSON text, so that whatever does not survive storing does not survive here either.

mod claims;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tidegate_engine::ports::{Applied, Claim, Entry, Ledger, Recorded, StateKey, Versioned};
use tidegate_engine::{ActionOutcome, CallError, Class, DecisionRecord, EngineError};
use tidegate_policy::file::{Policy, parse_applied};
use tidegate_policy::lookup::{self, Lookup};

use crate::mishap::Mishaps;
use claims::{Item, Status};

const SERVICE: &str = "ledger";

/// The ledger of one account.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    inner: Mutex<Inner>,
    /// What goes wrong with it: the operations are the methods of [`Ledger`], such as `record`.
    pub mishaps: Mishaps,
}

#[derive(Debug, Default)]
struct Inner {
    policies: BTreeMap<String, (String, Vec<Lookup>)>,
    claims: BTreeMap<String, Item>,
    states: BTreeMap<StateKey, (u64, String)>,
    /// By model, and by time and id: the order of the text is the order of time.
    decisions: BTreeMap<(String, String), String>,
}

/// Where a decision is.
fn decision_key(record: &DecisionRecord) -> (String, String) {
    (record.model.clone(), format!("{:.3}#{}", record.at, record.id))
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
        inner.states.insert(key, (revision, value.to_string()));
    }

    /// Every decision about every model, in the order in which they were made.
    #[must_use]
    pub fn all_decisions(&self) -> Vec<DecisionRecord> {
        let inner = self.inner();
        let mut all: Vec<(&(String, String), &String)> = inner.decisions.iter().collect();
        all.sort_by(|((_, left), _), ((_, right), _)| left.cmp(right));
        all.into_iter().filter_map(|(_, text)| serde_json::from_str(text).ok()).collect()
    }

    /// Forgets the claims whose time is over, as DynamoDB does sooner or later.
    pub fn age(&self, now: Timestamp) {
        self.inner().claims.retain(|_, item| item.expires > now);
    }

    fn write(&self, entry: &Entry) -> Result<Recorded, EngineError> {
        let mut inner = self.inner();
        let key = decision_key(&entry.record);
        let stands = inner.claims.get(&entry.claim).is_some_and(|claim| claim.may_decide(&entry.owner));
        let fresh = !inner.decisions.contains_key(&key);
        let current = entry.state.as_ref().is_none_or(|(state, read)| {
            inner.states.get(state).map_or(0, |(revision, _)| *revision) == read.revision
        });
        if !(stands && fresh && current) {
            return Ok(Recorded::Overtaken);
        }
        let record = written("decision", &entry.record)?;
        if let Some(claim) = inner.claims.get_mut(&entry.claim) {
            claim.status = Status::Decided;
            claim.decision = Some(key.clone());
        }
        inner.decisions.insert(key, record);
        if let Some((state, read)) = &entry.state {
            inner.states.insert(state.clone(), (read.revision.saturating_add(1), read.value.to_string()));
        }
        Ok(Recorded::Written)
    }

    fn note(
        &self,
        record: &DecisionRecord,
        claim: &str,
        outcomes: &[ActionOutcome],
    ) -> Result<(), EngineError> {
        let key = decision_key(record);
        let finished = DecisionRecord { outcomes: outcomes.to_vec(), ..record.clone() };
        let text = written("decision", &finished)?;
        let mut inner = self.inner();
        let known = inner.decisions.contains_key(&key);
        match inner.claims.get_mut(claim).filter(|item| known && item.decision.as_ref() == Some(&key)) {
            Some(item) => item.status = Status::Done,
            None => {
                let message = "the claim points to another decision".to_owned();
                let call =
                    CallError { service: SERVICE, operation: "finish", class: Class::Conflict, message };
                return Err(call.into());
            }
        }
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
        let read = || {
            let Some((text, _)) = self.inner().policies.get(model).cloned() else { return Ok(None) };
            let policy = parse_applied(model, &text).map_err(|error| damaged("policy", error))?;
            let version = policy.version();
            Ok(Some(Applied { policy, version }))
        };
        self.mishaps.around(SERVICE, "policy", read).await
    }

    async fn models_for(&self, lookup: &Lookup) -> Result<Vec<String>, EngineError> {
        let read = || {
            let inner = self.inner();
            let found = inner.policies.iter().filter(|(_, (_, lookups))| lookups.contains(lookup));
            Ok(found.map(|(model, _)| model.clone()).collect())
        };
        self.mishaps.around(SERVICE, "models_for", read).await
    }

    async fn models(&self) -> Result<Vec<String>, EngineError> {
        let read = || Ok(self.inner().policies.keys().cloned().collect());
        self.mishaps.around(SERVICE, "models", read).await
    }

    async fn apply(&self, policy: &Policy, _now: Timestamp) -> Result<(), EngineError> {
        let write = || {
            let text = written("policy", policy)?;
            self.inner().policies.insert(policy.model.to_string(), (text, lookup::of(policy)));
            Ok(())
        };
        self.mishaps.around(SERVICE, "apply", write).await
    }

    async fn claim(
        &self,
        key: &str,
        owner: &str,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Claim, EngineError> {
        self.mishaps.around(SERVICE, "claim", || self.take(key, owner, now, lease)).await
    }

    async fn release(&self, key: &str, owner: &str) -> Result<(), EngineError> {
        let give_back = || {
            let mut inner = self.inner();
            if let Some(item) = inner.claims.get_mut(key).filter(|item| item.is_held_by(owner)) {
                item.lease_until = Timestamp::UNIX_EPOCH;
            }
            Ok(())
        };
        self.mishaps.around(SERVICE, "release", give_back).await
    }

    async fn state(&self, key: &StateKey) -> Result<Versioned, EngineError> {
        let read = || match self.inner().states.get(key) {
            None => Ok(Versioned { revision: 0, value: serde_json::Value::Null }),
            Some((revision, text)) => {
                let value = serde_json::from_str(text).map_err(|error| damaged("state", error))?;
                Ok(Versioned { revision: *revision, value })
            }
        };
        self.mishaps.around(SERVICE, "state", read).await
    }

    async fn record(&self, entry: &Entry) -> Result<Recorded, EngineError> {
        self.mishaps.around(SERVICE, "record", || self.write(entry)).await
    }

    async fn finish(
        &self,
        record: &DecisionRecord,
        claim: &str,
        outcomes: &[ActionOutcome],
    ) -> Result<(), EngineError> {
        self.mishaps.around(SERVICE, "finish", || self.note(record, claim, outcomes)).await
    }

    async fn decisions(&self, model: &str, limit: u32) -> Result<Vec<DecisionRecord>, EngineError> {
        let read = || {
            let inner = self.inner();
            let of_model = inner.decisions.iter().rev().filter(|((about, _), _)| about == model);
            let most = usize::try_from(limit).unwrap_or(usize::MAX);
            of_model
                .take(most)
                .map(|(_, text)| serde_json::from_str(text).map_err(|error| damaged("decision", error)))
                .collect()
        };
        self.mishaps.around(SERVICE, "decisions", read).await
    }
}
