//! The conditions for entering an environment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::{LocalDate, TimeZoneName};

/// A time in which no deployment begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FreezePeriod {
    /// When it begins: at this time, or at the beginning of this day.
    pub from: LocalDate,
    /// When it ends: at this time, or at the end of this day.
    pub to: LocalDate,
    /// The time zone of both.
    pub time_zone: TimeZoneName,
    /// Why, for people.
    #[schemars(length(min = 1, max = 2_000))]
    pub reason: String,
}
