//! The event as it was received.

use std::io::{self, Write};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::KEPT_BYTES;

/// The JSON of an event as it was received. It is cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received(Arc<Value>);

impl Received {
    /// Keeps an event, if its JSON text is not larger than [`KEPT_BYTES`].
    pub(crate) fn keep(value: Value) -> Option<Self> {
        serde_json::to_writer(LimitedWriter(KEPT_BYTES), &value).ok().map(|()| Self(Arc::new(value)))
    }

    /// The JSON of the event.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.0
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
