//! The ledger: one DynamoDB table.
//!
//! | item | pk | sk | expires |
//! |---|---|---|---|
//! | policy | `MODEL#<model>` | `POLICY` | |
//! | list of models | `MODELS` | `<model>` | |
//! | lookup | `LOOKUP#<kind>#<name>` | `MODEL#<model>` | |
//! | state | `MODEL#<model>` | `STATE#<function>` | |
//! | decision | `MODEL#<model>` | `DECISION#<time>#<id>`, or `DECISION#<time>#~<sequence>#<id>` | after 400 days |
//! | cursor of a function's sweeps | `SWEEP#<function>` | `CURSOR` | |
//! | claim | `CLAIM#<key>` | `CLAIM` | after 21 days |
//!
//! DynamoDB deletes items by the table's TTL attribute `expires_at`, in seconds since the epoch. Every read is strongly
//! consistent, so that an invocation decides on what the previous one wrote.

mod batches;
mod claims;
mod decisions;
mod items;
mod policies;
mod texts;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::TransactWriteItem;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use jiff::{SignedDuration, Timestamp};
use tidegate_engine::ports::{
    Applied, Batch, Claim, Entry, Ledger, Recorded, StateKey, Stored, SweepCursor, Versioned,
};
use tidegate_engine::{ActionOutcome, CallError, Class, DecisionRecord, EngineError};
use tidegate_policy::file::Policy;
use tidegate_policy::lookup::Lookup;

use crate::error::{Failure, failed};
use items::Item;

pub use texts::{StoredText, TextPage};

const SERVICE: &str = "dynamodb";
const TRANSACT: &str = "TransactWriteItems";
const GET: &str = "GetItem";
const QUERY: &str = "Query";

/// The ledger in Amazon DynamoDB.
#[derive(Debug, Clone)]
pub struct DynamoLedger {
    client: Client,
    table: String,
}

impl DynamoLedger {
    pub(crate) fn new(client: Client, table: &str) -> Self {
        Self { client, table: table.to_owned() }
    }

    /// Reads one item.
    async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, CallError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(items::key(pk, sk)))
            .consistent_read(true)
            .send()
            .await
            .map_err(failed(SERVICE, GET))?;
        Ok(answer.item)
    }

    /// Reads the items of a partition key whose sort key begins with `prefix`, at most `limit`.
    async fn query(
        &self,
        pk: &str,
        prefix: Option<&str>,
        newest_first: bool,
        limit: Option<u32>,
    ) -> Result<Vec<Item>, CallError> {
        let mut found = Vec::new();
        let mut start = None;
        let wanted = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        while found.len() < wanted {
            let condition = if prefix.is_some() { "pk = :pk AND begins_with(sk, :sk)" } else { "pk = :pk" };
            let left = i32::try_from(wanted.saturating_sub(found.len())).ok();
            let mut call = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression(condition)
                .expression_attribute_values(":pk", items::text(pk))
                .consistent_read(true)
                .scan_index_forward(!newest_first)
                .set_limit(left)
                .set_exclusive_start_key(start);
            if let Some(prefix) = prefix {
                call = call.expression_attribute_values(":sk", items::text(prefix));
            }
            let answer = call.send().await.map_err(failed(SERVICE, QUERY))?;
            found.extend(answer.items.unwrap_or_default());
            match answer.last_evaluated_key {
                Some(key) if !key.is_empty() => start = Some(key),
                _ => break,
            }
        }
        Ok(found)
    }

    /// Writes all items in one transaction. The SDK adds a client token to each call, so that a retry after a lost
    /// answer is not rejected because of the first write.
    async fn transact(&self, items: Vec<TransactWriteItem>) -> Result<(), Cancelled> {
        match self.client.transact_write_items().set_transact_items(Some(items)).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(cancelled(error)),
        }
    }
}

/// Why a transaction wrote nothing.
enum Cancelled {
    /// The condition of some writes failed. `of` contains their indexes, from 0.
    Condition { error: CallError, of: Vec<usize> },
    /// Another transaction changed the same items at the same time.
    Collision(CallError),
    /// Another error.
    Failed(CallError),
}

impl From<Cancelled> for EngineError {
    fn from(cancelled: Cancelled) -> Self {
        match cancelled {
            Cancelled::Condition { error, .. } | Cancelled::Collision(error) | Cancelled::Failed(error) => {
                Self::Call(error)
            }
        }
    }
}

/// Returns why a transaction was cancelled. The structured error has a reason for each item, in their order; the
/// message has none.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
fn cancelled(error: SdkError<TransactWriteItemsError, HttpResponse>) -> Cancelled {
    let reasons: Vec<String> = match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons().iter().map(|r| r.code().unwrap_or_default().to_owned()).collect()
        }
        _ => Vec::new(),
    };
    let Failure { call, .. } = failed(SERVICE, TRANSACT)(error);
    let has = |code: &str| reasons.iter().any(|reason| reason == code);
    if has("ConditionalCheckFailed") {
        let failed = |(index, code): (usize, &String)| (code == "ConditionalCheckFailed").then_some(index);
        let of = reasons.iter().enumerate().filter_map(failed).collect();
        Cancelled::Condition { error: CallError { class: Class::Conflict, ..call }, of }
    } else if has("TransactionConflict") {
        Cancelled::Collision(CallError { class: Class::Retryable, ..call })
    } else if has("ThrottlingError") || has("ProvisionedThroughputExceeded") {
        Cancelled::Failed(CallError { class: Class::Throttled, ..call })
    } else {
        Cancelled::Failed(call)
    }
}

#[async_trait]
impl Ledger for DynamoLedger {
    async fn policy(&self, model: &str) -> Result<Option<Applied>, EngineError> {
        self.read_policy(model).await
    }

    async fn models_for(&self, lookup: &Lookup) -> Result<Vec<String>, EngineError> {
        self.read_models_for(lookup).await
    }

    async fn models(&self) -> Result<Vec<String>, EngineError> {
        self.read_models().await
    }

    async fn policies(&self, models: &[String]) -> Result<Batch<Option<Applied>>, EngineError> {
        self.read_policies(models).await
    }

    async fn states(&self, keys: &[StateKey]) -> Result<Batch<Versioned>, EngineError> {
        self.read_states(keys).await
    }

    async fn are_open(&self, keys: &[String]) -> Result<Batch<bool>, EngineError> {
        self.read_open_claims(keys).await
    }

    async fn cursor(&self, function: &str) -> Result<SweepCursor, EngineError> {
        self.read_cursor(function).await
    }

    async fn put_cursor(&self, function: &str, cursor: &SweepCursor) -> Result<(), EngineError> {
        self.write_cursor(function, cursor).await
    }

    async fn apply(&self, policy: &Policy, now: Timestamp) -> Result<(), EngineError> {
        self.write_policy(policy, now).await
    }

    async fn claim(
        &self,
        key: &str,
        owner: &str,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Claim, EngineError> {
        self.take_claim(key, owner, now, lease).await
    }

    async fn is_open(&self, key: &str) -> Result<bool, EngineError> {
        self.read_open(key).await
    }

    async fn release(&self, key: &str, owner: &str) -> Result<(), EngineError> {
        self.give_back(key, owner).await
    }

    async fn state(&self, key: &StateKey) -> Result<Versioned, EngineError> {
        self.read_state(key).await
    }

    async fn record(&self, entry: &Entry) -> Result<Recorded, EngineError> {
        self.write_decision(entry).await
    }

    async fn progress(
        &self,
        claim: &str,
        owner: &str,
        decision: &str,
        outcomes: &[ActionOutcome],
    ) -> Result<bool, EngineError> {
        self.write_progress(claim, owner, decision, outcomes).await
    }

    async fn finish(&self, record: &DecisionRecord, claim: &str) -> Result<(), EngineError> {
        self.close(record, claim).await
    }

    async fn decisions(&self, model: &str, limit: u32) -> Result<Vec<Stored>, EngineError> {
        self.read_decisions(model, limit).await
    }
}
