//! Decisions and their next states.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use serde::de::IgnoredAny;
use tidegate_engine::ports::{Entry, Recorded, StateKey, StateWrite, Stored, Versioned};
use tidegate_engine::{CallError, DecisionRecord, EngineError};

use super::items::{self, CLAIM, DECISION, DECISION_DAYS, Item};
use super::{Cancelled, DynamoLedger, SERVICE, TRANSACT};
use crate::error::refused;

/// The index of the claim among the writes of a decision, from 0.
const CLAIM_WRITE: usize = 1;

impl DynamoLedger {
    pub(super) async fn read_state(&self, key: &StateKey) -> Result<Versioned, EngineError> {
        let item = self.get(&items::model_pk(&key.model), &items::state_sk(&key.function)).await?;
        read_state(key, item.as_ref())
    }

    pub(super) async fn write_decision(&self, entry: &Entry) -> Result<Recorded, EngineError> {
        let mut writes = vec![self.put_decision(&entry.record)?, self.decide_claim(entry)?];
        if let Some(state) = &entry.state {
            writes.push(self.put_state(state)?);
        }
        if let Some(before) = &entry.follows {
            writes.push(self.put_outcomes(before)?);
        }
        match self.transact(writes).await {
            Ok(()) => Ok(Recorded::Written),
            Err(Cancelled::Condition { error, of }) => {
                tracing::debug!(%error, decision = entry.record.id, "another invocation changed the state or the claim first");
                let is_ours = !of.contains(&CLAIM_WRITE);
                Ok(if is_ours { Recorded::Conflict } else { Recorded::LeaseLost })
            }
            Err(Cancelled::Collision(error)) => {
                tracing::debug!(%error, decision = entry.record.id, "another transaction changes the same items");
                Ok(Recorded::Conflict)
            }
            Err(Cancelled::Failed(error)) => Err(error.into()),
        }
    }

    fn put_decision(&self, record: &DecisionRecord) -> Result<TransactWriteItem, EngineError> {
        let mut item = items::key(&items::model_pk(&record.model), &items::decision_sk(record));
        item.insert("record".to_owned(), items::text(&to_json(record)?));
        // These attributes repeat parts of the record, so that a person can read the table without parsing JSON.
        item.insert("function".to_owned(), items::text(&record.function));
        item.insert("verdict".to_owned(), items::text(&record.verdict));
        item.insert("reason".to_owned(), items::text(&record.reason));
        item.insert("expires_at".to_owned(), items::expiry(record.at, DECISION_DAYS));
        items::fits(&item, TRANSACT, &format!("record of decision {}", record.id))?;
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .build();
        Ok(TransactWriteItem::builder().put(put.map_err(unbuilt)?).build())
    }

    fn decide_claim(&self, entry: &Entry) -> Result<TransactWriteItem, CallError> {
        let record = &entry.record;
        let mut update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(items::key(&items::claim_pk(&entry.claim), CLAIM)))
            .update_expression(
                "SET #status = :decided, decision_pk = :pk, decision_sk = :sk, decision_id = :id REMOVE outcomes",
            )
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":decided", items::text("decided"))
            .expression_attribute_values(":owner", items::text(&entry.owner))
            .expression_attribute_values(":pk", items::text(&items::model_pk(&record.model)))
            .expression_attribute_values(":sk", items::text(&items::decision_sk(record)))
            .expression_attribute_values(":id", items::text(&record.id));
        update = match &entry.follows {
            None => update
                .condition_expression("#owner = :owner AND #status = :open")
                .expression_attribute_values(":open", items::text("open")),
            // The claim must still refer to the decision that caused this one.
            Some(before) => update
                .condition_expression("#owner = :owner AND #status = :decided AND decision_id = :before")
                .expression_attribute_values(":before", items::text(&before.id)),
        };
        let update = update.build();
        Ok(TransactWriteItem::builder().update(update.map_err(unbuilt)?).build())
    }

    /// Writes the state with the next revision, if the revision that was read is still the current one.
    fn put_state(&self, state: &StateWrite) -> Result<TransactWriteItem, EngineError> {
        let StateWrite { key, replaces, value } = state;
        let what = format!("state of {} for {}", key.function, key.model);
        let value = value.text().map_err(|error| items::damaged(&what, error))?;
        let mut item = items::key(&items::model_pk(&key.model), &items::state_sk(&key.function));
        item.insert("revision".to_owned(), items::number(state.revision()));
        item.insert("value".to_owned(), items::text(value));
        items::fits(&item, TRANSACT, &what)?;
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        let put = match *replaces {
            0 => put.condition_expression("attribute_not_exists(pk)"),
            seen => put
                .condition_expression("revision = :seen")
                .expression_attribute_values(":seen", items::number(seen)),
        };
        Ok(TransactWriteItem::builder().put(put.build().map_err(unbuilt)?).build())
    }

    /// Closes a claim. It is idempotent.
    pub(super) async fn close(&self, record: &DecisionRecord, claim: &str) -> Result<(), EngineError> {
        let claim = Update::builder()
            .table_name(&self.table)
            .set_key(Some(items::key(&items::claim_pk(claim), CLAIM)))
            .update_expression("SET #status = :done REMOVE outcomes")
            .condition_expression("decision_id = :id")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":done", items::text("done"))
            .expression_attribute_values(":id", items::text(&record.id))
            .build();
        let claim = TransactWriteItem::builder().update(claim.map_err(unbuilt)?).build();
        Ok(self.transact(vec![self.put_outcomes(record)?, claim]).await?)
    }

    /// Replaces the record by the one with its outcomes.
    fn put_outcomes(&self, record: &DecisionRecord) -> Result<TransactWriteItem, EngineError> {
        let (pk, sk) = (items::model_pk(&record.model), items::decision_sk(record));
        let mut item = items::key(&pk, &sk);
        item.insert("record".to_owned(), items::text(&to_json(record)?));
        items::fits(&item, TRANSACT, &format!("record of decision {}", record.id))?;
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(items::key(&pk, &sk)))
            .update_expression("SET #record = :record")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#record", "record")
            .set_expression_attribute_values(
                item.remove("record").map(|value| Item::from([(":record".to_owned(), value)])),
            )
            .build();
        Ok(TransactWriteItem::builder().update(update.map_err(unbuilt)?).build())
    }

    pub(super) async fn read_decisions(&self, model: &str, limit: u32) -> Result<Vec<Stored>, EngineError> {
        let found = self.query(&items::model_pk(model), Some(DECISION), true, Some(limit)).await?;
        let what = |item: &Item| {
            let sk = items::read_text(item, "sk", "decision").unwrap_or_default();
            format!("decision about {model} at {}", sk.strip_prefix(DECISION).unwrap_or(sk))
        };
        Ok(found.iter().map(|item| read(item, &what(item))).collect())
    }
}

/// Parses the item of a state. There is none before the first decision.
pub(super) fn read_state(key: &StateKey, item: Option<&Item>) -> Result<Versioned, EngineError> {
    let Some(item) = item else { return Ok(Versioned { revision: 0, value: None }) };
    let what = format!("state of {} for {}", key.function, key.model);
    let value = items::read_text(item, "value", &what)?;
    let IgnoredAny = serde_json::from_str(value).map_err(|error| items::damaged(&what, error))?;
    Ok(Versioned { revision: items::read_number(item, "revision", &what)?, value: Some(value.into()) })
}

/// Parses the record in the item of a decision.
pub(super) fn read(item: &Item, what: &str) -> Result<DecisionRecord, EngineError> {
    let json = items::read_text(item, "record", what)?;
    DecisionRecord::read(json, what)
}

fn to_json(record: &DecisionRecord) -> Result<String, EngineError> {
    serde_json::to_string(record).map_err(|error| items::damaged(&format!("decision {}", record.id), error))
}

fn unbuilt(error: impl ToString) -> CallError {
    refused(SERVICE, TRANSACT, error)
}
