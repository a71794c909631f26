//! A model to create.

use serde::{Deserialize, Serialize};
use tidegate_events::DeploymentRequested;

use crate::file::Environment;
use crate::fingerprint::short;

/// A model to create: the approved package with the settings of the policy.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSpec {
    /// Its name.
    pub name: String,
    /// The package.
    pub package_arn: String,
}

impl ModelSpec {
    /// The model that a request requires in an environment.
    pub(super) fn of(environment: &Environment, request: &DeploymentRequested) -> Self {
        let endpoint = &environment.endpoint.name;
        let content = short(&[&request.package_arn], 6);
        Self {
            name: format!("{endpoint}-v{}-{content}", request.version),
            package_arn: request.package_arn.clone(),
        }
    }
}
