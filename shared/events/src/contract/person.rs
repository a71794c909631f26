//! `Approval Given`, `Hold Placed`, `Hold Released`, `Rollback Requested` and `Promotion Forced`: the decisions of people.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Contract, Field, Kind};

/// A person approved a version for an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalGiven {
    /// The name of the model.
    pub model: String,
    /// The environment for which the version is approved.
    pub environment: String,
    /// The version that is approved.
    pub version: u64,
    /// The person who approved.
    pub by: String,
    /// The time of the approval.
    pub at: Timestamp,
    /// The comment of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl Contract for ApprovalGiven {
    const DETAIL_TYPE: &'static str = "Approval Given";
    const FIELDS: &'static [Field] = &[
        Field::required("model", Kind::Name, "The name of the model."),
        Field::required("environment", Kind::Name, "The environment for which the version is approved."),
        Field::required("version", Kind::Version, "The version that is approved."),
        Field::required("by", Kind::Text, "The person who approved."),
        Field::required("at", Kind::Time, "The time at which the person did this."),
        Field::optional("comment", Kind::LongText, "The comment of the person."),
    ];
}

/// A person placed a hold on a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldPlaced {
    /// The name of the model.
    pub model: String,
    /// The environment, or `None` for all environments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The person who placed the hold.
    pub by: String,
    /// The reason that the person gave.
    pub reason: String,
    /// The time at which the hold was placed.
    pub at: Timestamp,
}

impl Contract for HoldPlaced {
    const DETAIL_TYPE: &'static str = "Hold Placed";
    const FIELDS: &'static [Field] = &[
        Field::required("model", Kind::Name, "The name of the model."),
        Field::optional("environment", Kind::Name, "The environment. If it is absent, all environments."),
        Field::required("by", Kind::Text, "The person who placed the hold."),
        Field::required("reason", Kind::LongText, "The reason that the person gave."),
        Field::required("at", Kind::Time, "The time at which the person did this."),
    ];
}

/// A person released a hold on a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldReleased {
    /// The name of the model.
    pub model: String,
    /// The environment, or `None` for all environments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The person who released the hold.
    pub by: String,
    /// The time at which the hold was released.
    pub at: Timestamp,
}

impl Contract for HoldReleased {
    const DETAIL_TYPE: &'static str = "Hold Released";
    const FIELDS: &'static [Field] = &[
        Field::required("model", Kind::Name, "The name of the model."),
        Field::optional("environment", Kind::Name, "The environment. If it is absent, all environments."),
        Field::required("by", Kind::Text, "The person who released the hold."),
        Field::required("at", Kind::Time, "The time at which the person did this."),
    ];
}

/// A person requested that an environment goes back to a version that it served before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequested {
    /// The name of the model.
    pub model: String,
    /// The environment that goes back.
    pub environment: String,
    /// The version to go back to, or `None` for the one that succeeded there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
    /// The person who requested it.
    pub by: String,
    /// The reason that the person gave.
    pub reason: String,
    /// The time of the request.
    pub at: Timestamp,
}

impl Contract for RollbackRequested {
    const DETAIL_TYPE: &'static str = "Rollback Requested";
    const FIELDS: &'static [Field] = &[
        Field::required("model", Kind::Name, "The name of the model."),
        Field::required("environment", Kind::Name, "The environment that goes back."),
        Field::optional(
            "to",
            Kind::Version,
            "The version to go back to. If it is absent, the one that succeeded there before.",
        ),
        Field::required("by", Kind::Text, "The person who requested it."),
        Field::required("reason", Kind::LongText, "The reason that the person gave."),
        Field::required("at", Kind::Time, "The time at which the person did this."),
    ];
}

/// A person forced a version into an environment past its gates, in an emergency. The version must be approved in the
/// registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromotionForced {
    /// The name of the model.
    pub model: String,
    /// The environment.
    pub environment: String,
    /// The version.
    pub version: u64,
    /// The person who forced it.
    pub by: String,
    /// The reason that the person gave.
    pub reason: String,
    /// The time of the command.
    pub at: Timestamp,
}

impl Contract for PromotionForced {
    const DETAIL_TYPE: &'static str = "Promotion Forced";
    const FIELDS: &'static [Field] = &[
        Field::required("model", Kind::Name, "The name of the model."),
        Field::required("environment", Kind::Name, "The environment that the version enters."),
        Field::required("version", Kind::Version, "The version."),
        Field::required("by", Kind::Text, "The person who forced it."),
        Field::required("reason", Kind::LongText, "The reason that the person gave."),
        Field::required("at", Kind::Time, "The time at which the person did this."),
    ];
}

/// A person rejected a version in the registry. This is a command only: the registry reports the rejection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionRejected {
    /// The name of the model.
    pub model: String,
    /// The version.
    pub version: u64,
    /// The person who rejected it.
    pub by: String,
    /// The reason that the person gave.
    pub reason: String,
    /// The time of the command.
    pub at: Timestamp,
}

impl Contract for VersionRejected {
    const DETAIL_TYPE: &'static str = "Version Rejected";
    const FIELDS: &'static [Field] = &[
        Field::required("model", Kind::Name, "The name of the model."),
        Field::required("version", Kind::Version, "The version."),
        Field::required("by", Kind::Text, "The person who rejected it."),
        Field::required("reason", Kind::LongText, "The reason that the person gave."),
        Field::required("at", Kind::Time, "The time at which the person did this."),
    ];
}
