//! The errors of the parser. Each message names the field and the fix.

use jiff::Timestamp;
use thiserror::Error;

use crate::text;

/// Why a payload could not be parsed as an event.
///
/// Every message contains the path of the field in the payload and says what to change.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EventError {
    /// The bytes are not JSON.
    #[error(
        "the payload is not JSON (line {line}, column {column}: {message}); send one EventBridge event as JSON"
    )]
    NotJson {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
        /// The error of the JSON parser.
        message: String,
    },
    /// The payload is JSON, but not an object.
    #[error(
        "the payload is {found}, not a JSON object; send one EventBridge event, not a list or a part of one"
    )]
    NotAnObject {
        /// The JSON type that was found.
        found: &'static str,
    },
    /// A required field is absent or null.
    #[error("field `{field}` is missing; add it, or send the event unchanged as EventBridge delivered it")]
    MissingField {
        /// The path of the field, such as `detail.ModelPackageArn`.
        field: String,
    },
    /// A field has the wrong JSON type.
    #[error("field `{field}` is {found}, expected {expected}; correct its type")]
    WrongType {
        /// The path of the field.
        field: String,
        /// The expected type.
        expected: &'static str,
        /// The type that was found.
        found: &'static str,
    },
    /// A field has the right type and an invalid value.
    #[error("field `{field}` is `{value}`, expected {expected}; correct its value")]
    BadValue {
        /// The path of the field.
        field: String,
        /// The value that was found, shortened.
        value: String,
        /// The expected value.
        expected: String,
    },
    /// An event of Tidegate has a field that the contract does not contain.
    #[error("field `{field}` is not part of the contract; remove it, or correct it to one of: {known}")]
    UnknownField {
        /// The path of the field.
        field: String,
        /// The fields of the contract.
        known: String,
    },
    /// A time is in none of the formats that AWS uses.
    #[error(
        "field `{field}` is `{value}`, which is not a time; write ISO 8601 with an offset (2026-03-02T09:10:02Z) or epoch milliseconds"
    )]
    BadTime {
        /// The path of the field.
        field: String,
        /// The value that was found, shortened.
        value: String,
    },
    /// An event of Tidegate says that something happened after the event was sent.
    #[error(
        "field `{field}` is {value}, which is more than 5 minutes after the event was sent, {sent}; correct the time, or the clock of the sender"
    )]
    InFuture {
        /// The path of the field.
        field: String,
        /// The value that was found.
        value: Timestamp,
        /// The time at which the event was sent or received.
        sent: Timestamp,
    },
    /// An event of Tidegate has a schema version that this build cannot parse.
    #[error(
        "`{detail_type}` has schema {found}, this build reads schema 1; set \"schema\": 1 or update Tidegate here"
    )]
    UnknownSchema {
        /// The detail-type of the event.
        detail_type: String,
        /// The schema version that was found.
        found: String,
    },
    /// The payload is larger than an event can be.
    #[error(
        "the payload has {bytes} bytes, events have at most {limit}; send one event, not a batch or a log"
    )]
    TooLarge {
        /// The size of the payload.
        bytes: usize,
        /// The largest size that is accepted.
        limit: usize,
    },
}

impl EventError {
    pub(crate) fn not_json(error: &serde_json::Error) -> Self {
        // serde_json appends " at line L column C" to its message. This error has its own fields for the position.
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
        Self::NotJson { line: error.line(), column: error.column(), message }
    }

    pub(crate) fn missing(field: String) -> Self {
        Self::MissingField { field }
    }

    pub(crate) fn bad_value(field: String, value: &str, expected: impl Into<String>) -> Self {
        Self::BadValue { field, value: shown(value), expected: expected.into() }
    }

    pub(crate) fn bad_time(field: String, value: &str) -> Self {
        Self::BadTime { field, value: shown(value) }
    }
}

/// A value as messages contain it: on one line, without hidden characters, and not so long that it fills logs and
/// alerts.
fn shown(text: &str) -> String {
    text::clean(&text::shorten(text, 80)).into_owned()
}
