//! What the hub's functions need.

use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::BTreeMap;
use tidegate_policy::promote::Package;
use tidegate_policy::train::Pipeline;

use crate::CallError;

/// A source repository.
#[async_trait]
pub trait Repository: Send + Sync {
    /// The text of a file at a commit; `None` if it is not there.
    async fn file(&self, repository: &str, commit: &str, path: &str) -> Result<Option<String>, CallError>;
    /// The commit at the head of a branch; `None` if there is no such branch.
    async fn head(&self, repository: &str, branch: &str) -> Result<Option<String>, CallError>;
}

/// SageMaker Pipelines.
#[async_trait]
pub trait Pipelines: Send + Sync {
    /// The pipeline as it is.
    async fn pipeline(&self, name: &str) -> Result<Option<Pipeline>, CallError>;
    /// The executions that have not ended, newest first.
    async fn running(&self, name: &str) -> Result<Vec<String>, CallError>;
    /// Creates a pipeline.
    async fn create(&self, name: &str, definition: &str, token: &str) -> Result<(), CallError>;
    /// Changes a pipeline's definition.
    async fn update(&self, name: &str, definition: &str) -> Result<(), CallError>;
    /// Starts an execution and returns its ARN; the same token returns the same execution.
    async fn start(
        &self,
        name: &str,
        token: &str,
        display_name: &str,
        description: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Result<String, CallError>;
}

/// A package as the registry describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryPackage {
    /// What promotion decides on.
    pub package: Package,
    /// When it last changed.
    pub last_modified: Option<Timestamp>,
}

/// An approved version in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedPackage {
    /// Its ARN.
    pub arn: String,
    /// Its version.
    pub version: u64,
}

/// The SageMaker Model Registry.
#[async_trait]
pub trait Registry: Send + Sync {
    /// A package by ARN, also of another account whose group policy admits us; `None` if it is not there.
    async fn package(&self, arn: &str) -> Result<Option<RegistryPackage>, CallError>;
    /// The newest approved version of a group.
    async fn newest_approved(&self, group: &str) -> Result<Option<ApprovedPackage>, CallError>;
    /// Writes a package's life cycle.
    async fn update_lifecycle(
        &self,
        arn: &str,
        stage: &str,
        status: &str,
        description: &str,
    ) -> Result<(), CallError>;
}
