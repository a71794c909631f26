//! The resources of one account in one region.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::Value;

use crate::services::autoscaling::policies::ScalingPolicy;
use crate::services::autoscaling::targets::Target;
use crate::services::sagemaker::endpoints::Endpoint;
use crate::services::sagemaker::inference_components::Component;
use crate::services::sagemaker::pipelines::job::Job;
use crate::services::sagemaker::pipelines::{Execution, Pipeline};
use crate::services::sagemaker::registry::{Package, groups::Group};

/// A resource that never changes after its creation.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) arn: String,
    pub(crate) request: Value,
    pub(crate) created: Timestamp,
}

/// A CodeCommit repository: its id and the git repository behind it.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    pub(crate) id: String,
    pub(crate) path: PathBuf,
    pub(crate) created: Timestamp,
}

/// Everything in one account and region, by name (executions and packages by ARN).
#[derive(Debug, Default)]
pub(crate) struct Resources {
    pub(crate) pipelines: BTreeMap<String, Pipeline>,
    pub(crate) executions: BTreeMap<String, Execution>,
    pub(crate) jobs: BTreeMap<String, Job>,
    pub(crate) groups: BTreeMap<String, Group>,
    pub(crate) packages: BTreeMap<String, Package>,
    pub(crate) models: BTreeMap<String, Stored>,
    pub(crate) configs: BTreeMap<String, Stored>,
    pub(crate) endpoints: BTreeMap<String, Endpoint>,
    pub(crate) components: BTreeMap<String, Component>,
    /// By resource id and dimension.
    pub(crate) targets: BTreeMap<(String, String), Target>,
    /// By resource id, dimension and policy name.
    pub(crate) scaling_policies: BTreeMap<(String, String, String), ScalingPolicy>,
    /// By ARN.
    pub(crate) tags: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) repositories: BTreeMap<String, Repository>,
}

impl Resources {
    /// Remembers the tags of a new resource.
    pub(crate) fn tag(&mut self, arn: &str, tags: Vec<(String, String)>) {
        self.tags.entry(arn.to_owned()).or_default().extend(tags);
    }

    /// The tags of a resource, as events write them.
    pub(crate) fn tag_object(&self, arn: &str) -> Value {
        self.tags
            .get(arn)
            .map(|tags| tags.iter().map(|(k, v)| (k.clone(), Value::from(v.clone()))).collect())
            .unwrap_or_else(|| Value::Object(serde_json::Map::new()))
    }
}
