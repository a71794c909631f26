//! A pipeline execution, as written in a scenario.

use jiff::Timestamp;
use serde::Deserialize;
use tidegate_events::ExecutionStatus;
use tidegate_policy::train::{DescribedExecution, ExecutedStep, ListedExecution};

/// A pipeline execution.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenExecution {
    /// Its ARN.
    pub arn: String,
    /// Its display name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its status.
    pub status: String,
    /// Why it failed.
    #[serde(default)]
    pub failure: Option<String>,
    /// When it last changed.
    #[serde(default)]
    pub last_modified: Option<Timestamp>,
    /// The version of the pipeline that it runs.
    #[serde(default)]
    pub version: Option<i64>,
    /// The definition that it runs, as text.
    #[serde(default)]
    pub definition: Option<String>,
    /// Its steps, oldest first.
    #[serde(default)]
    pub steps: Vec<SeenStep>,
}

/// A step of an execution.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenStep {
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: String,
    /// Why it failed.
    #[serde(default)]
    pub failure: Option<String>,
    /// Whether it ran a job that trains a model.
    #[serde(default)]
    pub trains: bool,
    /// The ARN of the model package that it registered.
    #[serde(default)]
    pub package: Option<String>,
}

impl SeenExecution {
    pub(super) fn read(&self) -> (ListedExecution, DescribedExecution) {
        let status = ExecutionStatus::read(&self.status);
        let listed =
            ListedExecution { arn: self.arn.clone(), name: self.name.clone(), status: status.clone() };
        let described = DescribedExecution {
            status,
            failure: self.failure.clone(),
            last_modified: self.last_modified,
            version: self.version,
            definition: self.definition.clone(),
            steps: self.steps.iter().map(SeenStep::read).collect(),
        };
        (listed, described)
    }
}

impl SeenStep {
    fn read(&self) -> ExecutedStep {
        ExecutedStep {
            name: self.name.clone(),
            status: self.status.clone(),
            failure: self.failure.clone(),
            trains: self.trains,
            package: self.package.clone(),
        }
    }
}
