//! The data that a function reads, as written in a file.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use tidegate_engine::ports::{ApprovedPackage, RegistryPackage};
use tidegate_events::{AlarmChanged, ApprovalStatus, Body, EndpointStatus, PackageStatus, parse_value};
use tidegate_policy::artifacts::Container;
use tidegate_policy::deploy::{
    Answer, ComponentStatus, DeployedImage, Endpoint, Probe, QueuedSample, RunningComponent, RunningConfig,
    RunningContainer, RunningModel, ScalableTarget, Setting, Unhealthy,
};
use tidegate_policy::endpoint::CopySize;
use tidegate_policy::freeze::Freezes;
use tidegate_policy::hold::Holds;
use tidegate_policy::owner::Tags;
use tidegate_policy::promote::Package;
use tidegate_policy::respond::MonitorReport;
use tidegate_policy::train::{JobRoles, PipelineRoles};

use super::read::{ScenarioError, read, read_json};
use super::seen_execution::SeenExecution;
use super::seen_gates::{SeenAlarm, SeenFeatureGroup, SeenVersion};
use crate::aws::CannedResponses;

/// The data that a function reads from its ports. An absent field means that the resource does not exist.
/// `events/scenarios/README.md` has an example of each field.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Seen {
    /// The definition file in the commit, as text.
    pub definition: Option<String>,
    /// The definition file in the commit, as a file.
    pub definition_sample: Option<String>,
    /// The number of characters of the definition file: it ends in so many spaces.
    pub definition_characters: Option<usize>,
    /// The pipeline's present definition, as text.
    pub pipeline: Option<String>,
    /// The pipeline's present definition, as a file.
    pub pipeline_sample: Option<String>,
    /// The pipeline's tags; that of the policy's model if absent.
    pub pipeline_tags: Option<Tags>,
    /// Executions that have not ended, newest first.
    pub running: Vec<String>,
    /// The hub's pipeline role and the roles that it may pass to jobs; not known if absent.
    pub job_roles: Option<JobRoles>,
    /// The ARN of the pipeline's role; not known if absent.
    pub pipeline_role: Option<String>,
    /// The roles that train may pass as the role of a pipeline; a role of the hub if absent.
    pub pipeline_roles: Option<PipelineRoles>,
    /// Executions with their details, newest first.
    pub executions: Vec<SeenExecution>,
    /// The commit at the head of each branch.
    pub heads: BTreeMap<String, String>,
    /// The state of the package in the registry.
    pub package: Option<SeenPackage>,
    /// The newest approved version of the group.
    pub newest_approved: Option<SeenApproved>,
    /// The endpoint.
    pub endpoint: Option<SeenEndpoint>,
    /// The containers of the version's model.
    pub model: Option<Vec<RunningContainer>>,
    /// The inference component.
    pub component: Option<SeenComponent>,
    /// The result of the sample request.
    pub answer: Option<SeenAnswer>,
    /// The monitoring report, as text.
    pub report: Option<String>,
    /// The monitoring report, as a file.
    pub report_sample: Option<String>,
    /// Alarms that are in ALARM, as event files.
    pub alarms: Vec<String>,
    /// The active holds, by environment or `*` for the whole model.
    pub holds: Holds,
    /// The freezes of every model.
    pub fleet: Freezes,
    /// Versions in the registry with what gates read, by number.
    pub versions: BTreeMap<u64, SeenVersion>,
    /// The states of alarms, by name.
    pub alarm_states: BTreeMap<String, SeenAlarm>,
    /// Feature groups, by name.
    pub feature_groups: BTreeMap<String, SeenFeatureGroup>,
    /// The calls that AWS rejects, with the error as `CODE: message`: by operation, or by detail-type for one of our
    /// events.
    pub refuses: BTreeMap<String, String>,
    /// Since when the current version has served.
    pub live_since: Option<Timestamp>,
    /// Why the current version does not serve as it was deployed.
    pub unhealthy: Option<Unhealthy>,
    /// Whether a deployment is in flight.
    pub deploying: bool,
    /// The state of train, for functions that read it.
    pub train: Value,
    /// The promotion of the model, in promote's state.
    pub promotion: Value,
    /// Invocations in the idle window; if absent, CloudWatch returns no data.
    pub in_window: Option<u64>,
    /// Invocations since the deployment.
    pub since_deployment: Option<u64>,
}

/// A package in the registry.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenPackage {
    /// Its approval.
    pub approval: String,
    /// Its status; `Completed` if absent.
    #[serde(default)]
    pub status: Option<String>,
    /// The fingerprint of its images and model data; not known if absent.
    #[serde(default)]
    pub artifacts: Option<String>,
    /// Its containers; not known if absent.
    #[serde(default)]
    pub containers: Vec<SeenContainer>,
    /// When it last changed.
    #[serde(default)]
    pub last_modified: Option<Timestamp>,
}

/// A container of a package.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenContainer {
    /// Its image.
    pub image: String,
    /// The digest of the image.
    #[serde(default)]
    pub digest: Option<String>,
    /// The place of its model data.
    #[serde(default)]
    pub model_data: Option<String>,
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
    /// The active configuration.
    #[serde(default)]
    pub config: Option<String>,
    /// The configuration that an update in progress applies.
    #[serde(default)]
    pub pending_config: Option<String>,
    /// Why it failed.
    #[serde(default)]
    pub failure: Option<String>,
    /// The images that its variants run.
    #[serde(default)]
    pub images: Vec<DeployedImage>,
    /// The number of instances that it should have.
    #[serde(default)]
    pub desired_instances: Option<u32>,
    /// When it was created.
    #[serde(default)]
    pub created: Option<Timestamp>,
    /// When it last changed.
    #[serde(default)]
    pub last_modified: Option<Timestamp>,
    /// Its tags; those of the policy's model and environment if absent.
    #[serde(default)]
    pub tags: Option<Tags>,
    /// What it runs.
    #[serde(default)]
    pub runs: SeenConfig,
}

/// What an endpoint runs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeenConfig {
    /// Its production variants.
    pub variants: Vec<String>,
    /// The models of its variants.
    pub models: Vec<String>,
    /// Its shadow variants.
    pub shadow_variants: Vec<String>,
    /// The instance type of its first variant.
    pub instance_type: Option<String>,
    /// Its settings, each with its value for people.
    pub settings: Vec<Setting>,
    /// The limits of its variant in Application Auto Scaling.
    pub limits: Option<ScalableTarget>,
}

/// An inference component.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenComponent {
    /// Its status.
    pub status: String,
    /// The model that it runs.
    #[serde(default)]
    pub model: Option<String>,
    /// The image that it runs.
    #[serde(default)]
    pub image: Option<DeployedImage>,
    /// Memory for each copy in MB.
    #[serde(default)]
    pub memory_mb: Option<u32>,
    /// Accelerators for each copy.
    #[serde(default)]
    pub accelerators: Option<u32>,
    /// CPU cores for each copy.
    #[serde(default)]
    pub cpus: Option<u32>,
    /// The number of running copies.
    #[serde(default)]
    pub copies: Option<u32>,
    /// Why it failed.
    #[serde(default)]
    pub failure: Option<String>,
    /// When it last changed.
    #[serde(default)]
    pub last_modified: Option<Timestamp>,
    /// Its endpoint.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// When it was created.
    #[serde(default)]
    pub created: Option<Timestamp>,
    /// Its tags; those of the policy's model and environment if absent.
    #[serde(default)]
    pub tags: Option<Tags>,
    /// The limits of its copies in Application Auto Scaling.
    #[serde(default)]
    pub limits: Option<ScalableTarget>,
}

/// The result of the sample request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum SeenAnswer {
    /// A response with this status.
    Status(u16),
    /// A response with a body.
    Reply(SeenReply),
    /// An error.
    Error(String),
    /// No response before the timeout.
    Silent,
    /// An error with which a model answers that is still starting.
    NotReady(String),
    /// The request is in the queue of an asynchronous endpoint.
    Queued(QueuedSample),
}

/// A response to the sample request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenReply {
    /// Its status; 200 if absent.
    #[serde(default)]
    pub status: Option<u16>,
    /// Its content type.
    #[serde(default)]
    pub content_type: Option<String>,
    /// Its body.
    pub body: String,
    /// How many milliseconds it took; 50 if absent.
    #[serde(default)]
    pub millis: Option<i64>,
}

impl Seen {
    /// The tags that the file gives, by the type of the resource.
    fn tags(&self) -> BTreeMap<String, Tags> {
        [
            ("pipeline", self.pipeline_tags.as_ref()),
            ("endpoint", self.endpoint.as_ref().and_then(|endpoint| endpoint.tags.as_ref())),
            ("inference-component", self.component.as_ref().and_then(|component| component.tags.as_ref())),
        ]
        .into_iter()
        .filter_map(|(kind, tags)| Some((kind.to_owned(), tags?.clone())))
        .collect()
    }

    /// The responses of AWS. The files that it refers to are below `root`.
    ///
    /// # Errors
    /// If a file cannot be read or is not valid.
    pub(super) fn responses(&self, root: &Path) -> Result<CannedResponses, ScenarioError> {
        let text = |inline: &Option<String>, sample: &Option<String>| match sample {
            Some(file) => read(&root.join(file)).map(Some),
            None => Ok(inline.clone()),
        };
        let report = text(&self.report, &self.report_sample)?;
        Ok(CannedResponses {
            file: text(&self.definition, &self.definition_sample)?.map(|text| self.padded(text)),
            heads: self.heads.clone(),
            pipeline: text(&self.pipeline, &self.pipeline_sample)?,
            running: self.running.clone(),
            job_roles: self.job_roles.clone(),
            pipeline_role: self.pipeline_role.clone(),
            pipeline_roles: self.pipeline_roles.clone(),
            executions: self.executions.iter().map(SeenExecution::read).collect(),
            package: self.package.as_ref().map(SeenPackage::read),
            newest_approved: self.newest_approved.as_ref().map(SeenApproved::read),
            endpoint: self.endpoint.as_ref().map(SeenEndpoint::read),
            component: self.component.as_ref().map(SeenComponent::read),
            tags: self.tags(),
            running_config: self.endpoint.as_ref().map(SeenEndpoint::runs).unwrap_or_default(),
            model: self.model.clone().map(|containers| RunningModel { containers }),
            component_limits: self.component.as_ref().and_then(|component| component.limits.clone()),
            probe: self.answer.as_ref().map(SeenAnswer::read),
            report: report.map(|text| MonitorReport::from_json(&text)),
            alarms: self.alarms.iter().map(|file| alarm(&root.join(file))).collect::<Result<_, _>>()?,
            versions: self.versions.iter().map(|(version, seen)| (*version, seen.read(*version))).collect(),
            files: self.versions.iter().filter_map(|(version, seen)| seen.text(*version)).collect(),
            alarm_states: self.alarm_states.iter().map(|(name, seen)| (name.clone(), seen.read())).collect(),
            feature_groups: self
                .feature_groups
                .iter()
                .map(|(name, seen)| (name.clone(), seen.read()))
                .collect(),
            invocations: [self.in_window, self.since_deployment],
            refuses: self.refuses.clone(),
        })
    }
}

impl Seen {
    /// A definition with as many characters as the scenario says.
    fn padded(&self, text: String) -> String {
        let length = self.definition_characters.unwrap_or_default();
        let missing = length.saturating_sub(text.chars().count());
        text + &" ".repeat(missing)
    }
}

fn alarm(file: &Path) -> Result<AlarmChanged, ScenarioError> {
    match parse_value(read_json(file)?).map_err(|error| ScenarioError::new(file, error))?.body {
        Body::AlarmChanged(alarm) => Ok(alarm),
        _ => Err(ScenarioError::new(file, "it is no state change of an alarm")),
    }
}

impl SeenPackage {
    fn read(&self) -> RegistryPackage {
        let status = self.status.as_deref().map_or(PackageStatus::Completed, PackageStatus::read);
        let package = Package {
            approval: ApprovalStatus::read(&self.approval),
            status,
            artifacts: self.artifacts.clone(),
        };
        let containers = self.containers.iter().map(SeenContainer::read).collect();
        RegistryPackage { package, containers, last_modified: self.last_modified }
    }
}

impl SeenContainer {
    fn read(&self) -> Container {
        Container {
            image: Some(self.image.clone()),
            image_digest: self.digest.clone(),
            model_data_url: self.model_data.clone(),
            ..Container::default()
        }
    }
}

impl SeenApproved {
    fn read(&self) -> ApprovedPackage {
        ApprovedPackage { arn: self.arn.clone(), version: self.version }
    }
}

impl SeenEndpoint {
    fn runs(&self) -> RunningConfig {
        let SeenConfig { variants, models, shadow_variants, instance_type, settings, limits } =
            self.runs.clone();
        let scalable_targets = limits.into_iter().collect();
        RunningConfig { variants, models, shadow_variants, instance_type, settings, scalable_targets }
    }

    fn read(&self) -> Endpoint {
        Endpoint {
            arn: String::new(),
            status: EndpointStatus::read(&self.status),
            config: self.config.clone(),
            pending_config: self.pending_config.clone(),
            failure: self.failure.clone(),
            images: self.images.clone(),
            desired_instances: self.desired_instances,
            created: self.created,
            last_modified: self.last_modified,
        }
    }
}

impl SeenComponent {
    fn read(&self) -> RunningComponent {
        RunningComponent {
            arn: String::new(),
            endpoint: self.endpoint.clone(),
            created: self.created,
            status: ComponentStatus::read(&self.status),
            model: self.model.clone(),
            image: self.image.clone(),
            size: self.memory_mb.map(|memory_mb| CopySize {
                memory_mb,
                max_memory_mb: None,
                accelerators: self.accelerators,
                cpus: self.cpus,
            }),
            copies: self.copies,
            startup: None,
            failure: self.failure.clone(),
            last_modified: self.last_modified,
        }
    }
}

impl SeenAnswer {
    fn read(&self) -> Probe {
        match self {
            Self::Status(status) => Probe::Answered(*status),
            Self::Reply(reply) => Probe::Replied(Answer {
                status: reply.status.unwrap_or(200),
                content_type: reply.content_type.clone(),
                body: reply.body.clone().into_bytes(),
                took: SignedDuration::from_millis(reply.millis.unwrap_or(50)),
            }),
            Self::Error(error) => Probe::Failed(error.clone()),
            Self::Silent => Probe::Silent,
            Self::NotReady(error) => Probe::NotReady(error.clone()),
            Self::Queued(sample) => Probe::Queued(sample.clone()),
        }
    }
}
