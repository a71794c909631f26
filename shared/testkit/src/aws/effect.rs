//! The effects of the functions' calls, for the code that advances the time.

use jiff::Timestamp;
use serde_json::Value;

/// An effect of a function's call.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A Tidegate event on the account's bus.
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
        /// The input for the function.
        input: Value,
    },
    /// An endpoint that was changed will be in service at a given time.
    Settles {
        /// The endpoint.
        endpoint: String,
        /// When.
        at: Timestamp,
    },
    /// People were notified.
    Notified,
}
