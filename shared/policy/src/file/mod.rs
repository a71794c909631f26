//! The policy file: `tidegate.yaml`, one for each model.
//!
//! Strict: an unknown field, a wrong type or an impossible value is an error with file, line and column. A section that
//! this version knows but cannot act on yet is refused too: a wish that is silently ignored is worse than an error.

mod parse;
mod unsupported;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::duration::Duration;
use crate::fingerprint;
use crate::names::{
    AccountId, EndpointName, EnvironmentName, GroupName, InstanceType, ModelName, PipelineName, Region,
    RepositoryName,
};

pub use parse::{PolicyError, parse, parse_applied};

/// What a team wants for one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// `tidegate/v1`.
    pub api_version: ApiVersion,
    /// The model's name: the key of everything the ledger knows about it.
    pub model: ModelName,
    /// Where commits come from.
    pub source: Source,
    /// The pipeline that trains it.
    pub pipeline: Pipeline,
    /// Where its versions are registered.
    pub registry: Registry,
    /// Where it is served, in the order of promotion.
    pub environments: Vec<Environment>,
    /// What is done about drift; without it drift is only recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// Where people are told; the account's own topic where absent.
    #[serde(default)]
    pub alerts: Alerts,
}

/// The version of the policy language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApiVersion {
    /// The only one so far.
    #[serde(rename = "tidegate/v1")]
    V1,
}

/// Where commits come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Source {
    /// The repository.
    pub repository: RepositoryName,
    /// The branches whose pushes train: names or globs such as `release/*`.
    pub branches: Vec<String>,
    /// Only changes under these paths count (globs, `!` excludes).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
}

/// The SageMaker pipeline that trains the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pipeline {
    /// Its name.
    pub name: PipelineName,
    /// Where its definition comes from.
    pub definition: Definition,
    /// Values for its parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// What a commit does while an execution runs.
    #[serde(default)]
    pub on_new_commit: OnNewCommit,
}

/// Where a pipeline's definition comes from. Exactly one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Definition {
    /// A file of the commit, as the SageMaker Python SDK wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The definition that the pipeline has; commits only start it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep: bool,
}

/// What a commit does while an execution of the pipeline runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Registry {
    /// The model package group whose versions are promoted.
    pub group: GroupName,
}

/// One place where the model is served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Environment {
    /// Its name, such as `staging`.
    pub name: EnvironmentName,
    /// The account that it is in.
    pub account: AccountId,
    /// The region that it is in.
    pub region: Region,
    /// What must hold before a version may enter.
    #[serde(default)]
    pub gates: Gates,
    /// The endpoint that serves it.
    pub endpoint: Endpoint,
    /// How an update rolls out.
    #[serde(default)]
    pub rollout: Rollout,
    /// How a deployment is verified.
    #[serde(default)]
    pub verify: Verify,
    /// Data capture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<serde_json::Value>,
    /// Monitoring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<serde_json::Value>,
    /// How capacity follows traffic.
    #[serde(default)]
    pub scale: Scale,
}

/// What must hold before a version may enter an environment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gates {
    /// The time a version must have spent in the environment before, without a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soak: Option<Duration>,
    /// People who must agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
    /// When a deployment may begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<serde_json::Value>,
}

/// People who must agree before a version enters an environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approvals {
    /// How many.
    pub required: u32,
    /// Whether the author of the change is not counted.
    #[serde(default)]
    pub not_author: bool,
}

/// The endpoint of an environment: its name, its kind, and what that kind needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoint {
    /// The endpoint's name.
    pub name: EndpointName,
    /// How SageMaker serves it.
    pub kind: EndpointKind,
    /// Serverless: memory in MB. Inference component: memory for each copy in MB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u32>,
    /// Serverless: concurrent invocations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_concurrency: Option<u32>,
    /// Real-time and inference component: the instance type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<InstanceType>,
    /// Real-time: instances. Inference component: the most instances that SageMaker may run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<u32>,
    /// Inference component: copies of the model (1 where absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies: Option<u32>,
}

/// The ways SageMaker serves a model behind an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EndpointKind {
    /// Instances that always run.
    RealTime,
    /// No instances; scales to zero by itself.
    Serverless,
    /// A component on an endpoint whose instances SageMaker manages; can go to zero copies.
    InferenceComponent,
}

/// How an update of a real-time endpoint rolls out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rollout {
    /// A part of the capacity first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// CloudWatch alarms that make SageMaker roll back, at most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<String>,
}

/// A part of the capacity first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Canary {
    /// Percent of the capacity, 1 to 50.
    pub percent: u32,
    /// How long it bakes before the rest follows, at most an hour.
    pub bake: Duration,
}

/// How a deployment is verified.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verify {
    /// One real invocation that must be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoke: Option<Invoke>,
}

/// A sample request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Invoke {
    /// Its content type, such as `text/csv`.
    pub content_type: String,
    /// Its body.
    pub body: String,
}

/// How capacity follows traffic.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scale {
    /// To zero when idle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_zero: Option<ToZero>,
    /// Target tracking where traffic is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<serde_json::Value>,
}

/// To zero when idle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToZero {
    /// How long without an invocation counts as idle.
    pub idle: Duration,
    /// How long a new deployment is left alone.
    pub grace: Duration,
}

/// What is done about drift.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Drift {
    /// Retrain, roll back or tell a person.
    pub response: DriftResponse,
    /// The least time between two retrainings.
    pub cooldown: Duration,
    /// How many retrainings in how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Retrainings without improvement before a person is asked instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_after: Option<u32>,
    /// CloudWatch alarms that mean drift, beside those on Model Monitor's own metrics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<String>,
}

/// What drift leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Budget {
    /// At most so many.
    pub retrainings: u32,
    /// In so long.
    pub per: Duration,
}

/// Where people are told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Alerts {
    /// `default`: the alert topic of the account's stack.
    pub topic: String,
}

impl Default for Alerts {
    fn default() -> Self {
        Self { topic: "default".to_owned() }
    }
}

impl Policy {
    /// The policy's version: a fingerprint of its content, 12 characters. Equal content, equal version.
    #[must_use]
    pub fn version(&self) -> String {
        // Serialising these types cannot fail: every key is a string.
        let text = serde_json::to_string(self).unwrap_or_default();
        fingerprint::short(&["policy", &text], 12)
    }

    /// The environment with that name.
    #[must_use]
    pub fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments.iter().find(|e| e.name.as_str() == name)
    }

    /// The environment that comes after `name` in the order of promotion.
    #[must_use]
    pub fn environment_after(&self, name: &str) -> Option<&Environment> {
        self.environments.iter().skip_while(|e| e.name.as_str() != name).nth(1)
    }

    /// Whether a branch's pushes train: a name, or a glob in which `*` does not cross a `/`.
    #[must_use]
    pub fn watches(&self, branch: &str) -> bool {
        self.source.branches.iter().any(|pattern| {
            globset::GlobBuilder::new(pattern)
                .literal_separator(true)
                .build()
                .is_ok_and(|glob| glob.compile_matcher().is_match(branch))
        })
    }

    /// The watched branches that are plain names: those whose head the sweep can ask for.
    pub fn plain_branches(&self) -> impl Iterator<Item = &str> {
        self.source.branches.iter().map(String::as_str).filter(|b| !b.contains(['*', '?', '[', '{']))
    }
}
