//! `Gate Reported`: the result of a check by another tool.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Contract, Field, Kind};

/// A tool checked a version of a model: a test suite, a review, a scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateReported {
    /// The name of the model.
    pub model: String,
    /// The version that was checked.
    pub version: u64,
    /// The environment for which the result counts, or `None` for all environments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The name of the check, as `gates.reports` of the policy lists it.
    pub gate: String,
    /// Whether the version passed.
    pub result: GateResult,
    /// The result for people.
    pub detail: String,
    /// The address of the whole report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The time of the check.
    pub at: Timestamp,
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateResult {
    /// The version passed.
    Passed,
    /// The version did not pass.
    Failed,
}

impl GateResult {
    /// The word in the event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }
}

impl Contract for GateReported {
    const DETAIL_TYPE: &'static str = "Gate Reported";
    const FIELDS: &'static [Field] = &[
        Field::required("model", Kind::Name, "The name of the model."),
        Field::required("version", Kind::Version, "The version that was checked."),
        Field::optional(
            "environment",
            Kind::Name,
            "The environment for which the result counts. If it is absent, all environments.",
        ),
        Field::required(
            "gate",
            Kind::Name,
            "The name of the check, as gates.reports of the policy lists it.",
        ),
        Field::required("result", Kind::OneOf(&["passed", "failed"]), "Whether the version passed."),
        Field::required("detail", Kind::LongText, "The result for people."),
        Field::optional("url", Kind::LongText, "The address of the whole report."),
        Field::required("at", Kind::Time, "The time of the check."),
    ];
}
