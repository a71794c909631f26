//! What promote's gates read.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tidegate_engine::CallError;
use tidegate_engine::ports::GateSources;
use tidegate_policy::promote::{AlarmFact, Fact, FeatureGroup, VersionDetails};

use super::FakeAws;

type Call<T> = Result<T, CallError>;

#[async_trait]
impl GateSources for FakeAws {
    async fn version(&self, arn: &str) -> Call<Option<VersionDetails>> {
        self.pass("sagemaker", "DescribeModelPackage").await?;
        let version = arn.rsplit('/').next().and_then(|version| version.parse().ok()).unwrap_or_default();
        Ok(Some(self.canned.versions.get(&version).cloned().unwrap_or_default()))
    }

    async fn file(&self, uri: &str) -> Call<Fact<String>> {
        self.accept("s3", "GetObject").await?;
        Ok(self.canned.files.get(uri).cloned().ok_or_else(|| format!("{uri} does not exist")))
    }

    async fn alarm_states(&self, names: &[String]) -> Call<BTreeMap<String, AlarmFact>> {
        self.accept("cloudwatch", "DescribeAlarms").await?;
        let known = self.canned.alarm_states.iter().filter(|(name, _)| names.contains(name));
        Ok(known.map(|(name, fact)| (name.clone(), fact.clone())).collect())
    }

    async fn feature_group(&self, name: &str) -> Call<Option<FeatureGroup>> {
        self.accept("sagemaker", "DescribeFeatureGroup").await?;
        Ok(self.canned.feature_groups.get(name).cloned())
    }
}
