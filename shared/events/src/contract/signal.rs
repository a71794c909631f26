//! `Retraining Requested` and `Drift Observed`: reasons to look at a model again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Contract, Field, Kind};

/// Somebody or something asks for a model to be trained again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrainingRequested {
    /// The same for every telling of this request.
    pub request_id: String,
    /// The model.
    pub model: String,
    /// The environment in which the need was seen.
    pub environment: String,
    /// Its account.
    pub environment_account: String,
    /// Why, for machines: `drift_confirmed`.
    pub cause: String,
    /// Why, as a sentence.
    pub detail: String,
    /// When it was asked.
    pub requested_at: Timestamp,
}

impl Contract for RetrainingRequested {
    const DETAIL_TYPE: &'static str = "Retraining Requested";
    const FIELDS: &'static [Field] = &[
        Field::required("request_id", Kind::Text, "The same for every telling of this request."),
        Field::required("model", Kind::Text, "The model."),
        Field::required("environment", Kind::Text, "The environment in which the need was seen."),
        Field::required("environment_account", Kind::Account, "The account of the environment."),
        Field::required("cause", Kind::Reason, "Why, for machines."),
        Field::required("detail", Kind::Text, "Why, as a sentence."),
        Field::required("requested_at", Kind::Time, "When it was asked."),
    ];
}

/// A source of drift reports: Model Monitor, an alarm, or a job of your own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftObserved {
    /// The model.
    pub model: String,
    /// The environment that was watched.
    pub environment: String,
    /// The endpoint that was watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// What was found.
    pub verdict: DriftVerdict,
    /// What was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<f64>,
    /// The value that it should not cross.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Who reports, such as `drift-job:churn-psi`.
    pub source: String,
    /// When it was observed.
    pub observed_at: Timestamp,
}

impl Contract for DriftObserved {
    const DETAIL_TYPE: &'static str = "Drift Observed";
    const FIELDS: &'static [Field] = &[
        Field::required("model", Kind::Text, "The model."),
        Field::required("environment", Kind::Text, "The environment that was watched."),
        Field::optional("endpoint", Kind::Text, "The endpoint that was watched."),
        Field::required("verdict", Kind::OneOf(DriftVerdict::WORDS), "What was found."),
        Field::optional("metric", Kind::Text, "What was measured."),
        Field::optional("observed", Kind::Number, "The value that was measured."),
        Field::optional("threshold", Kind::Number, "The value that it should not cross."),
        Field::required("source", Kind::Text, "Who reports."),
        Field::required("observed_at", Kind::Time, "When it was observed."),
    ];
}

/// What a source of drift found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftVerdict {
    /// The data or the predictions moved away from the baseline.
    Drift,
    /// They did not.
    NoDrift,
    /// There was too little data to say.
    Insufficient,
    /// The source itself broke: nothing is known.
    SourceFailed,
}

impl DriftVerdict {
    const WORDS: &'static [&'static str] = &["drift", "no_drift", "insufficient", "source_failed"];

    /// The word for it in our contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::NoDrift => "no_drift",
            Self::Insufficient => "insufficient",
            Self::SourceFailed => "source_failed",
        }
    }
}

impl std::fmt::Display for DriftVerdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
