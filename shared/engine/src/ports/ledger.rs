//! The ledger port: policies, claims, states and decisions.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tidegate_policy::file::Policy;
use tidegate_policy::lookup::Lookup;

use super::{StateKey, StateWrite, Versioned};
use crate::{ActionOutcome, DecisionRecord, EngineError, MayThrottle};

/// The number of days for which a ledger keeps claims: an event that arrives later is decided again. A dead-letter queue
/// keeps an event for 14 days, and `tidegate redrive` may send it back on the last of them. The claim of its first
/// processing, and that of the second, must still exist then; EventBridge (1 day) and Lambda (6 hours) deliver earlier.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>
pub const CLAIM_DAYS: i64 = 21;

/// A policy that was applied, with its version.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The policy.
    pub policy: Arc<Policy>,
    /// The version of the policy.
    pub version: String,
}

/// The result of a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// The event is new, and this invocation must decide it.
    Fresh,
    /// An earlier invocation decided the event and did not finish. This invocation must execute the steps of the plan
    /// that have no outcome yet.
    Resume(Box<DecisionRecord>),
    /// The event has been processed completely.
    Done {
        /// The id of the decision.
        decision: String,
        /// The record of the decision with its outcomes, if the ledger still has it.
        record: Option<Box<DecisionRecord>>,
    },
    /// Another invocation holds the lease on the event.
    Leased {
        /// The end of that lease.
        until: Timestamp,
    },
}

/// The content of one transaction that records a decision. Either all of it is written or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The record of the decision.
    pub record: DecisionRecord,
    /// The key of the claim under which the decision was made.
    pub claim: String,
    /// The owner of the claim. If the claim has another owner now, nothing is written.
    pub owner: String,
    /// The next state.
    pub state: Option<StateWrite>,
    /// The decision under the same claim that caused this one, with its outcomes. The claim then refers to the new
    /// decision.
    pub follows: Option<DecisionRecord>,
}

/// A decision that was read from the ledger, or the reason why it could not be read.
pub type Stored = Result<DecisionRecord, EngineError>;

/// The result of writing an [`Entry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// The entry was written.
    Written,
    /// Another invocation decided first. The caller must read the facts again and decide again.
    Conflict,
    /// Another invocation owns the claim, or the claim refers to another decision. The caller must stop.
    LeaseLost,
}

/// How far the sweeps of a function have come in a large fleet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepCursor {
    /// When the last sweep began that processed every change that AWS listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes_until: Option<Timestamp>,
    /// The last model that was processed because it was its turn; empty before the first.
    #[serde(default)]
    pub after: String,
    /// The models that a sweep began to process and did not finish.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<String>,
}

/// The results of a batch, in the order of the keys. An item that this version cannot read is an error in its place.
pub type Batch<T> = Vec<Result<T, EngineError>>;

/// The largest number of keys in one batch.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>
pub const MAX_BATCH: usize = 100;

/// The ledger of the account.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Returns the applied policy of a model, or `None`.
    async fn policy(&self, model: &str) -> Result<Option<Applied>, EngineError>;
    /// Returns the models whose policy mentions a name.
    async fn models_for(&self, lookup: &Lookup) -> Result<Vec<String>, EngineError>;
    /// Returns every model with an applied policy.
    async fn models(&self) -> Result<Vec<String>, EngineError>;
    /// Returns the applied policies of at most [`MAX_BATCH`] models.
    async fn policies(&self, models: &[String]) -> Result<Batch<Option<Applied>>, EngineError> {
        let mut found = Vec::with_capacity(models.len());
        for model in models {
            found.push(unless_throttled(self.policy(model).await)?);
        }
        Ok(found)
    }
    /// Applies a policy and writes its lookups. Removes the lookups that the policy no longer has.
    async fn apply(&self, policy: &Policy, now: Timestamp) -> Result<(), EngineError>;

    /// Claims an event. The same owner may claim it again, because Lambda retries with the same request id.
    async fn claim(
        &self,
        key: &str,
        owner: &str,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Claim, EngineError>;
    /// Returns whether an event was claimed and has not been processed completely.
    async fn is_open(&self, key: &str) -> Result<bool, EngineError>;
    /// Releases a claim that is not finished, so that a retry does not wait for the end of the lease.
    async fn release(&self, key: &str, owner: &str) -> Result<(), EngineError>;
    /// Reads the state of a function for a model.
    async fn state(&self, key: &StateKey) -> Result<Versioned, EngineError>;
    /// Reads at most [`MAX_BATCH`] states.
    async fn states(&self, keys: &[StateKey]) -> Result<Batch<Versioned>, EngineError> {
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            found.push(unless_throttled(self.state(key).await)?);
        }
        Ok(found)
    }
    /// Returns for at most [`MAX_BATCH`] events whether each was claimed and has not been processed completely.
    async fn are_open(&self, keys: &[String]) -> Result<Batch<bool>, EngineError> {
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            found.push(unless_throttled(self.is_open(key).await)?);
        }
        Ok(found)
    }
    /// Returns how far the sweeps of a function have come.
    async fn cursor(&self, function: &str) -> Result<SweepCursor, EngineError>;
    /// Writes how far the sweeps of a function have come.
    async fn put_cursor(&self, function: &str, cursor: &SweepCursor) -> Result<(), EngineError>;
    /// Writes an entry in one transaction.
    async fn record(&self, entry: &Entry) -> Result<Recorded, EngineError>;
    /// Records the outcomes of the first steps of a plan. Returns `false` if another invocation owns the claim.
    async fn progress(
        &self,
        claim: &str,
        owner: &str,
        decision: &str,
        outcomes: &[ActionOutcome],
    ) -> Result<bool, EngineError>;
    /// Closes the claim and records all outcomes of the record.
    async fn finish(&self, record: &DecisionRecord, claim: &str) -> Result<(), EngineError>;
    /// Returns the decisions about a model, newest first, at most `limit`. A record that cannot be read is an error in
    /// its place.
    async fn decisions(&self, model: &str, limit: u32) -> Result<Vec<Stored>, EngineError>;
}

/// A throttled call fails its whole batch, which is then read again. Another error is one of its item.
fn unless_throttled<T>(result: Result<T, EngineError>) -> Result<Result<T, EngineError>, EngineError> {
    match result {
        Err(error) if error.is_throttled() => Err(error),
        result => Ok(result),
    }
}
