//! The source, the pipeline and the registry of a model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::names::{GroupName, PipelineName, RepositoryName, RoleArn};

/// Where commits come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Source {
    /// The repository.
    pub repository: RepositoryName,
    /// The branches whose pushes train: names or globs such as `release/*`, in which `*` does not cross a `/`.
    #[schemars(length(min = 1), inner(length(min = 1)))]
    pub branches: Vec<String>,
    /// Only changes under these paths count (globs, `!` excludes). Every change where absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1)))]
    pub paths: Vec<String>,
}

/// The SageMaker pipeline that trains the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pipeline {
    /// Its name.
    pub name: PipelineName,
    /// Where its definition comes from.
    pub definition: Definition,
    /// Whether Tidegate takes over a pipeline that it did not make, and replaces its definition.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopt: bool,
    /// The role with which it runs, in the hub's account; the one of the hub's stack where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_role: Option<RoleArn>,
    /// Values for its parameters; the definition's defaults where absent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// What a commit does while an execution runs.
    #[serde(default)]
    pub on_new_commit: OnNewCommit,
}

/// Where a pipeline's definition comes from. Exactly one of `file`, `keep` and `build`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Definition {
    /// A file of the commit, as the SageMaker Python SDK wrote it: a path from the root of the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub file: Option<String>,
    /// The definition that the pipeline has; commits only start it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep: bool,
    /// Which role the steps of the file get: `pipeline` replaces the roles that they name by the pipeline's role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<StepRole>,
    /// Reserved for a definition that is built from the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<Reserved>,
}

/// Which role the steps of a definition get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StepRole {
    /// The pipeline's.
    Pipeline,
}

/// A field that is reserved for a later version. Any value in it is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Reserved;

impl<'de> Deserialize<'de> for Reserved {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl JsonSchema for Reserved {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Reserved".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::Schema::default()
    }
}

/// What a commit does while an execution of the pipeline runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnNewCommit {
    /// Start beside it.
    #[default]
    Parallel,
    /// Stop it and start the new one.
    Supersede,
    /// Start when it has ended.
    Queue,
}

/// The model registry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Registry {
    /// The model package group whose versions are promoted.
    pub group: GroupName,
    /// Whether people are told of each new version that waits for approval, even if no environment needs approvals.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub announce: bool,
}
