//! Reads of many items, and the cursor of the sweeps.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use tidegate_engine::ports::{Applied, Batch, StateKey, SweepCursor, Versioned};
use tidegate_engine::{CallError, Class, EngineError};

use super::claims::is_open;
use super::items::{self, CLAIM, Item, POLICY};
use super::{DynamoLedger, SERVICE, decisions, policies};
use crate::error::{failed, refused};

const BATCH_GET: &str = "BatchGetItem";
const PUT: &str = "PutItem";
/// The attribute of the cursor.
const CURSOR: &str = "cursor";

/// The partition key and the sort key of an item.
type Key = (String, String);

impl DynamoLedger {
    pub(super) async fn read_policies(
        &self,
        models: &[String],
    ) -> Result<Batch<Option<Applied>>, EngineError> {
        let keys = models.iter().map(|model| (items::model_pk(model), POLICY.to_owned())).collect();
        let found = self.get_batch(keys).await?;
        let read = |(model, item): (&String, Option<Item>)| {
            item.map(|item| policies::read(model, &item)).transpose()
        };
        Ok(models.iter().zip(found).map(read).collect())
    }

    pub(super) async fn read_states(&self, states: &[StateKey]) -> Result<Batch<Versioned>, EngineError> {
        let key = |key: &StateKey| (items::model_pk(&key.model), items::state_sk(&key.function));
        let found = self.get_batch(states.iter().map(key).collect()).await?;
        Ok(states.iter().zip(found).map(|(key, item)| decisions::read_state(key, item.as_ref())).collect())
    }

    pub(super) async fn read_open_claims(&self, claims: &[String]) -> Result<Batch<bool>, EngineError> {
        let keys = claims.iter().map(|key| (items::claim_pk(key), CLAIM.to_owned())).collect();
        let found = self.get_batch(keys).await?;
        Ok(claims.iter().zip(found).map(|(key, item)| is_open(key, item.as_ref())).collect())
    }

    /// Reads at most 100 items, in the order of the keys. DynamoDB may answer only some of the keys of a request: because
    /// of the size of the answer (16 MB), or because it throttles the rest. If it answers none, it throttles all.
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>
    async fn get_batch(&self, keys: Vec<Key>) -> Result<Vec<Option<Item>>, CallError> {
        let mut found: HashMap<Key, Item> = HashMap::with_capacity(keys.len());
        let mut open = keys.clone();
        // A request with the same key twice is rejected.
        open.sort();
        open.dedup();
        while !open.is_empty() {
            let of_table = KeysAndAttributes::builder()
                .set_keys(Some(open.iter().map(|(pk, sk)| items::key(pk, sk)).collect()))
                .consistent_read(true)
                .build()
                .map_err(|error| refused(SERVICE, BATCH_GET, error))?;
            let answer = self.client.batch_get_item().request_items(&self.table, of_table).send().await;
            let answer = answer.map_err(failed(SERVICE, BATCH_GET))?;
            let items = answer.responses.unwrap_or_default().into_values().flatten();
            found.extend(items.filter_map(|item| Some((key_of(&item)?, item))));
            let rest = answer.unprocessed_keys.unwrap_or_default().into_values();
            let rest: Vec<Key> =
                rest.flat_map(|of_table| of_table.keys).filter_map(|key| key_of(&key)).collect();
            if rest.len() >= open.len() {
                let message = format!("DynamoDB answered none of {} keys", open.len());
                return Err(CallError { class: Class::Throttled, ..refused(SERVICE, BATCH_GET, message) });
            }
            open = rest;
        }
        Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
    }

    pub(super) async fn read_cursor(&self, function: &str) -> Result<SweepCursor, EngineError> {
        let what = format!("cursor of the sweeps of {function}");
        let Some(item) = self.get(&items::sweep_pk(function), items::CURSOR).await? else {
            return Ok(SweepCursor::default());
        };
        let json = items::read_text(&item, CURSOR, &what)?;
        serde_json::from_str(json).map_err(|error| items::damaged(&what, error))
    }

    pub(super) async fn write_cursor(&self, function: &str, cursor: &SweepCursor) -> Result<(), EngineError> {
        let what = format!("cursor of the sweeps of {function}");
        let json = serde_json::to_string(cursor).map_err(|error| items::damaged(&what, error))?;
        let mut item = items::key(&items::sweep_pk(function), items::CURSOR);
        item.insert(CURSOR.to_owned(), items::text(&json));
        items::fits(&item, PUT, &what)?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await;
        put.map_err(failed(SERVICE, PUT))?;
        Ok(())
    }
}

fn key_of(item: &Item) -> Option<Key> {
    let text = |name| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    Some((text("pk")?, text("sk")?))
}
