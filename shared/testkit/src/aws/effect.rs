//! What the functions start, for whoever moves the time.

use jiff::Timestamp;
use serde_json::Value;

/// Something that a function started.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// An event of our own on the account's bus.
    Published {
        /// Its detail-type.
        detail_type: String,
        /// Its detail.
        detail: Value,
    },
    /// A one-time schedule.
    Wake {
        /// Its name.
        name: String,
        /// When it fires.
        at: Timestamp,
        /// What it hands to the function.
        input: Value,
    },
    /// An endpoint that was changed will be in service.
    Settles {
        /// The endpoint.
        endpoint: String,
        /// When.
        at: Timestamp,
    },
    /// People were notified.
    Notified,
}
