//! `Retraining Requested` and `Retraining Finished`: the request of an environment and the answer of the hub.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Contract, Field, Kind};

/// A request to train a model again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrainingRequested {
    /// The id of the request. It is equal for all events that repeat this request.
    pub request_id: String,
    /// The name of the model.
    pub model: String,
    /// The environment whose observations led to the request.
    pub environment: String,
    /// The account of the environment.
    pub environment_account: String,
    /// The code of the cause, such as `drift_confirmed`.
    pub cause: String,
    /// The message of the cause.
    pub detail: String,
    /// The time of the request.
    pub requested_at: Timestamp,
}

impl Contract for RetrainingRequested {
    const DETAIL_TYPE: &'static str = "Retraining Requested";
    const FIELDS: &'static [Field] = &[
        Field::required(
            "request_id",
            Kind::Text,
            "The id of the request. It is equal for all events that repeat this request.",
        ),
        Field::required("model", Kind::Name, "The name of the model."),
        Field::required("environment", Kind::Name, "The environment whose observations led to the request."),
        Field::required("environment_account", Kind::Account, "The account of the environment."),
        Field::required("cause", Kind::Reason, "The code of the reason."),
        Field::required("detail", Kind::LongText, "The message of the reason."),
        Field::required("requested_at", Kind::Time, "The time of the request."),
    ];
}

/// The hub reports the end of a retraining to the environment that requested it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrainingFinished {
    /// The id of the request.
    pub request_id: String,
    /// The name of the model.
    pub model: String,
    /// The environment that requested the retraining.
    pub environment: String,
    /// The account of the environment. The rules that forward the event match on it.
    pub environment_account: String,
    /// The time of the request.
    pub requested_at: Timestamp,
    /// The outcome of the retraining.
    pub outcome: RetrainingOutcome,
    /// The code of the reason, such as `execution_failed`.
    pub reason: String,
    /// The message of the reason.
    pub detail: String,
    /// The ARN of the pipeline execution, if one was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_arn: Option<String>,
    /// The time at which the retraining ended.
    pub finished_at: Timestamp,
}

impl Contract for RetrainingFinished {
    const DETAIL_TYPE: &'static str = "Retraining Finished";
    const FIELDS: &'static [Field] = &[
        Field::required("request_id", Kind::Text, "The id of the request."),
        Field::required("model", Kind::Name, "The name of the model."),
        Field::required("environment", Kind::Name, "The environment that requested the retraining."),
        Field::required("environment_account", Kind::Account, "The account of the environment."),
        Field::required("requested_at", Kind::Time, "The time of the request."),
        Field::required("outcome", Kind::OneOf(RetrainingOutcome::WORDS), "The outcome of the retraining."),
        Field::required("reason", Kind::Reason, "The code of the reason."),
        Field::required("detail", Kind::LongText, "The message of the reason."),
        Field::optional("execution_arn", Kind::Arn, "The ARN of the pipeline execution, if one was started."),
        Field::required("finished_at", Kind::Time, "The time at which the retraining ended."),
    ];
}

/// The outcome of a retraining.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetrainingOutcome {
    /// The execution succeeded, and registered a version if its definition has a step for that.
    Succeeded,
    /// The execution succeeded and registered no version, although its definition has a step for that.
    NoVersion,
    /// The execution trained a model and did not succeed.
    FailedAfterTraining,
    /// The execution did not train a model.
    Failed,
    /// The hub did not start an execution.
    NotStarted,
}

impl RetrainingOutcome {
    const WORDS: &'static [&'static str] =
        &["succeeded", "no_version", "failed_after_training", "failed", "not_started"];

    /// The value in the event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::NoVersion => "no_version",
            Self::FailedAfterTraining => "failed_after_training",
            Self::Failed => "failed",
            Self::NotStarted => "not_started",
        }
    }
}

impl std::fmt::Display for RetrainingOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
