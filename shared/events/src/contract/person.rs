//! `Approval Given`, `Hold Placed`, `Hold Released`: what people decide.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Contract, Field, Kind};

/// A person approved a version for an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalGiven {
    /// The model.
    pub model: String,
    /// The environment that the version may go to.
    pub environment: String,
    /// The version.
    pub version: u64,
    /// Who approved.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl Contract for ApprovalGiven {
    const DETAIL_TYPE: &'static str = "Approval Given";
    const FIELDS: &'static [Field] = &[
        Field::required("model", Kind::Text, "The model."),
        Field::required("environment", Kind::Text, "The environment that the version may go to."),
        Field::required("version", Kind::Version, "The version."),
        Field::required("by", Kind::Text, "Who approved."),
        Field::required("at", Kind::Time, "When."),
        Field::optional("comment", Kind::Text, "What they said."),
    ];
}

/// A person stopped automation for a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldPlaced {
    /// The model.
    pub model: String,
    /// The environment; all of them when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Who.
    pub by: String,
    /// Why, in their words.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl Contract for HoldPlaced {
    const DETAIL_TYPE: &'static str = "Hold Placed";
    const FIELDS: &'static [Field] = &[
        Field::required("model", Kind::Text, "The model."),
        Field::optional("environment", Kind::Text, "The environment; all of them when absent."),
        Field::required("by", Kind::Text, "Who stopped automation."),
        Field::required("reason", Kind::Text, "Why, in their words."),
        Field::required("at", Kind::Time, "When."),
    ];
}

/// A person let automation go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldReleased {
    /// The model.
    pub model: String,
    /// The environment; all of them when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl Contract for HoldReleased {
    const DETAIL_TYPE: &'static str = "Hold Released";
    const FIELDS: &'static [Field] = &[
        Field::required("model", Kind::Text, "The model."),
        Field::optional("environment", Kind::Text, "The environment; all of them when absent."),
        Field::required("by", Kind::Text, "Who let automation go on."),
        Field::required("at", Kind::Time, "When."),
    ];
}
