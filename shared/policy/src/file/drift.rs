//! The response to drift, and the target of notifications.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::drift_checks::Checks;
use crate::duration::Duration;

/// What is done about drift.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Drift {
    /// Retrain, roll back or tell a person.
    pub response: DriftResponse,
    /// The least time between two retrainings.
    pub cooldown: Duration,
    /// How many retrainings in how long; without it only the cooldown limits them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Retrainings without improvement before a person is asked instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub escalate_after: Option<u32>,
    /// CloudWatch alarms that mean drift, beside those on Model Monitor's own metrics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1, max = 255)))]
    pub alarms: Vec<String>,
    /// Monitoring schedules whose reports mean drift, beside those of the environments' endpoints: a schedule for
    /// batch transform has no endpoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1, max = 63)))]
    pub schedules: Vec<String>,
    /// What a violation in a monitoring report means, by check type.
    #[serde(default, skip_serializing_if = "Checks::is_default")]
    pub checks: Checks,
    /// Features, facets and metrics whose violations do not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1)))]
    pub ignore_features: Vec<String>,
    /// How many violations that mean drift a report must have; 1 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub min_violations: Option<u32>,
}

/// What drift leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DriftResponse {
    /// Ask the hub to retrain.
    Retrain,
    /// Tell a person.
    Alert,
    /// Return to the version before.
    RollBack,
}

/// How many retrainings in how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Budget {
    /// At most so many.
    #[schemars(range(min = 1))]
    pub retrainings: u32,
    /// In so long.
    pub per: Duration,
}

/// Where people are told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Alerts {
    /// `default`: the alert topic of the account's stack. Or the ARN of an SNS topic.
    #[schemars(length(min = 1), example = &"default")]
    pub topic: String,
}

impl Default for Alerts {
    fn default() -> Self {
        Self { topic: "default".to_owned() }
    }
}
