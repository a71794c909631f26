//! `Endpoint Health Changed`: what became of a live version outside of a deployment.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Contract, Field, Kind};

/// What became of a live version outside of a deployment, as its environment observed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointHealthChanged {
    /// The name of the model.
    pub model: String,
    /// The name of the environment.
    pub environment: String,
    /// The account of the environment.
    pub environment_account: String,
    /// The version that is live there.
    pub version: u64,
    /// The ARN of its model package.
    pub package_arn: String,
    /// The id of the request that deployed it.
    pub request_id: String,
    /// Whether it serves as it was deployed.
    pub health: EndpointHealth,
    /// The code of the reason.
    pub reason: String,
    /// The message of the reason.
    pub detail: String,
    /// Since when it is so.
    pub since: Timestamp,
    /// The time at which the environment observed it.
    pub observed_at: Timestamp,
}

impl Contract for EndpointHealthChanged {
    const DETAIL_TYPE: &'static str = "Endpoint Health Changed";
    const FIELDS: &'static [Field] = &[
        Field::required("model", Kind::Name, "The name of the model."),
        Field::required("environment", Kind::Name, "The name of the environment."),
        Field::required("environment_account", Kind::Account, "The account of the environment."),
        Field::required("version", Kind::Version, "The version that is live in the environment."),
        Field::required("package_arn", Kind::Arn, "The ARN of its model package."),
        Field::required("request_id", Kind::Text, "The id of the request that deployed it."),
        Field::required(
            "health",
            Kind::OneOf(EndpointHealth::WORDS),
            "Whether it serves as it was deployed.",
        ),
        Field::required("reason", Kind::Reason, "The code of the reason."),
        Field::required("detail", Kind::LongText, "The message of the reason."),
        Field::required("since", Kind::Time, "The time since which it is so."),
        Field::required("observed_at", Kind::Time, "The time at which the environment observed it."),
    ];
}

/// Whether a live version serves as it was deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointHealth {
    /// It serves again as it was deployed.
    Healthy,
    /// The endpoint or the component failed, or accepts no requests.
    Failed,
    /// The endpoint or the component does not exist any more.
    Gone,
    /// Somebody changed what the endpoint or the component runs.
    Changed,
}

impl EndpointHealth {
    const WORDS: &'static [&'static str] = &["healthy", "failed", "gone", "changed"];

    /// The value in the event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Failed => "failed",
            Self::Gone => "gone",
            Self::Changed => "changed",
        }
    }
}

impl std::fmt::Display for EndpointHealth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
