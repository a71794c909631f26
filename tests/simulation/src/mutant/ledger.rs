//! The ledger as a mutant uses it.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tidegate_engine::ports::{
    Applied, Claim, Entry, Ledger, Recorded, StateKey, Stored, SweepCursor, Versioned,
};
use tidegate_engine::{ActionOutcome, DecisionRecord, EngineError};
use tidegate_policy::file::Policy;
use tidegate_policy::lookup::Lookup;
use tidegate_testkit::InMemoryLedger;

use super::{Mutant, ReadCache};

/// The ledger as a mutant sees it in one invocation.
pub(super) struct MutatedLedger {
    mutant: Mutant,
    real: Arc<InMemoryLedger>,
    /// The id of the event's envelope.
    envelope: String,
    /// The number of the invocation.
    number: usize,
    function: &'static str,
    /// The entries to write at the end of the plan.
    waiting: Mutex<Vec<Entry>>,
    memory: Arc<Mutex<ReadCache>>,
}

impl MutatedLedger {
    pub(super) fn new(
        mutant: Mutant,
        real: Arc<InMemoryLedger>,
        envelope: &str,
        (number, function): (usize, &'static str),
        memory: Arc<Mutex<ReadCache>>,
    ) -> Self {
        let (envelope, waiting) = (envelope.to_owned(), Mutex::default());
        Self { mutant, real, envelope, number, function, waiting, memory }
    }

    fn decided(&self, decided: bool) {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).decided(decided);
    }

    fn key(&self, claim: &str) -> String {
        match self.mutant {
            Mutant::DropClaim => format!("{claim}/{}", self.number),
            Mutant::KeyByEnvelopeId => format!("{claim}/{}", self.envelope),
            _ => claim.to_owned(),
        }
    }

    fn mutated(&self, entry: &Entry) -> Entry {
        let mut entry = Entry { claim: self.key(&entry.claim), ..entry.clone() };
        if let (Mutant::IgnoreVersion, Some(state)) = (self.mutant, &mut entry.state) {
            state.replaces = self.real.revision(&state.key);
        }
        entry
    }

    /// Writes the delayed entries.
    async fn catch_up(&self) -> Result<(), EngineError> {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        for entry in waiting {
            self.real.record(&entry).await?;
        }
        Ok(())
    }
}

fn change(state: &mut Versioned, mutate: impl FnOnce(&mut Value)) {
    let text = state.value.as_ref().and_then(|value| value.read::<Value>().ok());
    let Some(mut value) = text.as_deref().cloned() else { return };
    mutate(&mut value);
    state.value = Some(value.to_string().into());
}

fn without(state: &mut Versioned, members: &[&str]) {
    change(state, |value| {
        for member in members {
            if let Some(found) = value.get_mut(member) {
                *found = match found {
                    Value::Array(_) => Value::Array(Vec::new()),
                    Value::Object(_) => Value::Object(serde_json::Map::new()),
                    Value::Number(_) => 0.into(),
                    _ => Value::Null,
                };
            }
        }
    });
}

#[async_trait]
impl Ledger for MutatedLedger {
    async fn policy(&self, model: &str) -> Result<Option<Applied>, EngineError> {
        let mut applied = self.real.policy(model).await?;
        if let (Mutant::SkipSoak | Mutant::IgnoreWindows, Some(applied)) = (self.mutant, &mut applied) {
            let mut policy = Policy::clone(&applied.policy);
            for environment in &mut policy.environments {
                match self.mutant {
                    Mutant::SkipSoak => environment.gates.soak = None,
                    _ => environment.gates.windows = None,
                }
            }
            applied.policy = Arc::new(policy);
        }
        Ok(applied)
    }

    async fn models_for(&self, lookup: &Lookup) -> Result<Vec<String>, EngineError> {
        self.real.models_for(lookup).await
    }

    async fn models(&self) -> Result<Vec<String>, EngineError> {
        self.real.models().await
    }

    async fn apply(&self, policy: &Policy, now: Timestamp) -> Result<(), EngineError> {
        self.real.apply(policy, now).await
    }

    async fn claim(
        &self,
        key: &str,
        owner: &str,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Claim, EngineError> {
        let lease = if self.mutant == Mutant::NoLease { SignedDuration::ZERO } else { lease };
        let claim = self.real.claim(&self.key(key), owner, now, lease).await?;
        self.decided(matches!(claim, Claim::Resume(_)));
        Ok(match claim {
            Claim::Resume(record) if self.mutant == Mutant::DropPlan => {
                Claim::Done { decision: record.id.clone(), record: Some(record) }
            }
            claim => claim,
        })
    }

    async fn is_open(&self, key: &str) -> Result<bool, EngineError> {
        let is_open = self.real.is_open(&self.key(key)).await?;
        Ok(is_open && self.mutant != Mutant::DropPlan)
    }

    async fn release(&self, key: &str, owner: &str) -> Result<(), EngineError> {
        self.decided(false);
        self.real.release(&self.key(key), owner).await
    }

    async fn state(&self, key: &StateKey) -> Result<Versioned, EngineError> {
        let mut state = self.real.state(key).await?;
        match self.mutant {
            Mutant::ForgetHold => without(&mut state, &["holds"]),
            Mutant::HideHoldFromTrain if self.function == "train" && key.function == "promote" => {
                without(&mut state, &["holds"]);
            }
            Mutant::ForgetRollbacks if key.function == "promote" => without(&mut state, &["rollbacks"]),
            Mutant::ForgetCause if key.function == "promote" => {
                change(&mut state, |value| drop(value.pointer_mut("/promotion/rollback").map(Value::take)));
            }
            Mutant::ForgetChoice if key.function == "promote" => change(&mut state, |value| {
                if let Some(Value::Object(holds)) = value.get_mut("holds") {
                    holds.retain(|_, hold| hold.get("keeps").is_none());
                }
            }),
            Mutant::ForgetRetrainings if key.function == "respond" => {
                without(&mut state, &["retrainings", "attempts"]);
            }
            _ => {}
        }
        Ok(state)
    }

    async fn cursor(&self, function: &str) -> Result<SweepCursor, EngineError> {
        self.real.cursor(function).await
    }

    async fn put_cursor(&self, function: &str, cursor: &SweepCursor) -> Result<(), EngineError> {
        self.real.put_cursor(function, cursor).await
    }

    async fn record(&self, entry: &Entry) -> Result<Recorded, EngineError> {
        let entry = self.mutated(entry);
        if self.mutant == Mutant::ActBeforeRecord {
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
            return Ok(Recorded::Written);
        }
        let recorded = self.real.record(&entry).await?;
        self.decided(recorded == Recorded::Written);
        Ok(recorded)
    }

    async fn progress(
        &self,
        claim: &str,
        owner: &str,
        decision: &str,
        outcomes: &[ActionOutcome],
    ) -> Result<bool, EngineError> {
        if matches!(self.mutant, Mutant::ActBeforeRecord | Mutant::ForgetOutcome) {
            return Ok(true);
        }
        self.real.progress(&self.key(claim), owner, decision, outcomes).await
    }

    async fn finish(&self, record: &DecisionRecord, claim: &str) -> Result<(), EngineError> {
        if self.mutant == Mutant::ForgetOutcome {
            return Ok(());
        }
        self.decided(false);
        self.catch_up().await?;
        self.real.finish(record, &self.key(claim)).await
    }

    async fn decisions(&self, model: &str, limit: u32) -> Result<Vec<Stored>, EngineError> {
        self.real.decisions(model, limit).await
    }
}
