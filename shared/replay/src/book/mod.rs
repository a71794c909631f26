//! The ledger of one account, in memory, for one thread of events that nobody else works on.
//!
//! What it keeps by the rules of the ledger in DynamoDB is what decides: the policies and their lookups, states under
//! their revisions, and claims, which age out after fourteen days. Decisions are handed on and not kept, so that a year
//! of events needs no more memory than two weeks of them.

mod claims;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tidegate_engine::ports::{Applied, Claim, Entry, Ledger, Recorded, StateKey, Stored, Versioned};
use tidegate_engine::{ActionOutcome, DecisionRecord, EngineError};
use tidegate_policy::file::Policy;
use tidegate_policy::lookup::{self, Lookup, LookupKind};

use claims::Claims;

/// The ledger.
#[derive(Debug, Default)]
pub struct Book {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    policies: HashMap<String, Applied>,
    /// The models with a policy, in order.
    models: BTreeSet<String>,
    /// By the kind of name, and by name.
    lookups: HashMap<&'static str, HashMap<String, Vec<String>>>,
    claims: Claims,
    /// By function and model.
    states: HashMap<String, HashMap<String, (u64, Arc<str>)>>,
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
            let models = inner.lookups.entry(lookup.kind.code()).or_default().entry(lookup.name).or_default();
            if !models.contains(&model) {
                models.push(model.clone());
                models.sort();
            }
        }
        let version = policy.version();
        inner.models.insert(model.clone());
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
        self.inner().named(kind, &lower(name)).cloned().unwrap_or_default()
    }

    /// Whether a name concerns any model.
    #[must_use]
    pub fn knows(&self, kind: LookupKind, name: &str) -> bool {
        self.inner().named(kind, &lower(name)).is_some()
    }

    /// Whether a model's policy is applied.
    #[must_use]
    pub fn has(&self, model: &str) -> bool {
        self.inner().policies.contains_key(model)
    }

    /// Every model with an applied policy.
    #[must_use]
    pub fn all_models(&self) -> Vec<String> {
        self.inner().models.iter().cloned().collect()
    }

    /// What a function remembers; nothing if it never decided anything.
    #[must_use]
    pub fn remembered<S: DeserializeOwned + Default>(&self, function: &str, model: &str) -> S {
        let inner = self.inner();
        inner.state(function, model).and_then(|(_, text)| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name as lookups have it: most are so already.
fn lower(name: &str) -> Cow<'_, str> {
    let is_lower = name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { Cow::Borrowed(name) } else { Cow::Owned(name.to_lowercase()) }
}

impl Inner {
    fn named(&self, kind: LookupKind, lower: &str) -> Option<&Vec<String>> {
        self.lookups.get(kind.code())?.get(lower)
    }

    fn state(&self, function: &str, model: &str) -> Option<&(u64, Arc<str>)> {
        self.states.get(function)?.get(model)
    }

    fn write(&mut self, entry: &Entry) -> Recorded {
        let current = entry.state.as_ref().is_none_or(|(key, read)| {
            self.state(&key.function, &key.model).map_or(0, |(revision, _)| *revision) == read.revision
        });
        if !current {
            return Recorded::Overtaken;
        }
        self.claims.decided(&entry.claim, &entry.record.id);
        if let Some((key, next)) = &entry.state {
            self.put(key, next);
        }
        if let Some(written) = &mut self.written {
            written.push(entry.record.clone());
        }
        Recorded::Written
    }

    fn put(&mut self, key: &StateKey, next: &Versioned) {
        let Some(value) = &next.value else { return };
        let revision = next.revision.saturating_add(1);
        let of_function = self.states.entry(key.function.clone()).or_default();
        match of_function.get_mut(&key.model) {
            Some(state) if state.1 == *value => state.0 = revision,
            Some(state) => {
                *state = (revision, Arc::clone(value));
                self.touched.insert(key.clone());
            }
            None => {
                of_function.insert(key.model.clone(), (revision, Arc::clone(value)));
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
        Ok(inner.focus.clone().unwrap_or_else(|| inner.models.iter().cloned().collect()))
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
            Some((revision, value)) => Versioned { revision: *revision, value: Some(Arc::clone(value)) },
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
