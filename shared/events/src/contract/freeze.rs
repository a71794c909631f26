//! `Freeze Placed` and `Freeze Lifted`: people stop deployments for a time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Contract, Field, Kind};

/// A person stopped deployments until a time: of one model or of every model, in one environment or in all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreezePlaced {
    /// The name of the model, or `None` for every model of the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The environment, or `None` for all environments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The time at which the freeze ends.
    pub until: Timestamp,
    /// The reason that the person gave.
    pub reason: String,
    /// The person who placed the freeze.
    pub by: String,
    /// The time at which the freeze was placed.
    pub at: Timestamp,
}

impl Contract for FreezePlaced {
    const DETAIL_TYPE: &'static str = "Freeze Placed";
    const FIELDS: &'static [Field] = &[
        Field::optional(
            "model",
            Kind::Name,
            "The name of the model. If it is absent, every model of the hub.",
        ),
        Field::optional("environment", Kind::Name, "The environment. If it is absent, all environments."),
        Field::required("until", Kind::End, "The time at which the freeze ends."),
        Field::required("reason", Kind::LongText, "The reason that the person gave."),
        Field::required("by", Kind::Text, "The person who placed the freeze."),
        Field::required("at", Kind::Time, "The time at which the person did this."),
    ];
}

/// A person ended a freeze before its end. A freeze of every model is ended only by an event without a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreezeLifted {
    /// The name of the model, or `None` for the freezes of every model of the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The environment, or `None` for all environments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The person who ended the freeze.
    pub by: String,
    /// The time at which the freeze was ended.
    pub at: Timestamp,
}

impl Contract for FreezeLifted {
    const DETAIL_TYPE: &'static str = "Freeze Lifted";
    const FIELDS: &'static [Field] = &[
        Field::optional(
            "model",
            Kind::Name,
            "The name of the model. If it is absent, the freezes of every model of the hub.",
        ),
        Field::optional("environment", Kind::Name, "The environment. If it is absent, all environments."),
        Field::required("by", Kind::Text, "The person who ended the freeze."),
        Field::required("at", Kind::Time, "The time at which the person did this."),
    ];
}
