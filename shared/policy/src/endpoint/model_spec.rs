//! A model to create.

use serde::{Deserialize, Serialize};
use tidegate_events::DeploymentRequested;

use crate::file::Environment;
use crate::fingerprint::short;
use crate::owner;

/// A model to create: the approved package with the settings of the policy.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSpec {
    /// Its name.
    pub name: String,
    /// The package.
    pub package_arn: String,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<(String, String)>,
}

impl ModelSpec {
    /// The name of the model of a version.
    pub(super) fn name_of(environment: &Environment, version: u64, package_arn: &str) -> String {
        format!("{}-v{version}-{}", environment.endpoint.served_name(), short(&[package_arn], 6))
    }

    /// The model that a request requires in an environment.
    pub(super) fn of(environment: &Environment, request: &DeploymentRequested) -> Self {
        Self {
            name: Self::name_of(environment, request.version, &request.package_arn),
            package_arn: request.package_arn.clone(),
            tags: owner::tags(&request.model, Some(&request.environment)),
        }
    }
}
