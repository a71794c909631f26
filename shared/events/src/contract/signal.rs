//! `Drift Observed`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Contract, Field, Kind};

/// An observation of a drift source: Model Monitor, an alarm, or a custom job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftObserved {
    /// The name of the model.
    pub model: String,
    /// The environment that was observed.
    pub environment: String,
    /// The endpoint that was observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The finding of the source.
    pub verdict: DriftVerdict,
    /// The name of the metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// The value of the metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<f64>,
    /// The threshold of the metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// The drift source, such as `drift-job:churn-psi`.
    pub source: String,
    /// The time of the observation.
    pub observed_at: Timestamp,
}

impl Contract for DriftObserved {
    const DETAIL_TYPE: &'static str = "Drift Observed";
    const FIELDS: &'static [Field] = &[
        Field::required("model", Kind::Name, "The name of the model."),
        Field::required("environment", Kind::Name, "The environment that was observed."),
        Field::optional("endpoint", Kind::Text, "The endpoint that was observed."),
        Field::required("verdict", Kind::OneOf(DriftVerdict::WORDS), "The finding of the source."),
        Field::optional("metric", Kind::Text, "The name of the metric."),
        Field::optional("observed", Kind::Number, "The value of the metric."),
        Field::optional("threshold", Kind::Number, "The threshold of the metric."),
        Field::required("source", Kind::Text, "The drift source."),
        Field::required("observed_at", Kind::Time, "The time of the observation."),
    ];
}

/// The finding of a drift source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftVerdict {
    /// The data or the predictions have drifted from the baseline.
    Drift,
    /// The data and the predictions have not drifted.
    NoDrift,
    /// There was too little data to detect drift.
    Insufficient,
    /// The source failed, so there is no finding.
    SourceFailed,
}

impl DriftVerdict {
    const WORDS: &'static [&'static str] = &["drift", "no_drift", "insufficient", "source_failed"];

    /// The value in the event.
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
