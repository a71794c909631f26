//! One environment in which a model is served: its gates, its endpoint and its rollout.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gates::{AlarmGate, FeatureGate, FreezePeriod, MetricGate, Required};
use super::instance::{Kms, Startup};
use super::notify::Notify;
use super::rollback::Rollback;
use super::serving::{Capture, Monitor, Scale, Verify};
use crate::clock::{Day, TimeOfDay, TimeZoneName};
use crate::duration::Duration;
use crate::endpoint::{Endpoint, EndpointKind};
use crate::names::{
    AccountId, AmiVersion, EndpointName, EnvironmentName, InstanceType, PeopleGroup, Region, RoleArn, S3Uri,
    SecurityGroupId, SubnetId,
};

/// One place where the model is served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Whether Tidegate takes over an endpoint or a component that it did not make. The alert of the deployment lists
    /// what the update loses.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopt: bool,
    /// Further tags of all that Tidegate makes here; a value here wins over one of the whole policy.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The endpoint that serves it.
    #[schemars(with = "EndpointSection")]
    pub endpoint: Endpoint,
    /// How an update rolls out.
    #[serde(default)]
    pub rollout: Rollout,
    /// How a deployment is verified.
    #[serde(default)]
    pub verify: Verify,
    /// When the environment goes back to the version before.
    #[serde(default, skip_serializing_if = "Rollback::is_default")]
    pub rollback: Rollback,
    /// Requests and answers that are kept for monitoring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<Capture>,
    /// Watching what was captured for drift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<Monitor>,
    /// How capacity follows traffic.
    #[serde(default)]
    pub scale: Scale,
}

/// What must hold before a version may enter an environment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gates {
    /// The time a version must have spent in the environment before, without a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soak: Option<Duration>,
    /// People who must agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
    /// When a deployment may begin; at any time where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub windows: Option<Vec<Window>>,
    /// Times in which no deployment begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<FreezePeriod>,
    /// Metrics that the training pipeline registered with the version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<MetricGate>,
    /// What must be registered with the version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Required>,
    /// Feature groups whose definitions must be those of the training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<FeatureGate>,
    /// Checks of other tools that the version must have passed: the values of `gate` in their events `Gate Reported`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1, max = 32)))]
    pub reports: Vec<String>,
    /// CloudWatch alarms that must be in the state OK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarms: Option<AlarmGate>,
}

/// People who must agree before a version enters an environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approvals {
    /// How many different people.
    #[schemars(range(min = 1))]
    pub required: u32,
    /// The groups whose members count, by their names in `groups`; everybody who may approve at all where absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<PeopleGroup>,
    /// Whether the author of the change is not counted.
    #[serde(default)]
    pub not_author: bool,
}

/// A part of the week in which a deployment may begin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Window {
    /// The days on which it opens.
    #[schemars(length(min = 1))]
    pub days: Vec<Day>,
    /// When it opens.
    pub from: TimeOfDay,
    /// When it closes, on the same day.
    pub to: TimeOfDay,
    /// The time zone of days and times.
    pub time_zone: TimeZoneName,
}

/// The endpoint of an environment: its name, its kind, and what that kind needs.
#[derive(JsonSchema)]
#[schemars(rename = "Endpoint", rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the schema is generated from it; values are read as `Endpoint`")]
struct EndpointSection {
    /// The endpoint's name.
    name: EndpointName,
    /// How SageMaker serves it.
    kind: EndpointKind,
    /// Whether a failed endpoint or component that carries Tidegate's tags for this model and environment, and that
    /// never served, is deleted and created again for the next version. Otherwise a person must delete it.
    #[serde(default)]
    recreate_failed: bool,
    /// Serverless: memory in MB. Inference component: memory for each copy in MB.
    #[schemars(range(min = 128))]
    memory_mb: Option<u32>,
    /// Serverless: concurrent invocations.
    #[schemars(range(min = 1))]
    max_concurrency: Option<u32>,
    /// Real-time, asynchronous and inference component: the instance type.
    instance_type: Option<InstanceType>,
    /// Real-time and asynchronous: instances. Inference component: the most instances that SageMaker may run.
    #[schemars(range(min = 1))]
    instances: Option<u32>,
    /// Inference component: its name, on an endpoint that several policies share on purpose. The name of the endpoint
    /// where absent.
    component: Option<EndpointName>,
    /// Inference component: copies of the model (1 where absent).
    #[schemars(range(min = 1))]
    copies: Option<u32>,
    /// Inference component: accelerators for each copy, required where the instance type has some.
    #[schemars(range(min = 1))]
    accelerators: Option<u32>,
    /// Inference component: CPU cores for each copy.
    #[schemars(range(min = 1))]
    cpus: Option<u32>,
    /// Inference component: memory in MB at which the container of a copy is stopped.
    #[schemars(range(min = 128))]
    max_memory_mb: Option<u32>,
    /// Asynchronous: where the answers are put.
    output: Option<S3Uri>,
    /// Asynchronous: where it is put why a request failed. Nowhere where absent.
    failures: Option<S3Uri>,
    /// Asynchronous: who is told that a request has ended.
    notify: Option<Notify>,
    /// Asynchronous: how many requests an instance gets at once; SageMaker's choice where absent.
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AsyncInferenceClientConfig.html>
    #[schemars(range(min = 1, max = 1_000))]
    max_concurrent_per_instance: Option<u32>,
    /// The network that its containers are attached to; SageMaker's own where absent.
    vpc: Option<Vpc>,
    /// Whether its containers can make no network call at all, not even to S3.
    /// <https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html>
    network_isolation: Option<bool>,
    /// Variables of the containers' environment, in addition to those of the package. No secrets: they are readable in
    /// the policy, in records and in AWS.
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html>
    environment: Option<BTreeMap<String, String>>,
    /// The role of the containers, in the environment's account; the model role of the stack where absent. The stack's
    /// parameter `PassableModelRoleArns` must name it.
    execution_role: Option<RoleArn>,
    /// The keys with which SageMaker encrypts; its own where absent.
    kms: Option<Kms>,
    /// What the model needs to start.
    startup: Option<Startup>,
    /// The machine image of the instances; SageMaker's choice where absent.
    inference_ami_version: Option<AmiVersion>,
}

/// A network of the environment's account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Vpc {
    /// Its subnets.
    #[schemars(length(min = 1, max = 16))]
    pub subnets: Vec<SubnetId>,
    /// The security groups of the containers.
    #[schemars(length(min = 1, max = 5))]
    pub security_groups: Vec<SecurityGroupId>,
}

/// How an update rolls out. At most one of `canary`, `linear`, `rolling` and `allAtOnce`; all at once where none is given.
/// An inference component has only `rolling`. <https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rollout {
    /// A part of the capacity first, then the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// The new capacity takes the traffic over in equal steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linear: Option<Linear>,
    /// Old instances are replaced in batches, without a second fleet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling: Option<Rolling>,
    /// All the traffic in one step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_at_once: Option<AllAtOnce>,
    /// CloudWatch alarms that make SageMaker roll back, at most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10), inner(length(min = 1, max = 255)))]
    pub alarms: Vec<String>,
    /// Says that a canary, linear or rolling update is meant to have no alarms: it then only slows the update down.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_alarms: bool,
}

/// A part of the capacity first, then the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Canary {
    /// Percent of the capacity.
    /// <https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-canary.html>
    #[schemars(range(min = 1, max = 50))]
    pub percent: u32,
    /// How long it bakes before the rest follows, at most an hour.
    pub bake: Duration,
}

/// The new capacity takes the traffic over in equal steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Linear {
    /// Percent of the capacity in each step.
    /// <https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-linear.html>
    #[schemars(range(min = 10, max = 50))]
    pub percent: u32,
    /// How long each step bakes before the next follows, at most an hour.
    pub bake: Duration,
}

/// Old instances are replaced in batches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rolling {
    /// Percent of the capacity in each batch.
    /// <https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-rolling.html>
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 5, max = 50))]
    pub percent: Option<u32>,
    /// Inference component: copies in each batch, instead of a percentage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub copies: Option<u32>,
    /// How long each batch bakes before the next follows, at most an hour.
    pub bake: Duration,
    /// Percent of the capacity in each batch of a roll-back; all of it where absent.
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RollingUpdatePolicy.html>
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 5, max = 100))]
    pub rollback_percent: Option<u32>,
}

/// All the traffic in one step.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AllAtOnce {
    /// How long the old capacity is kept while the alarms watch the new one, at most an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bake: Option<Duration>,
}
