//! The ledger behind a network: the requests that the ledger in DynamoDB sends, and policies that are parsed as often as
//! they are read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tidegate_engine::ports::{Applied, Claim, Entry, Ledger, Recorded, StateKey, Stored, Versioned};
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
}

impl RemoteLedger {
    /// An empty ledger.
    #[must_use]
    pub fn new(network: &Arc<MeteredNetwork>) -> Self {
        let inner = Arc::new(InMemoryLedger::without_history());
        Self { inner, network: Arc::clone(network), policies: Mutex::default() }
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

    fn read_policy(&self, model: &str) -> Result<Option<Applied>, EngineError> {
        let policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((json, version)) = policies.get(model) else { return Ok(None) };
        let policy = parse_applied(model, json).map_err(|error| EngineError::Stored {
            what: format!("policy of {model}"),
            message: error.to_string(),
        })?;
        Ok(Some(Applied { policy: Arc::new(policy), version: version.clone() }))
    }

    async fn pass(&self, operation: &'static str) -> Result<(), EngineError> {
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
            self.pass("Query").await?;
        }
        Ok(models)
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
