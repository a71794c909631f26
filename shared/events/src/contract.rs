//! The events that Tidegate defines, for sending and receiving.
//!
//! The table [`Contract::FIELDS`] of each event lists the fields of its `detail`. The parser checks a detail against
//! the table, and tests compare the table with the published JSON Schemas under `events/contract/` and with the Rust
//! type.

mod check;
mod commit;
mod deployment;
mod freeze;
mod gate;
mod health;
mod person;
mod retraining;
mod signal;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::form::LONG_TEXT_LIMIT;
use crate::text::{clean, shorten};

pub(crate) use check::{body, read as read_contract};
pub use commit::{CommitPushed, RefChange, RefKind};
pub use deployment::{DeploymentFinished, DeploymentOutcome, DeploymentRequested, DeploymentWaiting};
pub use freeze::{FreezeLifted, FreezePlaced};
pub use gate::{GateReported, GateResult};
pub use health::{EndpointHealth, EndpointHealthChanged};
pub use person::{
    ApprovalGiven, HoldPlaced, HoldReleased, PromotionForced, RollbackRequested, VersionRejected,
};
pub use retraining::{RetrainingFinished, RetrainingOutcome, RetrainingRequested};
pub use signal::{DriftObserved, DriftVerdict};

/// The version of the contract that this build writes and reads. It is the value of `detail.schema`.
pub const SCHEMA: u64 = 1;

/// An event that Tidegate defines.
pub trait Contract: Serialize + DeserializeOwned {
    /// The `detail-type` of the event. Its `source` is [`crate::SOURCE`].
    const DETAIL_TYPE: &'static str;
    /// The fields of the `detail`, without `schema`.
    const FIELDS: &'static [Field];
}

/// One field of a `detail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The name of the field.
    pub name: &'static str,
    /// The kind of value.
    pub kind: Kind,
    /// Whether the field is required. An optional field may also be null.
    pub required: bool,
    /// The description in the published schema.
    pub doc: &'static str,
}

impl Field {
    const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { name, kind, required: true, doc }
    }

    const fn optional(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { name, kind, required: false, doc }
    }
}

/// The kind of value that a field accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text of 1 to [`TEXT_LIMIT`](crate::TEXT_LIMIT) characters on one line, without hidden characters.
    Text,
    /// The same with up to [`LONG_TEXT_LIMIT`](crate::LONG_TEXT_LIMIT) characters: a reason, a comment, a message.
    LongText,
    /// The name of a model or of an environment: letters, digits and hyphens inside, at most 32 characters.
    Name,
    /// A reason code: lower-case words joined by underscores.
    Reason,
    /// The id of an AWS account: twelve digits.
    Account,
    /// An AWS region.
    Region,
    /// An ARN.
    Arn,
    /// The id of a commit: 40 or 64 hexadecimal digits in lower case.
    Commit,
    /// The host and the name of a repository.
    Repository,
    /// The name of a branch or a tag, short or whole.
    Ref,
    /// A version: a whole number from 1 to [`VERSION_LIMIT`](crate::VERSION_LIMIT).
    Version,
    /// A finite number.
    Number,
    /// A time in ISO 8601 with an offset, at which something happened. It is at most [`crate::MAX_AHEAD`] after the time
    /// at which the event was sent.
    Time,
    /// A time in ISO 8601 with an offset, at which something ends. It may lie in the future.
    End,
    /// A list of at most [`LIST_LIMIT`](crate::LIST_LIMIT) texts of 1 to [`PATH_LIMIT`](crate::PATH_LIMIT) characters.
    Texts,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// The `detail` of an event: its fields and the version of the contract.
///
/// A message is shortened to [`LONG_TEXT_LIMIT`](crate::LONG_TEXT_LIMIT) characters on one line, because it may contain
/// what a container or AWS said, and readers refuse longer ones.
#[must_use]
pub fn to_detail<T: Contract>(event: &T) -> Value {
    // The serialization of these types cannot fail. If it did, every reader would reject the detail, because it would
    // contain only the schema.
    let mut detail = serde_json::to_value(event).unwrap_or_else(|_| json!({}));
    if let Value::Object(map) = &mut detail {
        for field in T::FIELDS.iter().filter(|field| field.kind == Kind::LongText) {
            if let Some(Value::String(text)) = map.get_mut(field.name) {
                *text = shorten(&clean(text), LONG_TEXT_LIMIT).into_owned();
            }
        }
        map.insert("schema".to_owned(), json!(SCHEMA));
    }
    detail
}
