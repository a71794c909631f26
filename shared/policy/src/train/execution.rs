//! The executions that train started, and what SageMaker says about one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use tidegate_events::{ExecutionStatus, RetrainingRequested};

use super::State;

/// The number of executions that the state stores for a model. Events arrive within hours.
const STORED: usize = 20;

/// An execution that train started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Its display name, which no other execution of the pipeline has. Events contain it.
    pub name: String,
    /// The client token of its start.
    pub token: String,
    /// When its start was decided.
    pub at: Timestamp,
    /// Why it was started, as one line for people.
    pub description: String,
    /// The request that it answers; none for a commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// The fingerprint of the definition that it must run, if it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Who made what it trains: who pushed the commit, as principals. Empty if that is not known.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub authors: BTreeSet<String>,
    /// The ARNs of the model packages that its steps registered, once its end is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
    /// Its end, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

/// The retraining request that an execution answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its id.
    pub id: String,
    /// The environment that sent it.
    pub environment: String,
    /// The account of the environment.
    pub environment_account: String,
    /// When it was sent.
    pub at: Timestamp,
}

/// The end of an execution. `RetryPipelineExecution` continues an execution that has ended, so that it ends again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The status, such as `Failed`.
    pub status: String,
    /// When SageMaker last changed the execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// An execution in the list of a pipeline's executions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedExecution {
    /// Its ARN.
    pub arn: String,
    /// Its display name.
    pub name: Option<String>,
    /// Its status.
    pub status: ExecutionStatus,
}

/// An execution as SageMaker describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedExecution {
    /// Its status.
    pub status: ExecutionStatus,
    /// Why it failed.
    pub failure: Option<String>,
    /// When it last changed.
    pub last_modified: Option<Timestamp>,
    /// The version of the pipeline that it runs.
    pub version: Option<i64>,
    /// The definition that it runs, as text.
    pub definition: Option<String>,
    /// Its steps that have begun, oldest first.
    pub steps: Vec<ExecutedStep>,
}

/// A step of an execution.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecutedStep {
    /// Its name.
    pub name: String,
    /// Its status, such as `Failed`.
    pub status: String,
    /// Why it failed.
    pub failure: Option<String>,
    /// Whether it ran a job that trains a model.
    pub trains: bool,
    /// The ARN of the model package that it registered.
    pub package: Option<String>,
}

impl ExecutedStep {
    pub(super) fn is(&self, status: &str) -> bool {
        self.status.eq_ignore_ascii_case(status)
    }
}

impl Request {
    pub(super) fn of(request: &RetrainingRequested) -> Self {
        Self {
            id: request.request_id.clone(),
            environment: request.environment.clone(),
            environment_account: request.environment_account.clone(),
            at: request.requested_at,
        }
    }
}

/// Whether a status is the end of an execution, as far as this version knows.
#[must_use]
pub fn has_ended(status: &ExecutionStatus) -> bool {
    !matches!(status, ExecutionStatus::Executing | ExecutionStatus::Stopping | ExecutionStatus::Unknown(_))
}

impl State {
    /// The execution with this display name, if train started it.
    #[must_use]
    pub fn execution(&self, name: Option<&str>) -> Option<&Execution> {
        self.executions.iter().find(|one| Some(one.name.as_str()) == name)
    }

    /// Whether the list shows an end that the state does not contain: its event may have been lost.
    #[must_use]
    pub fn misses_end_of(&self, listed: &ListedExecution) -> bool {
        has_ended(&listed.status)
            && self.execution(listed.name.as_deref()).is_some_and(|known| {
                known.end.as_ref().is_none_or(|end| ExecutionStatus::read(&end.status) != listed.status)
            })
    }

    /// Whether the sweep must look at the executions: one has not ended, or has not succeeded and may be retried.
    #[must_use]
    pub fn awaits_end(&self) -> bool {
        self.executions.iter().any(|one| one.end.as_ref().is_none_or(|end| end.status != "Succeeded"))
    }

    /// Who made a version: who pushed the commit of the execution that registered it. Empty if that is not known, for example
    /// if somebody else started the execution, or if it is not one of the newest. The execution itself is the proof: the
    /// origin in the description of a package is written by whoever registers it.
    #[must_use]
    pub fn authors_of(&self, package_arn: &str) -> BTreeSet<String> {
        let registered =
            |one: &&Execution| one.packages.iter().any(|arn| arn.eq_ignore_ascii_case(package_arn));
        self.executions.iter().find(registered).map(|one| one.authors.clone()).unwrap_or_default()
    }

    /// Who pushed the commits that the branches of the pipeline have now; nobody if one of them is not known.
    pub(super) fn authors_of_branches(&self) -> BTreeSet<String> {
        let all: Option<BTreeSet<String>> = self.pushes.values().map(|push| push.by.clone()).collect();
        all.unwrap_or_default()
    }

    /// Stores a start.
    pub(super) fn begin(&mut self, execution: Execution) {
        self.executions.retain(|one| one.token != execution.token);
        self.executions.push(execution);
        let excess = self.executions.len().saturating_sub(STORED);
        self.executions.drain(..excess);
    }
}
