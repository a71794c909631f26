//! Keys and attributes.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use tidegate_engine::{CallError, DecisionRecord, EngineError};
use tidegate_policy::lookup::Lookup;

use super::SERVICE;
use crate::error::refused;

/// A DynamoDB item.
pub(super) type Item = HashMap<String, AttributeValue>;

/// DynamoDB's limit for an item: the total of its names and values, in bytes.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
const MAX_ITEM_BYTES: usize = 400 * 1024;

pub(super) const POLICY: &str = "POLICY";
pub(super) const MODELS: &str = "MODELS";
pub(super) const CLAIM: &str = "CLAIM";
pub(super) const CURSOR: &str = "CURSOR";
pub(super) const DECISION: &str = "DECISION#";

/// The number of days for which decisions are kept: a year, and one month to review it.
pub(super) const DECISION_DAYS: i64 = 400;

pub(super) fn model_pk(model: &str) -> String {
    format!("MODEL#{model}")
}

pub(super) fn state_sk(function: &str) -> String {
    format!("STATE#{function}")
}

pub(super) fn claim_pk(key: &str) -> String {
    format!("CLAIM#{key}")
}

pub(super) fn sweep_pk(function: &str) -> String {
    format!("SWEEP#{function}")
}

pub(super) fn lookup_pk(lookup: &Lookup) -> String {
    format!("LOOKUP#{}#{}", lookup.kind.code(), lookup.name.to_lowercase())
}

pub(super) fn decision_sk(record: &DecisionRecord) -> String {
    format!("{DECISION}{}", record.sort_key())
}

pub(super) fn key(pk: &str, sk: &str) -> Item {
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

pub(super) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(super) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The value of `expires_at`, in seconds since the epoch.
pub(super) fn expiry(now: Timestamp, days: i64) -> AttributeValue {
    let after = SignedDuration::from_hours(days.saturating_mul(24));
    number(now.checked_add(after).unwrap_or(Timestamp::MAX).as_second())
}

/// Reads a text attribute.
pub(super) fn read_text<'i>(item: &'i Item, name: &str, what: &str) -> Result<&'i str, EngineError> {
    match item.get(name).map(AttributeValue::as_s) {
        Some(Ok(value)) => Ok(value),
        _ => Err(damaged(what, format!("it has no text attribute `{name}`"))),
    }
}

/// Reads a number attribute.
pub(super) fn read_number<T: std::str::FromStr>(
    item: &Item,
    name: &str,
    what: &str,
) -> Result<T, EngineError> {
    let parsed = item.get(name).and_then(|value| value.as_n().ok()).and_then(|digits| digits.parse().ok());
    parsed.ok_or_else(|| damaged(what, format!("it has no number attribute `{name}`")))
}

pub(super) fn damaged(what: &str, message: impl ToString) -> EngineError {
    EngineError::Stored { what: what.to_owned(), message: message.to_string() }
}

/// Returns an error with the name of the item, if the item is larger than DynamoDB accepts.
pub(super) fn fits(item: &Item, operation: &'static str, what: &str) -> Result<(), CallError> {
    let size: usize = item.iter().map(|(name, value)| name.len().saturating_add(weight(value))).sum();
    if size <= MAX_ITEM_BYTES {
        return Ok(());
    }
    let message = format!("the {what} has {size} bytes; the maximum for an item is {MAX_ITEM_BYTES}");
    Err(refused(SERVICE, operation, message))
}

fn weight(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
        AttributeValue::L(list) => list.iter().map(|entry| weight(entry).saturating_add(1)).sum(),
        // The ledger writes no other types.
        _ => 0,
    }
}
