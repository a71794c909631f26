//! `Deployment Requested`, `Deployment Waiting` and `Deployment Finished`: the request of the hub and the answers of the
//! environment.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Contract, Field, Kind};

/// The hub requests that an environment deploys a version of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentRequested {
    /// The id of the request. It is equal for all events that repeat this request.
    pub request_id: String,
    /// The name of the model.
    pub model: String,
    /// The name of the environment.
    pub environment: String,
    /// The account of the environment. The rules that forward the event match on it.
    pub environment_account: String,
    /// The region of the environment.
    pub region: String,
    /// The version of the model package.
    pub version: u64,
    /// The ARN of the model package.
    pub package_arn: String,
    /// The version of the policy that the decision of the hub used.
    pub policy_version: String,
    /// The time at which the hub decided.
    pub requested_at: Timestamp,
    /// The time of the approval. A request for a later approval is newer, regardless of when it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Timestamp>,
    /// The fingerprint of the package's images and model data when it was approved. The environment deploys no others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<String>,
    /// The time of the command, if a person requested the deployment past the gates. It passes the holds of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commanded_at: Option<Timestamp>,
}

impl Contract for DeploymentRequested {
    const DETAIL_TYPE: &'static str = "Deployment Requested";
    const FIELDS: &'static [Field] = &[
        Field::required(
            "request_id",
            Kind::Text,
            "The id of the request. It is equal for all events that repeat this request.",
        ),
        Field::required("model", Kind::Name, "The name of the model."),
        Field::required("environment", Kind::Name, "The environment that must deploy the version."),
        Field::required("environment_account", Kind::Account, "The account of the environment."),
        Field::required("region", Kind::Region, "The region of the environment."),
        Field::required("version", Kind::Version, "The version of the model package."),
        Field::required("package_arn", Kind::Arn, "The ARN of the model package."),
        Field::required(
            "policy_version",
            Kind::Text,
            "The version of the policy that the decision of the hub used.",
        ),
        Field::required("requested_at", Kind::Time, "The time at which the hub decided."),
        Field::optional("approved_at", Kind::Time, "The time of the approval, by the registry's clock."),
        Field::optional(
            "artifacts",
            Kind::Text,
            "The fingerprint of the package's images and model data when it was approved.",
        ),
        Field::optional(
            "commanded_at",
            Kind::Time,
            "The time of the command, if a person requested the deployment past the gates. It passes the holds of before.",
        ),
    ];
}

/// The answer to a repeated request whose deployment has not ended: what the environment waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentWaiting {
    /// The id of the request.
    pub request_id: String,
    /// The name of the model.
    pub model: String,
    /// The name of the environment.
    pub environment: String,
    /// The account of the environment.
    pub environment_account: String,
    /// The version that was requested.
    pub version: u64,
    /// The ARN of the requested model package.
    pub package_arn: String,
    /// The code of the reason, such as `endpoint_busy` or `held`.
    pub reason: String,
    /// The message of the reason.
    pub detail: String,
    /// The time at which the environment accepted the request.
    pub accepted_at: Timestamp,
    /// The time of this answer.
    pub answered_at: Timestamp,
}

impl Contract for DeploymentWaiting {
    const DETAIL_TYPE: &'static str = "Deployment Waiting";
    const FIELDS: &'static [Field] = &[
        Field::required("request_id", Kind::Text, "The id of the request."),
        Field::required("model", Kind::Name, "The name of the model."),
        Field::required("environment", Kind::Name, "The name of the environment."),
        Field::required("environment_account", Kind::Account, "The account of the environment."),
        Field::required("version", Kind::Version, "The version that was requested."),
        Field::required("package_arn", Kind::Arn, "The ARN of the requested model package."),
        Field::required("reason", Kind::Reason, "The code of the reason for which the environment waits."),
        Field::required("detail", Kind::LongText, "The message of the reason."),
        Field::required("accepted_at", Kind::Time, "The time at which the environment accepted the request."),
        Field::required("answered_at", Kind::Time, "The time of this answer."),
    ];
}

/// The outcome of a deployment, as the environment verified it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentFinished {
    /// The id of the request.
    pub request_id: String,
    /// The name of the model.
    pub model: String,
    /// The name of the environment.
    pub environment: String,
    /// The account of the environment.
    pub environment_account: String,
    /// The version that was requested.
    pub version: u64,
    /// The ARN of the requested model package.
    pub package_arn: String,
    /// The outcome of the deployment.
    pub outcome: DeploymentOutcome,
    /// What decided a failure: the alarm that rolled the deployment back, or the part of the verification that failed,
    /// such as `sample 2` or `image`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_by: Option<String>,
    /// The code of the reason, such as `answered` or `sample_failed`.
    pub reason: String,
    /// The message of the reason.
    pub detail: String,
    /// The endpoint configuration that was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_config: Option<String>,
    /// The endpoint configuration that is running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_config: Option<String>,
    /// The time at which the environment determined the outcome.
    pub finished_at: Timestamp,
}

impl Contract for DeploymentFinished {
    const DETAIL_TYPE: &'static str = "Deployment Finished";
    const FIELDS: &'static [Field] = &[
        Field::required("request_id", Kind::Text, "The id of the request."),
        Field::required("model", Kind::Name, "The name of the model."),
        Field::required("environment", Kind::Name, "The name of the environment."),
        Field::required("environment_account", Kind::Account, "The account of the environment."),
        Field::required("version", Kind::Version, "The version that was requested."),
        Field::required("package_arn", Kind::Arn, "The ARN of the requested model package."),
        Field::required("outcome", Kind::OneOf(DeploymentOutcome::WORDS), "The outcome of the deployment."),
        Field::optional(
            "failed_by",
            Kind::Text,
            "The alarm that rolled the deployment back, or the part of the verification that failed.",
        ),
        Field::required("reason", Kind::Reason, "The code of the reason."),
        Field::required("detail", Kind::LongText, "The message of the reason."),
        Field::optional("requested_config", Kind::Text, "The endpoint configuration that was requested."),
        Field::optional("running_config", Kind::Text, "The endpoint configuration that is running."),
        Field::required(
            "finished_at",
            Kind::Time,
            "The time at which the environment determined the outcome.",
        ),
    ];
}

/// The outcome of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentOutcome {
    /// The requested version is running and answered the sample request.
    Succeeded,
    /// The deployment was not carried out: it is not allowed, or AWS rejected it.
    Failed,
    /// The endpoint or the component of the version did not start.
    FailedToStart,
    /// The version is in service, and did not pass the verification.
    VerificationFailed,
    /// The endpoint is in service again with the previous configuration, and no alarm is known to be the cause.
    RolledBackSilently,
    /// The same, because an alarm of the rollout was in the state ALARM.
    RolledBackByAlarm,
}

impl DeploymentOutcome {
    /// All outcomes.
    pub const ALL: &'static [Self] = &[
        Self::Succeeded,
        Self::Failed,
        Self::FailedToStart,
        Self::VerificationFailed,
        Self::RolledBackSilently,
        Self::RolledBackByAlarm,
    ];
    const WORDS: &'static [&'static str] = &[
        "succeeded",
        "failed",
        "failed_to_start",
        "verification_failed",
        "rolled_back_silently",
        "rolled_back_by_alarm",
    ];

    /// The value in the event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::FailedToStart => "failed_to_start",
            Self::VerificationFailed => "verification_failed",
            Self::RolledBackSilently => "rolled_back_silently",
            Self::RolledBackByAlarm => "rolled_back_by_alarm",
        }
    }
}

impl std::fmt::Display for DeploymentOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
