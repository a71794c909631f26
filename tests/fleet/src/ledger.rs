//! The ledger behind a network: the requests that the ledger in DynamoDB sends, and policies that are parsed as often as
//! they are read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tidegate_engine::ports::{
    Applied, Batch, Claim, Entry, Ledger, Recorded, StateKey, Stored, SweepCursor, Versioned,
};
use tidegate_engine::{ActionOutcome, DecisionRecord, EngineError};
use tidegate_policy::file::{Policy, parse_applied};
use tidegate_policy::lookup::Lookup;
use tidegate_testkit::{InMemoryLedger, Network};

use crate::network::MeteredNetwork;

const DYNAMODB: &str = "dynamodb";
/// The largest number of items of the list of models in one page: DynamoDB reads at most 1 MB, and such an item has about
/// 60 bytes.
const PAGE: usize = 16_000;

/// A ledger behind a network.
#[derive(Debug)]
pub struct RemoteLedger {
    inner: Arc<InMemoryLedger>,
    network: Arc<MeteredNetwork>,
    /// The policies as JSON, with their versions.
    policies: Mutex<HashMap<String, (String, String)>>,
    /// The request units that were used: reads and writes.
    units: Mutex<(u64, u64)>,
}

impl RemoteLedger {
    /// An empty ledger.
    #[must_use]
    pub fn new(network: &Arc<MeteredNetwork>) -> Self {
        let inner = Arc::new(InMemoryLedger::new());
        Self { inner, network: Arc::clone(network), policies: Mutex::default(), units: Mutex::default() }
    }

    /// The ledger without the network.
    #[must_use]
    pub fn local(&self) -> &Arc<InMemoryLedger> {
        &self.inner
    }

    /// Applies a policy.
    pub fn put_policy(&self, policy: Policy) {
        let (model, version) = (policy.model.to_string(), policy.version());
        let json = serde_json::to_string(&policy).unwrap_or_default();
        let mut policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        policies.insert(model, (json, version));
        self.inner.put_policy(Arc::new(policy));
    }

    /// Replaces the JSON of a policy. Returns what was there.
    pub fn replace_policy(&self, model: &str, json: &str) -> String {
        let mut policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = policies.get_mut(model).map(|(stored, _)| std::mem::replace(stored, json.to_owned()));
        stored.unwrap_or_default()
    }

    fn read_policy(&self, model: &str) -> Result<Option<Applied>, EngineError> {
        let policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((json, version)) = policies.get(model) else { return Ok(None) };
        let policy = parse_applied(model, json).map_err(|error| EngineError::Stored {
            what: format!("policy of {model}"),
            message: error.to_string(),
        })?;
        Ok(Some(Applied { policy: Arc::new(policy), version: version.clone() }))
    }

    /// Takes the read and the write request units since the last call of this function.
    #[must_use]
    pub fn take_units(&self) -> (u64, u64) {
        std::mem::take(&mut *self.units.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts request units. A strongly consistent read has one for each 4 KB of an item, and the items of a model are
    /// smaller; a transaction has two for each KB, and writes a record of 2.2 KB, a claim and a state.
    fn count(&self, operation: &str, items: usize) {
        let mut units = self.units.lock().unwrap_or_else(PoisonError::into_inner);
        let items = u64::try_from(items).unwrap_or(u64::MAX);
        match operation {
            "GetItem" | "BatchGetItem" | "Query" => units.0 = units.0.saturating_add(items),
            "TransactWriteItems" => units.1 = units.1.saturating_add(items.saturating_mul(10)),
            _ => units.1 = units.1.saturating_add(items),
        }
    }

    async fn pass(&self, operation: &'static str) -> Result<(), EngineError> {
        self.pass_items(operation, 1).await
    }

    async fn pass_items(&self, operation: &'static str, items: usize) -> Result<(), EngineError> {
        self.count(operation, items);
        Ok(self.network.pass(DYNAMODB, operation).await?)
    }
}

#[async_trait]
impl Ledger for RemoteLedger {
    async fn policy(&self, model: &str) -> Result<Option<Applied>, EngineError> {
        self.pass("GetItem").await?;
        self.read_policy(model)
    }

    async fn models_for(&self, lookup: &Lookup) -> Result<Vec<String>, EngineError> {
        self.pass("Query").await?;
        self.inner.models_for(lookup).await
    }

    async fn models(&self) -> Result<Vec<String>, EngineError> {
        let models = self.inner.models().await?;
        for _ in 0..models.len().div_ceil(PAGE).max(1) {
            // 4 KB are about 64 of these items.
            self.pass_items("Query", models.len().div_ceil(64).max(1)).await?;
        }
        Ok(models)
    }

    async fn policies(&self, models: &[String]) -> Result<Batch<Option<Applied>>, EngineError> {
        self.pass_items("BatchGetItem", models.len()).await?;
        Ok(models.iter().map(|model| self.read_policy(model)).collect())
    }

    async fn states(&self, keys: &[StateKey]) -> Result<Batch<Versioned>, EngineError> {
        self.pass_items("BatchGetItem", keys.len()).await?;
        self.inner.states(keys).await
    }

    async fn are_open(&self, keys: &[String]) -> Result<Batch<bool>, EngineError> {
        self.pass_items("BatchGetItem", keys.len()).await?;
        self.inner.are_open(keys).await
    }

    async fn cursor(&self, function: &str) -> Result<SweepCursor, EngineError> {
        self.pass("GetItem").await?;
        self.inner.cursor(function).await
    }

    async fn put_cursor(&self, function: &str, cursor: &SweepCursor) -> Result<(), EngineError> {
        // A name has about 12 bytes here.
        self.pass_items("PutItem", cursor.pending.len().div_ceil(64).max(1)).await?;
        self.inner.put_cursor(function, cursor).await
    }

    async fn apply(&self, policy: &Policy, _now: Timestamp) -> Result<(), EngineError> {
        self.pass("TransactWriteItems").await?;
        self.put_policy(policy.clone());
        Ok(())
    }

    async fn claim(
        &self,
        key: &str,
        owner: &str,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Claim, EngineError> {
        self.pass("PutItem").await?;
        let claim = self.inner.claim(key, owner, now, lease).await?;
        match claim {
            Claim::Fresh | Claim::Leased { .. } => {}
            Claim::Done { .. } => self.pass("GetItem").await?,
            Claim::Resume(_) => {
                self.pass("UpdateItem").await?;
                self.pass("GetItem").await?;
            }
        }
        Ok(claim)
    }

    async fn is_open(&self, key: &str) -> Result<bool, EngineError> {
        self.pass("GetItem").await?;
        self.inner.is_open(key).await
    }

    async fn release(&self, key: &str, owner: &str) -> Result<(), EngineError> {
        self.pass("UpdateItem").await?;
        self.inner.release(key, owner).await
    }

    async fn state(&self, key: &StateKey) -> Result<Versioned, EngineError> {
        self.pass("GetItem").await?;
        self.inner.state(key).await
    }

    async fn record(&self, entry: &Entry) -> Result<Recorded, EngineError> {
        self.pass("TransactWriteItems").await?;
        self.inner.record(entry).await
    }

    async fn progress(
        &self,
        claim: &str,
        owner: &str,
        decision: &str,
        outcomes: &[ActionOutcome],
    ) -> Result<bool, EngineError> {
        self.pass("UpdateItem").await?;
        self.inner.progress(claim, owner, decision, outcomes).await
    }

    async fn finish(&self, record: &DecisionRecord, claim: &str) -> Result<(), EngineError> {
        self.pass("TransactWriteItems").await?;
        self.inner.finish(record, claim).await
    }

    async fn decisions(&self, model: &str, limit: u32) -> Result<Vec<Stored>, EngineError> {
        self.pass("Query").await?;
        self.inner.decisions(model, limit).await
    }
}
