//! The ports of [`Account`](crate::Account).

mod common;
mod endpoints;
mod hub;
mod spoke;

pub(crate) use hub::{JOB_ROLE, ROLE};

use jiff::Timestamp;
use serde_json::Value;

/// A text member.
pub(crate) fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}

/// A time member: seconds since 1970 with a fraction, of which AWS means milliseconds.
pub(crate) fn time(value: &Value, pointer: &str) -> Option<Timestamp> {
    let seconds = value.pointer(pointer).and_then(Value::as_f64)?;
    // Far below 2^53 milliseconds, so nothing is lost.
    Timestamp::from_millisecond((seconds * 1_000.0).round() as i64).ok()
}
