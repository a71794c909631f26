//! What a function finds when it looks: ports that answer what a scenario says.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tidegate_engine::ports::{
    Alarms, Alerts, ApprovedPackage, Bus, Capacity, Endpoints, InvocationQuery, Metrics, Pipelines, Registry,
    RegistryPackage, Reports, Repository, Sampler, Schedules,
};
use tidegate_engine::{CallError, Class};
use tidegate_events::{AlarmChanged, ApprovalStatus, EndpointStatus, PackageStatus};
use tidegate_policy::deploy::{Component, ComponentStatus, Endpoint, Probe, Rollout, RunningComponent};
use tidegate_policy::endpoint::ProductionVariant;
use tidegate_policy::hold::Holds;
use tidegate_policy::promote::Package;
use tidegate_policy::respond::MonitorReport;
use tidegate_policy::train::Pipeline;

/// What was seen. What is left out is not there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Seen {
    /// train: the definition file in the commit, as text.
    pub definition: Option<String>,
    /// train: the definition file in the commit, as a file under `events/`.
    pub definition_sample: Option<String>,
    /// train: the pipeline's present definition, as text.
    pub pipeline: Option<String>,
    /// train: the pipeline's present definition, as a file under `events/`.
    pub pipeline_sample: Option<String>,
    /// train: executions that have not ended, newest first.
    pub running: Vec<String>,
    /// train: the commit at the head of each branch.
    pub heads: BTreeMap<String, String>,
    /// promote, deploy: what the registry says about the package.
    pub package: Option<SeenPackage>,
    /// promote: the newest approved version of the group.
    pub newest_approved: Option<SeenApproved>,
    /// deploy: the endpoint.
    pub endpoint: Option<SeenEndpoint>,
    /// deploy: the inference component.
    pub component: Option<SeenComponent>,
    /// deploy: what the sample request gave.
    pub answer: Option<SeenAnswer>,
    /// respond: the monitoring report, as text.
    pub report: Option<String>,
    /// respond: the monitoring report, as a file under `events/`.
    pub report_sample: Option<String>,
    /// respond: alarms that are in ALARM, as event files under `events/`.
    pub alarms: Vec<String>,
    /// train, respond: the holds that stand, by environment or `*` for the whole model.
    pub holds: Holds,
    /// What AWS refuses for good, and with which words: by operation, an event of ours by its detail-type.
    pub refuses: BTreeMap<String, String>,
    /// respond, scale: since when the version that serves does.
    pub live_since: Option<Timestamp>,
    /// scale: whether a deployment is in flight.
    pub deploying: bool,
    /// scale: invocations in the idle window; left out, CloudWatch could not tell.
    pub in_window: Option<u64>,
    /// scale: invocations since the deployment.
    pub since_deployment: Option<u64>,
}

/// A package in the registry.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenPackage {
    /// Its approval.
    pub approval: String,
    /// Its status.
    #[serde(default = "completed")]
    pub status: String,
    /// When it last changed.
    #[serde(default)]
    pub last_modified: Option<Timestamp>,
}

fn completed() -> String {
    "Completed".to_owned()
}

/// An approved version.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenApproved {
    /// Its ARN.
    pub arn: String,
    /// Its version.
    pub version: u64,
}

/// An endpoint.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenEndpoint {
    /// Its status.
    pub status: String,
    /// The configuration that runs.
    #[serde(default)]
    pub config: Option<String>,
    /// The configuration that it is on its way to.
    #[serde(default)]
    pub pending_config: Option<String>,
    /// Why it failed.
    #[serde(default)]
    pub failure: Option<String>,
    /// When it last changed.
    #[serde(default)]
    pub last_modified: Option<Timestamp>,
}

/// A component.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenComponent {
    /// Its status.
    pub status: String,
    /// The model that it runs.
    #[serde(default)]
    pub model: Option<String>,
    /// Memory for a copy in MB.
    #[serde(default)]
    pub memory_mb: Option<u32>,
    /// Copies that run.
    #[serde(default)]
    pub copies: Option<u32>,
    /// Why it failed.
    #[serde(default)]
    pub failure: Option<String>,
    /// When it last changed.
    #[serde(default)]
    pub last_modified: Option<Timestamp>,
}

/// What the sample request gave.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum SeenAnswer {
    /// An answer with this status.
    Status(u16),
    /// An error.
    Error(String),
    /// No answer in the time that it was given.
    Silent,
}

/// Ports that answer what was seen and accept whatever is asked of them.
pub(crate) struct Answers {
    pub(crate) seen: Seen,
    pub(crate) definition: Option<String>,
    pub(crate) pipeline: Option<String>,
    pub(crate) report: Option<String>,
    pub(crate) alarms: Vec<AlarmChanged>,
}

type Call<T> = Result<T, CallError>;

impl Answers {
    /// Whether a call is let through.
    fn takes(&self, service: &'static str, operation: &'static str) -> Call<()> {
        self.takes_as(operation, service, operation)
    }

    fn takes_as(&self, name: &str, service: &'static str, operation: &'static str) -> Call<()> {
        match self.seen.refuses.get(name) {
            Some(message) => {
                Err(CallError { service, operation, class: Class::Permanent, message: message.clone() })
            }
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Repository for Answers {
    async fn file(&self, _: &str, _: &str, _: &str) -> Call<Option<String>> {
        Ok(self.definition.clone())
    }

    async fn head(&self, _: &str, branch: &str) -> Call<Option<String>> {
        Ok(self.seen.heads.get(branch).cloned())
    }
}

#[async_trait]
impl Pipelines for Answers {
    async fn pipeline(&self, _: &str) -> Call<Option<Pipeline>> {
        Ok(self.pipeline.clone().map(|definition| Pipeline { definition }))
    }

    async fn running(&self, _: &str) -> Call<Vec<String>> {
        Ok(self.seen.running.clone())
    }

    async fn create(&self, _: &str, _: &str, _: &str) -> Call<()> {
        self.takes("sagemaker", "CreatePipeline")
    }

    async fn update(&self, _: &str, _: &str) -> Call<()> {
        self.takes("sagemaker", "UpdatePipeline")
    }

    async fn start(&self, _: &str, _: &str, _: &str, _: &str, _: &BTreeMap<String, String>) -> Call<String> {
        self.takes("sagemaker", "StartPipelineExecution").map(|()| "an execution".to_owned())
    }
}

#[async_trait]
impl Registry for Answers {
    async fn package(&self, _: &str) -> Call<Option<RegistryPackage>> {
        Ok(self.seen.package.as_ref().map(|seen| RegistryPackage {
            package: Package {
                approval: ApprovalStatus::read(&seen.approval),
                status: PackageStatus::read(&seen.status),
            },
            last_modified: seen.last_modified,
        }))
    }

    async fn newest_approved(&self, _: &str) -> Call<Option<ApprovedPackage>> {
        let newest = self.seen.newest_approved.as_ref();
        Ok(newest.map(|seen| ApprovedPackage { arn: seen.arn.clone(), version: seen.version }))
    }

    async fn update_lifecycle(&self, _: &str, _: &str, _: &str, _: &str) -> Call<()> {
        self.takes("sagemaker", "UpdateModelPackage")
    }
}

#[async_trait]
impl Endpoints for Answers {
    async fn endpoint(&self, _: &str) -> Call<Option<Endpoint>> {
        Ok(self.seen.endpoint.as_ref().map(|seen| Endpoint {
            status: EndpointStatus::read(&seen.status),
            config: seen.config.clone(),
            pending_config: seen.pending_config.clone(),
            failure: seen.failure.clone(),
            last_modified: seen.last_modified,
        }))
    }

    async fn component(&self, _: &str) -> Call<Option<RunningComponent>> {
        Ok(self.seen.component.as_ref().map(|seen| RunningComponent {
            status: ComponentStatus::read(&seen.status),
            model: seen.model.clone(),
            memory_mb: seen.memory_mb,
            copies: seen.copies,
            failure: seen.failure.clone(),
            last_modified: seen.last_modified,
        }))
    }

    async fn create_model(&self, _: &str, _: &str) -> Call<String> {
        self.takes("sagemaker", "CreateModel").map(|()| String::new())
    }

    async fn create_config(&self, _: &str, _: &ProductionVariant) -> Call<String> {
        self.takes("sagemaker", "CreateEndpointConfig").map(|()| String::new())
    }

    async fn create_endpoint(&self, _: &str, _: &str, _: &[(String, String)]) -> Call<String> {
        self.takes("sagemaker", "CreateEndpoint").map(|()| String::new())
    }

    async fn update_endpoint(&self, _: &str, _: &str, _: &Rollout) -> Call<String> {
        self.takes("sagemaker", "UpdateEndpoint").map(|()| String::new())
    }

    async fn create_component(&self, _: &Component) -> Call<String> {
        self.takes("sagemaker", "CreateInferenceComponent").map(|()| String::new())
    }

    async fn update_component(&self, _: &Component) -> Call<String> {
        self.takes("sagemaker", "UpdateInferenceComponent").map(|()| String::new())
    }
}

#[async_trait]
impl Sampler for Answers {
    async fn ask(&self, _: &str, _: Option<&str>, _: &str, _: &str) -> Call<Probe> {
        Ok(match &self.seen.answer {
            Some(SeenAnswer::Status(status)) => Probe::Answered(*status),
            Some(SeenAnswer::Error(error)) => Probe::Failed(error.clone()),
            Some(SeenAnswer::Silent) => Probe::Silent,
            None => Probe::Failed("the scenario has no answer".to_owned()),
        })
    }
}

#[async_trait]
impl Schedules for Answers {
    async fn schedule_at(&self, _: &str, _: Timestamp, _: &Value) -> Call<()> {
        self.takes("scheduler", "CreateSchedule")
    }
}

#[async_trait]
impl Bus for Answers {
    async fn publish(&self, detail_type: &str, _: &Value) -> Call<()> {
        self.takes_as(detail_type, "events", "PutEvents")
    }
}

#[async_trait]
impl Alerts for Answers {
    async fn notify(&self, _: &str, _: &str) -> Call<()> {
        self.takes("sns", "Publish")
    }
}

#[async_trait]
impl Reports for Answers {
    async fn read(&self, _: &str, key: &str) -> Call<MonitorReport> {
        Ok(match &self.report {
            Some(text) => MonitorReport::from_json(text),
            None => MonitorReport::Unreadable(format!("{key} is not there")),
        })
    }
}

#[async_trait]
impl Alarms for Answers {
    async fn in_alarm(&self, names: &[String]) -> Call<Vec<AlarmChanged>> {
        Ok(self.alarms.iter().filter(|alarm| names.contains(&alarm.alarm)).cloned().collect())
    }
}

#[async_trait]
impl Metrics for Answers {
    async fn invocations(&self, queries: &[InvocationQuery], _: Timestamp) -> Call<Vec<Option<u64>>> {
        // A tick asks for the idle window first and for the time since the deployment second.
        let pair = [self.seen.in_window, self.seen.since_deployment];
        Ok(pair.iter().cycle().copied().take(queries.len()).collect())
    }
}

#[async_trait]
impl Capacity for Answers {
    async fn set_capacity_limits(&self, _: &str, _: u32, _: u32) -> Call<String> {
        self.takes("application-autoscaling", "RegisterScalableTarget").map(|()| String::new())
    }

    async fn ensure_scale_from_zero_alarm(&self, _: &str) -> Call<String> {
        self.takes("application-autoscaling", "PutScalingPolicy").map(|()| String::new())
    }

    async fn set_copy_count(&self, _: &str, _: u32) -> Call<String> {
        self.takes("sagemaker", "UpdateInferenceComponentRuntimeConfig").map(|()| String::new())
    }
}
