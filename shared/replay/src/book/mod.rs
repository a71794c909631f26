//! The ledger of one account, in memory, for one thread of events that nobody else works on.
//!
//! What it keeps by the rules of the ledger in DynamoDB is what decides: the policies and their lookups, states under
//! their revisions, and claims, which age out after fourteen days. Decisions are handed on and not kept, so that a year
//! of events needs no more memory than two weeks of them.

mod claims;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use foldhash::fast::FixedState;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tidegate_engine::ports::{
    Applied, Claim, Entry, Ledger, Recorded, Remembered, StateKey, StateWrite, Stored, StoredState, Versioned,
};
use tidegate_engine::{ActionOutcome, DecisionRecord, EngineError};
use tidegate_policy::file::Policy;
use tidegate_policy::lookup::{self, Lookup, LookupKind};

use crate::ByName;
use claims::Claims;

/// The ledger.
#[derive(Debug, Default)]
pub struct Book {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// By model.
    policies: HashMap<String, Applied, FixedState>,
    /// The models that a name concerns, by the kind of name.
    lookups: BTreeMap<LookupKind, ByName<Vec<String>>>,
    claims: Claims,
    /// By function and model.
    states: BTreeMap<String, HashMap<String, (u64, StoredState), FixedState>>,
    /// Decisions as they were written, before their actions were carried out; only if they are asked for.
    written: Option<Vec<DecisionRecord>>,
    /// The models that a sweep is to look at; all where there is nothing.
    focus: Option<Vec<String>>,
    /// The models whose state has changed, by function, since somebody asked.
    touched: BTreeSet<StateKey>,
}

impl Book {
    /// An empty ledger.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies a policy.
    pub fn put_policy(&self, policy: &Policy) {
        let model = policy.model.to_string();
        let mut inner = self.inner();
        for lookup in lookup::of(policy) {
            let models = inner.lookups.entry(lookup.kind).or_default().of(&lookup.name);
            if !models.contains(&model) {
                models.push(model.clone());
                models.sort();
            }
        }
        let version = policy.version();
        inner.policies.insert(model, Applied { policy: Arc::new(policy.clone()), version });
    }

    /// Writes a state as if it had been decided.
    pub fn put_state(&self, function: &str, model: &str, value: &Value) {
        let mut inner = self.inner();
        let revision = inner.state(function, model).map_or(1, |(revision, _)| revision.saturating_add(1));
        inner
            .states
            .entry(function.to_owned())
            .or_default()
            .insert(model.to_owned(), (revision, value.to_string().into()));
    }

    /// Lets decisions be kept as they are written, for [`Book::take_written`].
    pub fn keep_written(&self) {
        self.inner().written = Some(Vec::new());
    }

    /// The decisions that were written since the last time, without the outcomes of their actions.
    #[must_use]
    pub fn take_written(&self) -> Vec<DecisionRecord> {
        self.inner().written.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Lets the next sweeps look at these models alone.
    pub fn focus_on(&self, models: Option<Vec<String>>) {
        self.inner().focus = models;
    }

    /// The functions and models whose state has changed since the last time.
    #[must_use]
    pub fn take_touched(&self) -> BTreeSet<StateKey> {
        std::mem::take(&mut self.inner().touched)
    }

    /// The models that a name concerns.
    #[must_use]
    pub fn models_named(&self, kind: LookupKind, name: &str) -> Vec<String> {
        self.inner().named(kind, name).cloned().unwrap_or_default()
    }

    /// Whether a name concerns any model.
    #[must_use]
    pub fn knows(&self, kind: LookupKind, name: &str) -> bool {
        self.inner().named(kind, name).is_some()
    }

    /// Whether a model's policy is applied.
    #[must_use]
    pub fn has(&self, model: &str) -> bool {
        self.inner().policies.contains_key(model)
    }

    /// The applied policy of a model.
    #[must_use]
    pub fn applied(&self, model: &str) -> Option<Arc<Policy>> {
        self.inner().policies.get(model).map(|applied| Arc::clone(&applied.policy))
    }

    /// Every model with an applied policy.
    #[must_use]
    pub fn all_models(&self) -> Vec<String> {
        self.inner().all_models()
    }

    /// What a function remembers; nothing if it never decided anything.
    #[must_use]
    pub fn remembered<S: Remembered>(&self, function: &str, model: &str) -> Arc<S> {
        self.inner().state(function, model).and_then(|(_, text)| text.read().ok()).unwrap_or_default()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn named(&self, kind: LookupKind, name: &str) -> Option<&Vec<String>> {
        self.lookups.get(&kind)?.get(name)
    }

    fn all_models(&self) -> Vec<String> {
        let mut models: Vec<String> = self.policies.keys().cloned().collect();
        models.sort();
        models
    }

    fn state(&self, function: &str, model: &str) -> Option<&(u64, StoredState)> {
        self.states.get(function)?.get(model)
    }

    fn write(&mut self, entry: &Entry) -> Recorded {
        let current = entry.state.as_ref().is_none_or(|StateWrite { key, replaces, .. }| {
            self.state(&key.function, &key.model).map_or(0, |(revision, _)| *revision) == *replaces
        });
        if !current {
            return Recorded::Conflict;
        }
        self.claims.decided(&entry.claim, &entry.record.id);
        if let Some(next) = &entry.state {
            self.put(next);
        }
        if let Some(written) = &mut self.written {
            written.push(entry.record.clone());
        }
        Recorded::Written
    }

    fn put(&mut self, next: &StateWrite) {
        let (StateWrite { key, value, .. }, revision) = (next, next.revision());
        let of_function = self.states.entry(key.function.clone()).or_default();
        match of_function.get_mut(&key.model) {
            Some(state) if state.1 == *value => state.0 = revision,
            Some(state) => {
                *state = (revision, value.clone());
                self.touched.insert(key.clone());
            }
            None => {
                of_function.insert(key.model.clone(), (revision, value.clone()));
                self.touched.insert(key.clone());
            }
        }
    }
}

#[async_trait]
impl Ledger for Book {
    async fn policy(&self, model: &str) -> Result<Option<Applied>, EngineError> {
        Ok(self.inner().policies.get(model).cloned())
    }

    async fn models_for(&self, lookup: &Lookup) -> Result<Vec<String>, EngineError> {
        Ok(self.inner().named(lookup.kind, &lookup.name).cloned().unwrap_or_default())
    }

    async fn models(&self) -> Result<Vec<String>, EngineError> {
        let inner = self.inner();
        Ok(inner.focus.clone().unwrap_or_else(|| inner.all_models()))
    }

    async fn apply(&self, policy: &Policy, _now: Timestamp) -> Result<(), EngineError> {
        self.put_policy(policy);
        Ok(())
    }

    async fn claim(
        &self,
        key: &str,
        _owner: &str,
        now: Timestamp,
        _lease: SignedDuration,
    ) -> Result<Claim, EngineError> {
        Ok(self.inner().claims.take(key, now))
    }

    /// Nothing is left behind here: an invocation neither dies nor fails half way.
    async fn is_open(&self, _key: &str) -> Result<bool, EngineError> {
        Ok(false)
    }

    async fn release(&self, _key: &str, _owner: &str) -> Result<(), EngineError> {
        Ok(())
    }

    async fn state(&self, key: &StateKey) -> Result<Versioned, EngineError> {
        let inner = self.inner();
        Ok(match inner.state(&key.function, &key.model) {
            Some((revision, value)) => Versioned { revision: *revision, value: Some(value.clone()) },
            None => Versioned { revision: 0, value: None },
        })
    }

    async fn record(&self, entry: &Entry) -> Result<Recorded, EngineError> {
        Ok(self.inner().write(entry))
    }

    async fn progress(
        &self,
        _claim: &str,
        _owner: &str,
        _decision: &str,
        _outcomes: &[ActionOutcome],
    ) -> Result<bool, EngineError> {
        Ok(true)
    }

    async fn finish(&self, _record: &DecisionRecord, _claim: &str) -> Result<(), EngineError> {
        Ok(())
    }

    /// None: decisions are not kept here.
    async fn decisions(&self, _model: &str, _limit: u32) -> Result<Vec<Stored>, EngineError> {
        Ok(Vec::new())
    }
}
