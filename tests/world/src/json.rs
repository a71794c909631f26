//! Readers and writers for `serde_json::Value` that do not panic.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::error::ApiError;

/// The string at `key`, if there is one.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// The string at `key`, or the refusal AWS gives for a missing required member.
pub(crate) fn need<'a>(value: &'a Value, key: &str) -> Result<&'a str, ApiError> {
    text(value, key).ok_or_else(|| missing(key))
}

/// The refusal for a missing required member.
pub(crate) fn missing(key: &str) -> ApiError {
    ApiError::validation(format!(
        "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
        lower_first(key)
    ))
}

/// `EndpointName` as Java calls it: `endpointName`.
pub(crate) fn lower_first(key: &str) -> String {
    let mut letters = key.chars();
    letters.next().map(|c| c.to_lowercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

/// The whole number at `key`, if there is one.
pub(crate) fn int(value: &Value, key: &str) -> Option<i64> {
    value.get(key).and_then(Value::as_i64)
}

/// The number at `key`, if there is one.
pub(crate) fn float(value: &Value, key: &str) -> Option<f64> {
    value.get(key).and_then(Value::as_f64)
}

/// The elements at `key`; nothing if it is absent or no array.
pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Copies those of `keys` that `from` has (and that are not null) into `into`.
pub(crate) fn copy(from: &Value, keys: &[&str], into: &mut Value) {
    for key in keys {
        if let Some(found) = from.get(key).filter(|v| !v.is_null()) {
            put(into, key, found.clone());
        }
    }
}

/// Sets one member of an object; does nothing to a value that is no object.
pub(crate) fn put(into: &mut Value, key: &str, value: Value) {
    if let Some(object) = into.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

/// Sets one member if there is something to set.
pub(crate) fn put_some<T: Into<Value>>(into: &mut Value, key: &str, value: Option<T>) {
    if let Some(value) = value {
        put(into, key, value.into());
    }
}

/// Epoch seconds with a millisecond fraction: how awsJson writes a timestamp.
pub(crate) fn epoch(at: Timestamp) -> Value {
    // Whole milliseconds fit an f64 exactly for the next 280 000 years.
    json!(at.as_millisecond() as f64 / 1000.0)
}

/// Epoch milliseconds: how SageMaker's events write most timestamps.
pub(crate) fn millis(at: Timestamp) -> Value {
    json!(at.as_millisecond())
}

/// ISO-8601 in whole seconds: how pipeline events and envelopes write a timestamp.
pub(crate) fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `at` plus `by`, held at the end of time.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Key/value tag list as a map.
pub(crate) fn tag_map(request: &Value) -> Vec<(String, String)> {
    list(request, "Tags")
        .iter()
        .filter_map(|tag| Some((text(tag, "Key")?.to_owned(), text(tag, "Value")?.to_owned())))
        .collect()
}

/// One page of `items`, in the order given, with the token of the next page when there is one.
///
/// # Errors
/// `ValidationException` when the token was not made by this function.
pub(crate) fn page(
    items: Vec<Value>,
    request: &Value,
    default_size: usize,
) -> Result<(Vec<Value>, Option<String>), ApiError> {
    let max = int(request, "MaxResults").and_then(|n| usize::try_from(n).ok()).unwrap_or(default_size);
    let from = match text(request, "NextToken") {
        None => 0,
        Some(token) => token
            .strip_prefix("page-")
            .and_then(|n| n.parse::<usize>().ok())
            .ok_or_else(|| ApiError::validation("Invalid pagination token"))?,
    };
    let more = items.len() > from.saturating_add(max);
    let token = more.then(|| format!("page-{}", from.saturating_add(max)));
    Ok((items.into_iter().skip(from).take(max).collect(), token))
}

/// A list answer: `{key: [...], NextToken?}`.
///
/// # Errors
/// As [`page`].
pub(crate) fn listing(key: &str, items: Vec<Value>, request: &Value) -> Result<Value, ApiError> {
    let (items, token) = page(items, request, 10)?;
    let mut answer = Value::Object(Map::new());
    put(&mut answer, key, Value::Array(items));
    put_some(&mut answer, "NextToken", token);
    Ok(answer)
}

/// Whether a timestamp member of a request (epoch seconds or ISO text) lies before `at`.
pub(crate) fn stamp(request: &Value, key: &str) -> Option<Timestamp> {
    match request.get(key)? {
        Value::Number(n) => n.as_f64().and_then(|s| Timestamp::from_millisecond((s * 1000.0) as i64).ok()),
        Value::String(s) => s.parse().ok(),
        _ => None,
    }
}
