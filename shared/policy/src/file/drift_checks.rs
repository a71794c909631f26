//! What the checks of Model Monitor mean for a model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a violation of a check leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CheckMeaning {
    /// It is drift: the response of the policy follows.
    Drift,
    /// People are notified. It never retrains, and it is no attempt.
    Alert,
    /// It does not count.
    Ignore,
}

macro_rules! checks {
    ($($(#[$doc:meta])* $field:ident = $name:literal, $default:ident;)+) => {
        /// What a violation means, by the check type of Model Monitor's report.
        ///
        /// <https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-violations.html>
        #[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct Checks {
            $($(#[$doc])* #[serde(rename = $name, default, skip_serializing_if = "Option::is_none")]
            pub $field: Option<CheckMeaning>,)+
        }

        impl Checks {
            /// What a violation of this check means. A check type that this version does not know is never drift:
            /// people are notified.
            #[must_use]
            pub fn meaning(&self, check_type: &str) -> CheckMeaning {
                match check_type {
                    $($name => self.$field.unwrap_or(CheckMeaning::$default),)+
                    _ => CheckMeaning::Alert,
                }
            }
        }
    };
}

checks! {
    /// The distribution of a feature differs from the baseline. Default: `drift`.
    baseline_drift = "baseline_drift_check", Drift;
    /// A feature has values that the baseline does not have. Default: `drift`.
    categorical_values = "categorical_values_check", Drift;
    /// A bias metric is out of the range of the baseline. Default: `drift`.
    bias_drift = "bias_drift_check", Drift;
    /// The ranking of the feature attributions differs from the baseline. Default: `drift`.
    feature_attribution_drift = "feature_attribution_drift_check", Drift;
    /// A metric of model quality is below its threshold. Default: `drift`.
    less_than_threshold = "LessThanThreshold", Drift;
    /// A metric of model quality is above its threshold. Default: `drift`.
    greater_than_threshold = "GreaterThanThreshold", Drift;
    /// The data has fewer columns than the baseline: the feed is broken. Default: `alert`.
    missing_column = "missing_column_check", Alert;
    /// The data has more columns than the baseline: the feed has changed. Default: `alert`.
    extra_column = "extra_column_check", Alert;
    /// Values have another type than in the baseline: the feed has changed. Default: `alert`.
    data_type = "data_type_check", Alert;
    /// Values are missing: the feed is broken. Default: `alert`.
    completeness = "completeness_check", Alert;
}

impl Checks {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
