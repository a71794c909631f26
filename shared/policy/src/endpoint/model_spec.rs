//! A model to create.

use serde::{Deserialize, Serialize};
use tidegate_events::DeploymentRequested;

use super::ModelSettings;
use crate::file::Environment;
use crate::fingerprint;
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
    /// What is set on it.
    #[serde(default, skip_serializing_if = "fingerprint::is_default")]
    pub settings: ModelSettings,
}

impl ModelSpec {
    /// The name of the model of a version, without what is set on it.
    pub(super) fn name_of(environment: &Environment, version: u64, package_arn: &str) -> String {
        format!("{}-v{version}-{}", environment.endpoint.served_name(), fingerprint::short(&[package_arn], 6))
    }

    /// The model that a request requires in an environment.
    pub(super) fn of(environment: &Environment, request: &DeploymentRequested) -> Self {
        let settings = environment.endpoint.model.clone();
        let set = fingerprint::of_settings(&settings, 6);
        let package = Self::name_of(environment, request.version, &request.package_arn);
        Self {
            // 20 characters at most after the endpoint's name: the version of a package has up to 5 digits.
            name: format!("{package}{set}"),
            package_arn: request.package_arn.clone(),
            tags: owner::tags(&request.model, Some(&request.environment)),
            settings,
        }
    }
}
