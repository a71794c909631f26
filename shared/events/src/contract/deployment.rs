//! `Deployment Requested` and `Deployment Finished`: what the hub asks of an environment and what comes back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Contract, Field, Kind};

/// The hub asks an environment to run a version of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentRequested {
    /// The same for every telling of this request.
    pub request_id: String,
    /// The model.
    pub model: String,
    /// The environment.
    pub environment: String,
    /// Its account; the rules that carry the event there match on it.
    pub environment_account: String,
    /// Its region.
    pub region: String,
    /// The version of the model package.
    pub version: u64,
    /// The model package.
    pub package_arn: String,
    /// The version of the policy by which the hub decided.
    pub policy_version: String,
    /// When the hub decided.
    pub requested_at: Timestamp,
    /// When the version was approved: a request for a later approval is the newer one, whenever it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Timestamp>,
}

impl Contract for DeploymentRequested {
    const DETAIL_TYPE: &'static str = "Deployment Requested";
    const FIELDS: &'static [Field] = &[
        Field::required("request_id", Kind::Text, "The same for every telling of this request."),
        Field::required("model", Kind::Text, "The model."),
        Field::required("environment", Kind::Text, "The environment that is to run the version."),
        Field::required("environment_account", Kind::Account, "The account of the environment."),
        Field::required("region", Kind::Text, "The region of the environment."),
        Field::required("version", Kind::Version, "The version of the model package."),
        Field::required("package_arn", Kind::Arn, "The model package."),
        Field::required("policy_version", Kind::Text, "The version of the policy by which the hub decided."),
        Field::required("requested_at", Kind::Time, "When the hub decided."),
        Field::optional("approved_at", Kind::Time, "When the version was approved, by the registry's clock."),
    ];
}

/// How a deployment ended, as the environment verified it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentFinished {
    /// The request that this answers.
    pub request_id: String,
    /// The model.
    pub model: String,
    /// The environment.
    pub environment: String,
    /// Its account.
    pub environment_account: String,
    /// The version that was requested.
    pub version: u64,
    /// The model package that was requested.
    pub package_arn: String,
    /// How it ended.
    pub outcome: DeploymentOutcome,
    /// Why, for machines: `verified`, `alarm_rolled_back`.
    pub reason: String,
    /// Why, as a sentence.
    pub detail: String,
    /// The endpoint configuration that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_config: Option<String>,
    /// The endpoint configuration that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_config: Option<String>,
    /// When the environment was sure.
    pub finished_at: Timestamp,
}

impl Contract for DeploymentFinished {
    const DETAIL_TYPE: &'static str = "Deployment Finished";
    const FIELDS: &'static [Field] = &[
        Field::required("request_id", Kind::Text, "The request that this answers."),
        Field::required("model", Kind::Text, "The model."),
        Field::required("environment", Kind::Text, "The environment."),
        Field::required("environment_account", Kind::Account, "The account of the environment."),
        Field::required("version", Kind::Version, "The version that was requested."),
        Field::required("package_arn", Kind::Arn, "The model package that was requested."),
        Field::required("outcome", Kind::OneOf(DeploymentOutcome::WORDS), "How the deployment ended."),
        Field::required("reason", Kind::Reason, "Why, for machines."),
        Field::required("detail", Kind::Text, "Why, as a sentence."),
        Field::optional("requested_config", Kind::Text, "The endpoint configuration that was asked for."),
        Field::optional("running_config", Kind::Text, "The endpoint configuration that runs."),
        Field::required("finished_at", Kind::Time, "When the environment was sure."),
    ];
}

/// How a deployment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentOutcome {
    /// The requested version runs and answered.
    Succeeded,
    /// It does not run, and SageMaker said so.
    Failed,
    /// The endpoint is in service again, with the configuration from before.
    RolledBackSilently,
}

impl DeploymentOutcome {
    const WORDS: &'static [&'static str] = &["succeeded", "failed", "rolled_back_silently"];

    /// The word for it in our contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::RolledBackSilently => "rolled_back_silently",
        }
    }
}

impl std::fmt::Display for DeploymentOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
