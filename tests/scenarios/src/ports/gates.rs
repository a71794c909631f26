//! The port of promote's gates on the world.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::{Value, json};
use tidegate_engine::CallError;
use tidegate_engine::ports::GateSources;
use tidegate_policy::promote::{AlarmFact, Fact, FeatureGroup, VersionDetails};

use super::text;
use crate::cloud::Account;

const SAGEMAKER: &str = "sagemaker";

#[async_trait]
impl GateSources for Account {
    async fn version(&self, arn: &str) -> Result<Option<VersionDetails>, CallError> {
        let request = json!({"ModelPackageName": arn, "IncludedData": "MetadataOnly"});
        let found = self.find(SAGEMAKER, "DescribeModelPackage", request).await?;
        Ok(found.map(|found| {
            let properties = found.get("CustomerMetadataProperties").and_then(Value::as_object);
            let owned = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
            VersionDetails {
                statistics: text(&found, "/ModelMetrics/ModelQuality/Statistics/S3Uri"),
                bias_report: text(&found, "/ModelMetrics/Bias/Report/S3Uri").is_some(),
                explainability_report: text(&found, "/ModelMetrics/Explainability/Report/S3Uri").is_some(),
                card_status: text(&found, "/ModelCard/ModelCardStatus"),
                properties: properties.into_iter().flatten().filter_map(owned).collect(),
                commit: text(&found, "/MetadataProperties/CommitId"),
                created_by: text(&found, "/CreatedBy/IamIdentity/Arn"),
            }
        }))
    }

    async fn file(&self, uri: &str) -> Result<Fact<String>, CallError> {
        let parts = uri.strip_prefix("s3://").and_then(|path| path.split_once('/')).unwrap_or_default();
        let at = (parts.0.to_owned(), parts.1.to_owned());
        let read = || {
            let text = self.state(|state| state.reports.get(&at).cloned());
            Ok(text.ok_or_else(|| format!("{uri} does not exist")))
        };
        self.cloud.faults.around("s3", "GetObject", read).await
    }

    async fn alarm_states(&self, names: &[String]) -> Result<BTreeMap<String, AlarmFact>, CallError> {
        let read = || {
            let all = self.state(|state| state.alarms.clone());
            let wanted = all.into_values().filter(|alarm| names.contains(&alarm.alarm));
            let fact = |alarm: tidegate_events::AlarmChanged| {
                let fact = AlarmFact { state: alarm.state.as_str().to_owned(), since: alarm.changed_at };
                (alarm.alarm, fact)
            };
            Ok(wanted.map(fact).collect())
        };
        self.cloud.faults.around("cloudwatch", "DescribeAlarms", read).await
    }

    /// The world has no Feature Store.
    async fn feature_group(&self, _name: &str) -> Result<Option<FeatureGroup>, CallError> {
        self.cloud.faults.around("sagemaker", "DescribeFeatureGroup", || Ok(None)).await
    }
}
