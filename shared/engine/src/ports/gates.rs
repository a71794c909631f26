//! The port of promote's gates: what they need of AWS in the hub.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tidegate_policy::promote::{AlarmFact, Fact, FeatureGroup, VersionDetails};

use crate::CallError;

/// What gates read in the hub's account.
#[async_trait]
pub trait GateSources: Send + Sync {
    /// Describes a version by its ARN. Returns `None` if it does not exist.
    async fn version(&self, arn: &str) -> Result<Option<VersionDetails>, CallError>;
    /// Reads a small text file in S3, by its URI. A file that is missing or is no text is a fact as well.
    async fn file(&self, uri: &str) -> Result<Fact<String>, CallError>;
    /// Returns the states of those of the given alarms that exist, by name.
    async fn alarm_states(&self, names: &[String]) -> Result<BTreeMap<String, AlarmFact>, CallError>;
    /// Describes a feature group. Returns `None` if it does not exist.
    async fn feature_group(&self, name: &str) -> Result<Option<FeatureGroup>, CallError>;
}
