//! The implementation of the ledger port.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tidegate_engine::ports::{
    Applied, Claim, Entry, Ledger, Recorded, StateKey, Stored, SweepCursor, Versioned,
};
use tidegate_engine::{ActionOutcome, DecisionRecord, EngineError};
use tidegate_policy::file::{Policy, parse_applied};
use tidegate_policy::lookup::Lookup;

use super::history::{Note, damaged};
use super::{InMemoryLedger, SERVICE};

#[async_trait]
impl Ledger for InMemoryLedger {
    async fn policy(&self, model: &str) -> Result<Option<Applied>, EngineError> {
        let read = || Ok(self.inner().policies.get(model).cloned());
        self.faults.around(SERVICE, "policy", read).await
    }

    async fn models_for(&self, lookup: &Lookup) -> Result<Vec<String>, EngineError> {
        let read = || Ok(self.models_named(lookup.kind, &lookup.name));
        self.faults.around(SERVICE, "models_for", read).await
    }

    async fn models(&self) -> Result<Vec<String>, EngineError> {
        let read = || {
            let inner = self.inner();
            Ok(inner.focus.clone().unwrap_or_else(|| inner.policies.models()))
        };
        self.faults.around(SERVICE, "models", read).await
    }

    async fn apply(&self, policy: &Policy, _now: Timestamp) -> Result<(), EngineError> {
        let write = || {
            let text = serde_json::to_string(policy).map_err(|error| damaged("policy", error))?;
            let read = parse_applied(policy.model.as_str(), &text);
            self.put_policy(Arc::new(read.map_err(|error| damaged("policy", error))?));
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
        let take = || {
            let mut inner = self.inner();
            let inner = &mut *inner;
            inner.claims.take(key, owner, (now, lease), inner.history.as_ref())
        };
        self.faults.around(SERVICE, "claim", take).await
    }

    async fn is_open(&self, key: &str) -> Result<bool, EngineError> {
        let read = || Ok(self.inner().claims.is_open(key));
        self.faults.around(SERVICE, "is_open", read).await
    }

    async fn release(&self, key: &str, owner: &str) -> Result<(), EngineError> {
        let release = || {
            self.inner().claims.release(key, owner);
            Ok(())
        };
        self.faults.around(SERVICE, "release", release).await
    }

    async fn state(&self, key: &StateKey) -> Result<Versioned, EngineError> {
        let read = || {
            let mut inner = self.inner();
            let found = inner.states.get(&key.function, &key.model).cloned();
            let (revision, value) = found.map_or((0, None), |(revision, value)| (revision, Some(value)));
            if let Some(history) = &mut inner.history {
                history.notes.push(Note::Read { key: key.clone(), revision });
            }
            Ok(Versioned { revision, value })
        };
        self.faults.around(SERVICE, "state", read).await
    }

    async fn cursor(&self, function: &str) -> Result<SweepCursor, EngineError> {
        let read = || Ok(self.inner().cursors.get(function).cloned().unwrap_or_default());
        self.faults.around(SERVICE, "cursor", read).await
    }

    async fn put_cursor(&self, function: &str, cursor: &SweepCursor) -> Result<(), EngineError> {
        let write = || {
            self.inner().cursors.insert(function.to_owned(), cursor.clone());
            Ok(())
        };
        self.faults.around(SERVICE, "put_cursor", write).await
    }

    async fn record(&self, entry: &Entry) -> Result<Recorded, EngineError> {
        self.faults.around(SERVICE, "record", || self.inner().write(entry)).await
    }

    async fn progress(
        &self,
        claim: &str,
        owner: &str,
        decision: &str,
        outcomes: &[ActionOutcome],
    ) -> Result<bool, EngineError> {
        let write = || {
            let mut inner = self.inner();
            let inner = &mut *inner;
            let kept = inner.history.is_some().then_some(outcomes);
            let is_written = inner.claims.progress(claim, owner, decision, kept);
            if let Some(history) = inner.history.as_mut().filter(|_| is_written) {
                let (claim, decision) = (claim.to_owned(), decision.to_owned());
                history.notes.push(Note::Progress { claim, decision, outcomes: outcomes.len() });
            }
            Ok(is_written)
        };
        self.faults.around(SERVICE, "progress", write).await
    }

    async fn finish(&self, record: &DecisionRecord, claim: &str) -> Result<(), EngineError> {
        self.faults.around(SERVICE, "finish", || self.inner().finish(record, claim)).await
    }

    async fn decisions(&self, model: &str, limit: u32) -> Result<Vec<Stored>, EngineError> {
        let read = || {
            let inner = self.inner();
            Ok(inner.history.as_ref().map(|history| history.about(model, limit)).unwrap_or_default())
        };
        self.faults.around(SERVICE, "decisions", read).await
    }
}
