//! The stored texts that may contain the name of a person: records and states. They can be read and replaced.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use tidegate_engine::EngineError;

use super::items::{self, DECISION, Item};
use super::{DynamoLedger, SERVICE};
use crate::error::failed;

/// The JSON of a record or a state, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredText {
    /// The partition key: `MODEL#`model.
    pub pk: String,
    /// The sort key: `STATE#`function, or that of a decision.
    pub sk: String,
    /// The JSON.
    pub json: String,
    /// The revision of a state. A record has none.
    revision: Option<u64>,
}

/// A page of stored texts.
#[derive(Debug, Clone, PartialEq)]
pub struct TextPage {
    /// The texts.
    pub texts: Vec<StoredText>,
    /// Where the next page begins, if there is one.
    pub next: Option<Item>,
}

impl DynamoLedger {
    /// Reads the records and states from a position on. The whole table is scanned, also records about models whose policy
    /// is gone.
    ///
    /// # Errors
    /// If the table cannot be read, or an item is damaged.
    pub async fn texts(&self, from: Option<Item>) -> Result<TextPage, EngineError> {
        let answer = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .filter_expression("begins_with(sk, :state) OR begins_with(sk, :decision)")
            .expression_attribute_values(":state", items::text("STATE#"))
            .expression_attribute_values(":decision", items::text(DECISION))
            .set_exclusive_start_key(from)
            .send()
            .await
            .map_err(failed(SERVICE, "Scan"))?;
        let texts = answer.items.unwrap_or_default().iter().map(text_of).collect::<Result<_, _>>()?;
        Ok(TextPage { texts, next: answer.last_evaluated_key.filter(|key| !key.is_empty()) })
    }

    /// Replaces a text, if it is still the one that was read. A state gets the next revision, so that an invocation that has
    /// read it decides again. Returns whether it was replaced.
    ///
    /// # Errors
    /// If the table cannot be written.
    pub async fn replace_text(&self, old: &StoredText, json: &str) -> Result<bool, EngineError> {
        let call = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(items::key(&old.pk, &old.sk)))
            .expression_attribute_names("#text", attribute(&old.sk))
            .expression_attribute_values(":new", items::text(json))
            .expression_attribute_values(":old", items::text(&old.json));
        let call = match old.revision {
            Some(revision) => call
                .update_expression("SET #text = :new, revision = :next")
                .condition_expression("#text = :old AND revision = :seen")
                .expression_attribute_values(":seen", items::number(revision))
                .expression_attribute_values(":next", items::number(revision.saturating_add(1))),
            None => call.update_expression("SET #text = :new").condition_expression("#text = :old"),
        };
        match call.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(failed(SERVICE, "UpdateItem")(error).into()),
        }
    }
}

/// The attribute with the JSON.
fn attribute(sk: &str) -> &'static str {
    if sk.starts_with(DECISION) { "record" } else { "value" }
}

fn text_of(item: &Item) -> Result<StoredText, EngineError> {
    let sk = items::read_text(item, "sk", "item")?.to_owned();
    let revision = item.contains_key("revision").then(|| items::read_number(item, "revision", &sk));
    Ok(StoredText {
        pk: items::read_text(item, "pk", &sk)?.to_owned(),
        json: items::read_text(item, attribute(&sk), &sk)?.to_owned(),
        revision: revision.transpose()?,
        sk,
    })
}
