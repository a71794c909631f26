//! Policies and their lookups.

use std::sync::Arc;

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use jiff::Timestamp;
use tidegate_engine::ports::Applied;
use tidegate_engine::{CallError, EngineError};
use tidegate_policy::file::{Policy, parse_applied};
use tidegate_policy::lookup::{self, Lookup};

use super::items::{self, Item, MODELS, POLICY};
use super::{Cancelled, DynamoLedger, SERVICE, TRANSACT};
use crate::error::refused;

/// The largest number of writes in one transaction.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
const MAX_WRITES: usize = 100;
/// The largest number of lookups of a policy. It leaves writes to remove the lookups of the previous version.
const MAX_LOOKUPS: usize = 90;

impl DynamoLedger {
    pub(super) async fn read_policy(&self, model: &str) -> Result<Option<Applied>, EngineError> {
        let Some(item) = self.get(&items::model_pk(model), POLICY).await? else { return Ok(None) };
        Ok(Some(read(model, &item)?))
    }

    pub(super) async fn read_models_for(&self, lookup: &Lookup) -> Result<Vec<String>, EngineError> {
        let found = self.query(&items::lookup_pk(lookup), None, false, None).await?;
        let models = found.iter().map(|item| {
            let sk = items::read_text(item, "sk", "lookup")?;
            Ok(sk.strip_prefix("MODEL#").unwrap_or(sk).to_owned())
        });
        models.collect()
    }

    pub(super) async fn read_models(&self) -> Result<Vec<String>, EngineError> {
        let found = self.query(MODELS, None, false, None).await?;
        found.iter().map(|item| Ok(items::read_text(item, "sk", "list of models")?.to_owned())).collect()
    }

    pub(super) async fn write_policy(&self, policy: &Policy, now: Timestamp) -> Result<(), EngineError> {
        let model = policy.model.as_str();
        let lookups: BTreeSet<String> = lookup::of(policy).iter().map(items::lookup_pk).collect();
        if lookups.len() > MAX_LOOKUPS {
            let message = format!(
                "the policy of {model} names {} repositories, pipelines, groups, endpoints and alarms; the maximum is {MAX_LOOKUPS}",
                lookups.len()
            );
            return Err(refused(SERVICE, TRANSACT, message).into());
        }
        let before = self.get(&items::model_pk(model), POLICY).await?;
        let gone: Vec<String> = before.as_ref().map(stored_lookups).unwrap_or_default();
        let gone = gone.into_iter().filter(|pk| !lookups.contains(pk));

        let mut writes = vec![self.put_policy(policy, &lookups, before.as_ref(), now)?];
        writes.push(self.put(items::key(MODELS, model))?);
        for pk in &lookups {
            writes.push(self.put(items::key(pk, &items::model_pk(model)))?);
        }
        for pk in gone {
            let delete = Delete::builder()
                .table_name(&self.table)
                .set_key(Some(items::key(&pk, &items::model_pk(model))))
                .build();
            writes.push(TransactWriteItem::builder().delete(delete.map_err(unbuilt)?).build());
        }
        if writes.len() > MAX_WRITES {
            let message = format!(
                "applying the policy of {model} needs {} writes, and a transaction has at most {MAX_WRITES}: apply it with fewer changes first",
                writes.len()
            );
            return Err(refused(SERVICE, TRANSACT, message).into());
        }
        match self.transact(writes).await {
            Ok(()) => Ok(()),
            Err(Cancelled::Condition { error, .. }) => {
                let message =
                    format!("another policy of {model} was applied at the same time; apply it again");
                Err(CallError { message, ..error }.into())
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Writes the policy, if the ledger still has the version whose lookups were read.
    fn put_policy(
        &self,
        policy: &Policy,
        lookups: &BTreeSet<String>,
        before: Option<&Item>,
        now: Timestamp,
    ) -> Result<TransactWriteItem, EngineError> {
        let what = format!("policy of {}", policy.model);
        let json = serde_json::to_string(policy).map_err(|error| items::damaged(&what, error))?;
        let mut item = items::key(&items::model_pk(policy.model.as_str()), POLICY);
        item.insert("policy".to_owned(), items::text(&json));
        item.insert("version".to_owned(), items::text(&policy.version()));
        item.insert("applied_at".to_owned(), items::text(&now.to_string()));
        let list = lookups.iter().map(|pk| items::text(pk)).collect();
        item.insert("lookups".to_owned(), AttributeValue::L(list));
        items::fits(&item, TRANSACT, &what)?;
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        let put = match before {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(before) => put
                .condition_expression("applied_at = :seen AND version = :version")
                .expression_attribute_values(
                    ":seen",
                    items::text(items::read_text(before, "applied_at", &what)?),
                )
                .expression_attribute_values(
                    ":version",
                    items::text(items::read_text(before, "version", &what)?),
                ),
        };
        Ok(TransactWriteItem::builder().put(put.build().map_err(unbuilt)?).build())
    }

    fn put(&self, item: Item) -> Result<TransactWriteItem, CallError> {
        let put = Put::builder().table_name(&self.table).set_item(Some(item)).build();
        Ok(TransactWriteItem::builder().put(put.map_err(unbuilt)?).build())
    }
}

/// Parses the item of a policy.
pub(super) fn read(model: &str, item: &Item) -> Result<Applied, EngineError> {
    let what = format!("policy of {model}");
    let json = items::read_text(item, "policy", &what)?;
    let policy = parse_applied(model, json).map_err(|error| items::damaged(&what, error))?;
    let version = items::read_text(item, "version", &what)?.to_owned();
    Ok(Applied { policy: Arc::new(policy), version })
}

fn stored_lookups(policy: &Item) -> Vec<String> {
    match policy.get("lookups").map(AttributeValue::as_l) {
        Some(Ok(list)) => list.iter().filter_map(|pk| pk.as_s().ok().cloned()).collect(),
        _ => Vec::new(),
    }
}

fn unbuilt(error: impl ToString) -> CallError {
    refused(SERVICE, TRANSACT, error)
}
