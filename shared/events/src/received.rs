//! The event as it was received, without caller identities and source addresses.

use std::io::{self, Write};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::KEPT_BYTES;

/// The members of AWS's and GitHub's events that say who caused the event and from which address. No function reads them
/// to decide, and their names stand for nothing else in these events.
///
/// * S3: `requester`, `source-ip-address` (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>)
/// * CodeCommit: `callerUserArn`
/// * SageMaker: `CreatedBy`, `LastModifiedBy`, the `UserContext` of a person
/// * CloudTrail: `userIdentity`, `sourceIPAddress`, `userAgent`
///   (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>)
/// * GitHub: `pusher`, `sender`, and the authors of `commits` and `head_commit`
///   (<https://docs.github.com/en/webhooks/webhook-events-and-payloads#push>)
const PERSONAL: &[&str] = &[
    "CreatedBy",
    "LastModifiedBy",
    "callerUserArn",
    "commits",
    "head_commit",
    "pusher",
    "requester",
    "sender",
    "source-ip-address",
    "sourceIPAddress",
    "userAgent",
    "userIdentity",
];

/// The JSON of an event as it was received, without the members that say who caused it. It is cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received(Arc<Value>);

impl Received {
    /// Keeps an event, if its JSON text is not larger than [`KEPT_BYTES`].
    pub(crate) fn keep(mut value: Value) -> Option<Self> {
        if let Some(command) = crate::command::kept(&value) {
            value = command;
        }
        // The events of Tidegate name people on purpose: who approved, and who placed a hold.
        if value.get("source").is_none_or(|source| source != crate::SOURCE) {
            drop_personal(&mut value);
        }
        serde_json::to_writer(LimitedWriter(KEPT_BYTES), &value).ok().map(|()| Self(Arc::new(value)))
    }

    /// The JSON of the event.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.0
    }
}

fn drop_personal(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !PERSONAL.contains(&name.as_str()));
            members.values_mut().for_each(drop_personal);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_personal),
        _ => {}
    }
}

impl Serialize for Received {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Received {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self(Arc::new(value)))
    }
}

/// A writer that counts bytes up to a limit and discards them.
struct LimitedWriter(usize);

impl Write for LimitedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_is_too_large_is_not_kept() {
        let of = |bytes: usize| Value::String("x".repeat(bytes - 2));
        assert!(Received::keep(of(KEPT_BYTES)).is_some());
        assert!(Received::keep(of(KEPT_BYTES + 1)).is_none());
    }
}
