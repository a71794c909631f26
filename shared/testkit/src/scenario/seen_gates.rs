//! What promote's gates read, as written in a file.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use tidegate_policy::promote::{AlarmFact, FeatureGroup, VersionDetails};

/// A version in the registry.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeenVersion {
    /// The text of the file with its metrics.
    pub metrics: Option<String>,
    /// The URI of the file; one of its own if there is a text.
    pub statistics: Option<String>,
    /// Whether it has a bias report.
    pub bias_report: bool,
    /// Whether it has an explainability report.
    pub explainability_report: bool,
    /// The status of its model card.
    pub card_status: Option<String>,
    /// Its properties.
    pub properties: BTreeMap<String, String>,
    /// Its commit.
    pub commit: Option<String>,
    /// Who registered it.
    pub created_by: Option<String>,
}

/// An alarm.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenAlarm {
    /// Its state.
    pub state: String,
    /// Since when it has this state.
    #[serde(default)]
    pub since: Option<Timestamp>,
}

/// A feature group.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenFeatureGroup {
    /// Its features, each as `NAME TYPE` or `NAME TYPE COLLECTION`.
    pub features: Vec<String>,
    /// Whether it has an online store.
    #[serde(default)]
    pub online: bool,
}

impl SeenVersion {
    /// The URI of the file with its metrics.
    fn file(&self, version: u64) -> Option<String> {
        let own = || format!("s3://acme-ml/churn/{version}/evaluation.json");
        self.statistics.clone().or_else(|| self.metrics.is_some().then(own))
    }

    /// The file with its metrics, by its URI.
    pub(super) fn text(&self, version: u64) -> Option<(String, String)> {
        self.file(version).zip(self.metrics.clone())
    }

    pub(super) fn read(&self, version: u64) -> VersionDetails {
        VersionDetails {
            statistics: self.file(version),
            bias_report: self.bias_report,
            explainability_report: self.explainability_report,
            card_status: self.card_status.clone(),
            properties: self.properties.clone(),
            commit: self.commit.clone(),
            created_by: self.created_by.clone(),
        }
    }
}

impl SeenAlarm {
    pub(super) fn read(&self) -> AlarmFact {
        AlarmFact { state: self.state.clone(), since: self.since }
    }
}

impl SeenFeatureGroup {
    pub(super) fn read(&self) -> FeatureGroup {
        let definition = |line: &String| {
            let mut parts = line.split_whitespace().map(str::to_owned);
            Some((parts.next()?, parts.next()?, parts.next()))
        };
        FeatureGroup {
            definitions: self.features.iter().filter_map(definition).collect(),
            online: self.online,
        }
    }
}
