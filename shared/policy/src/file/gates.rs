//! The conditions for entering an environment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::{LocalDate, TimeZoneName};
use crate::duration::Duration;

/// A time in which no deployment begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FreezePeriod {
    /// When it begins: at this time, or at the beginning of this day.
    pub from: LocalDate,
    /// When it ends: at this time, or at the end of this day.
    pub to: LocalDate,
    /// The time zone of both.
    pub time_zone: TimeZoneName,
    /// Why, for people.
    #[schemars(length(min = 1, max = 2_000))]
    pub reason: String,
}

/// A condition on a metric that the training pipeline registered with the version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricGate {
    /// The metric: its name, such as `auc`, or the names from the top of the file to it, joined by dots, such as
    /// `binary_classification_metrics.auc`.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
    /// The least value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// The greatest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// It must be better than that of the version that is live in the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub better_than_live: Option<BetterThanLive>,
    /// It must not be worse than that of the version that is live in the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_worse_than_live: Option<NotWorseThanLive>,
    /// What a comparison means while no version is live in the environment.
    #[serde(default, skip_serializing_if = "IfNothingLive::is_default")]
    pub if_nothing_live: IfNothingLive,
}

/// How much better than the live version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BetterThanLive {
    /// The difference must be at least this, and more than nothing.
    #[schemars(range(min = 0))]
    pub by: f64,
    /// Which values are better.
    pub better: Better,
}

/// How much worse than the live version is admitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NotWorseThanLive {
    /// The greatest difference that is admitted; none where absent.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub tolerance: f64,
    /// Which values are better.
    pub better: Better,
}

/// Which values of a metric are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Better {
    /// Higher values, as of an accuracy.
    Higher,
    /// Lower values, as of an error.
    Lower,
}

/// What a comparison with the live version means while there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum IfNothingLive {
    /// The version waits.
    #[default]
    Wait,
    /// The comparison is left out.
    Pass,
}

impl IfNothingLive {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it may skip by reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// CloudWatch alarms of the hub's account and region that must be in the state OK.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AlarmGate {
    /// Their names.
    #[schemars(length(min = 1, max = 100), inner(length(min = 1, max = 255)))]
    pub names: Vec<String>,
    /// How long each must have been in the state OK; any time where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ok_for: Option<Duration>,
}

/// What must be registered with the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Required {
    /// A bias report.
    BiasReport,
    /// An explainability report.
    ExplainabilityReport,
    /// A model card with the status `Approved`.
    ModelCardApproved,
}

/// Feature groups of the hub's account and region whose definitions must be those of the training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FeatureGate {
    /// Their names.
    #[schemars(length(min = 1, max = 20), inner(length(min = 1, max = 64)))]
    pub groups: Vec<String>,
    /// Whether each must have an online store.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub online: bool,
}
