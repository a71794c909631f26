//! Configured results: responses, rejections, and how long AWS operations take.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use tidegate_engine::ports::{ApprovedPackage, RegistryPackage};
use tidegate_events::AlarmChanged;
use tidegate_policy::deploy::{
    Endpoint, Probe, RunningComponent, RunningConfig, RunningModel, ScalableTarget,
};
use tidegate_policy::owner::Tags;
use tidegate_policy::promote::{AlarmFact, FeatureGroup, VersionDetails};
use tidegate_policy::respond::MonitorReport;
use tidegate_policy::train::{DescribedExecution, JobRoles, ListedExecution, PipelineRoles};

/// The duration of AWS operations that no event reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// An execution of a pipeline.
    pub training: SignedDuration,
    /// An endpoint or a component, until it is in service.
    pub deployment: SignedDuration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { training: SignedDuration::from_mins(30), deployment: SignedDuration::from_mins(5) }
    }
}

/// Responses for every name that is not known.
#[derive(Debug, Clone, Default)]
pub struct CannedResponses {
    /// The text of any file at any commit.
    pub file: Option<String>,
    /// The head of each branch, in any repository.
    pub heads: BTreeMap<String, String>,
    /// The definition of any pipeline.
    pub pipeline: Option<String>,
    /// Executions of any pipeline that have not ended, newest first.
    pub running: Vec<String>,
    /// The roles that the pipeline role may pass, if they are known.
    pub job_roles: Option<JobRoles>,
    /// The role of any pipeline that exists, if it is known.
    pub pipeline_role: Option<String>,
    /// The roles that train may pass as the role of a pipeline; a role of the account if absent.
    pub pipeline_roles: Option<PipelineRoles>,
    /// Executions of any pipeline, newest first, as a list shows them and with their details.
    pub executions: Vec<(ListedExecution, DescribedExecution)>,
    /// Any package.
    pub package: Option<RegistryPackage>,
    /// The newest approved version of any group.
    pub newest_approved: Option<ApprovedPackage>,
    /// Any endpoint.
    pub endpoint: Option<Endpoint>,
    /// Any component.
    pub component: Option<RunningComponent>,
    /// The tags of any pipeline, endpoint or component, by the type in its ARN: `pipeline`, `endpoint` or
    /// `inference-component`. Without an entry a resource that a policy names has the tags of that policy.
    pub tags: BTreeMap<String, Tags>,
    /// What any endpoint runs.
    pub running_config: RunningConfig,
    /// Any model.
    pub model: Option<RunningModel>,
    /// The limits of any component in Application Auto Scaling.
    pub component_limits: Option<ScalableTarget>,
    /// The result of a sample request to any endpoint.
    pub probe: Option<Probe>,
    /// Any monitoring report.
    pub report: Option<MonitorReport>,
    /// The alarms that are in ALARM.
    pub alarms: Vec<AlarmChanged>,
    /// Invocations of any endpoint: in the idle window, and since the deployment.
    pub invocations: [Option<u64>; 2],
    /// Versions in the registry, by number.
    pub versions: BTreeMap<u64, VersionDetails>,
    /// The texts of files in S3, by URI.
    pub files: BTreeMap<String, String>,
    /// The states of alarms, by name.
    pub alarm_states: BTreeMap<String, AlarmFact>,
    /// Feature groups, by name.
    pub feature_groups: BTreeMap<String, FeatureGroup>,
    /// The calls that AWS rejects, with the error as `CODE: message`: by operation, or by detail-type for one of our
    /// events.
    pub refuses: BTreeMap<String, String>,
}
