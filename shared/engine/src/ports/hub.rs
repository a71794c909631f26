//! The ports of the functions in the hub.

use async_trait::async_trait;
use jiff::Timestamp;
use tidegate_policy::artifacts::Container;
use tidegate_policy::owner::Tags;
use tidegate_policy::promote::Package;
use tidegate_policy::train::{
    DescribedExecution, JobRoles, ListedExecution, Pipeline, PipelineRoles, StartRequest,
};

use crate::CallError;

/// A source repository.
#[async_trait]
pub trait Repository: Send + Sync {
    /// Returns the content of a file at a commit, or `None` if the commit does not contain it.
    async fn file(&self, repository: &str, commit: &str, path: &str) -> Result<Option<String>, CallError>;
    /// Returns the commit at the head of a branch, or `None` if the branch does not exist.
    async fn head(&self, repository: &str, branch: &str) -> Result<Option<String>, CallError>;
}

/// SageMaker Pipelines.
#[async_trait]
pub trait Pipelines: Send + Sync {
    /// Describes a pipeline. Returns `None` if it does not exist.
    async fn pipeline(&self, name: &str) -> Result<Option<Pipeline>, CallError>;
    /// The roles that the hub's pipeline role may pass to jobs, or `None` if that is not known.
    fn job_roles(&self) -> Option<JobRoles>;
    /// The roles that train may pass to SageMaker as the role of a pipeline.
    fn pipeline_roles(&self) -> PipelineRoles;
    /// Lists the newest executions, newest first. The list is empty if the pipeline does not exist.
    async fn executions(&self, name: &str) -> Result<Vec<ListedExecution>, CallError>;
    /// Describes an execution with its steps and its definition. Returns `None` if it does not exist.
    async fn execution(&self, arn: &str) -> Result<Option<DescribedExecution>, CallError>;
    /// Lists the newest versions of a pipeline's definition, newest first.
    async fn versions(&self, name: &str) -> Result<Vec<i64>, CallError>;
    /// Returns the definition of one version of a pipeline.
    async fn definition(&self, name: &str, version: i64) -> Result<Option<String>, CallError>;
    /// Returns the tags of a pipeline, by its ARN. A pipeline that does not exist has none.
    async fn tags(&self, arn: &str) -> Result<Tags, CallError>;
    /// Adds tags to a pipeline, by its ARN. Other tags stay.
    async fn add_tags(&self, arn: &str, tags: &[(String, String)]) -> Result<String, CallError>;
    /// Creates a pipeline with a role, or with that of the hub's stack. Its definition is version 1.
    async fn create(
        &self,
        name: &str,
        definition: &str,
        role: Option<&str>,
        token: &str,
        tags: &[(String, String)],
    ) -> Result<(), CallError>;
    /// Updates the definition of a pipeline, and its role if one is given. Returns the new version if SageMaker returns it.
    async fn update(
        &self,
        name: &str,
        definition: &str,
        role: Option<&str>,
    ) -> Result<Option<i64>, CallError>;
    /// Starts an execution and returns its ARN. The same token returns the same execution.
    async fn start(&self, request: &StartRequest<'_>) -> Result<String, CallError>;
}

/// A model package, as the registry describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryPackage {
    /// The properties that promotion decides on.
    pub package: Package,
    /// Its containers; empty if it has no inference specification, or if that is not known.
    pub containers: Vec<Container>,
    /// The time of the last change.
    pub last_modified: Option<Timestamp>,
}

/// An approved version in a list of packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedPackage {
    /// The ARN of the package.
    pub arn: String,
    /// The version of the package.
    pub version: u64,
}

/// The SageMaker Model Registry.
#[async_trait]
pub trait Registry: Send + Sync {
    /// Describes a package by its ARN. The package may be in another account whose group policy permits the access.
    /// Returns `None` if it does not exist.
    async fn package(&self, arn: &str) -> Result<Option<RegistryPackage>, CallError>;
    /// Returns the newest approved version of a group.
    async fn newest_approved(&self, group: &str) -> Result<Option<ApprovedPackage>, CallError> {
        self.approved_before(group, u64::MAX).await
    }
    /// Returns the newest approved version of a group that is older than a version.
    async fn approved_before(&self, group: &str, version: u64) -> Result<Option<ApprovedPackage>, CallError>;
    /// Returns the groups of this account with a package that changed since a time. The list may be incomplete.
    async fn groups_changed_since(&self, since: Timestamp) -> Result<Vec<String>, CallError>;
    /// Updates the life cycle of a package.
    async fn update_lifecycle(
        &self,
        arn: &str,
        stage: &str,
        status: &str,
        description: &str,
    ) -> Result<(), CallError>;
    /// Sets the approval status of a package to `Rejected`, with a description of who rejected it and why.
    async fn reject(&self, arn: &str, description: &str) -> Result<(), CallError>;
}
