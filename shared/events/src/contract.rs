//! The events that Tidegate defines itself, in both directions.
//!
//! One table per event ([`Contract::FIELDS`]) says what its `detail` may hold. The parser checks against it, and the
//! published JSON Schemas under `events/contract/` are tested against it, so that the three cannot drift apart.

mod check;
mod commit;
mod deployment;
mod person;
mod signal;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

pub(crate) use check::body;
pub use commit::{CommitPushed, RefChange, RefKind};
pub use deployment::{DeploymentFinished, DeploymentOutcome, DeploymentRequested};
pub use person::{ApprovalGiven, HoldPlaced, HoldReleased};
pub use signal::{DriftObserved, DriftVerdict, RetrainingRequested};

/// The version of the contract that this build writes and reads: the value of `detail.schema`.
pub const SCHEMA: u64 = 1;

/// An event of our own.
pub trait Contract: Serialize + DeserializeOwned {
    /// Its `detail-type`; its `source` is [`crate::SOURCE`].
    const DETAIL_TYPE: &'static str;
    /// What its `detail` holds besides `schema`.
    const FIELDS: &'static [Field];
}

/// One field of a `detail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// Whether it must be there; a field that need not be may also be null.
    pub required: bool,
    /// What it means, for the published schema.
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

/// What a field may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text that is not empty.
    Text,
    /// A reason: lower-case words joined by underscores, for machines to branch on.
    Reason,
    /// An AWS account: twelve digits.
    Account,
    /// An ARN.
    Arn,
    /// A version: a whole number from 1.
    Version,
    /// A finite number.
    Number,
    /// A time in ISO 8601 with an offset.
    Time,
    /// A list of texts, none of them empty.
    Texts,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// The `detail` to send for an event of our own: its fields and the version of the contract.
#[must_use]
pub fn to_detail<T: Contract>(event: &T) -> Value {
    // Turning a struct of texts, numbers and times into JSON cannot fail; if it did, a detail with nothing but the
    // schema is refused by every reader, which is the safe end.
    let mut detail = serde_json::to_value(event).unwrap_or_else(|_| json!({}));
    if let Value::Object(map) = &mut detail {
        map.insert("schema".to_owned(), json!(SCHEMA));
    }
    detail
}
