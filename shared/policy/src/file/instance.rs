//! Settings of the instances behind an endpoint.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::Duration;
use crate::names::KmsKey;

/// The keys with which SageMaker encrypts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kms {
    /// For the storage volumes of the instances. Types with local NVMe storage encrypt it themselves and accept no key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<KmsKey>,
    /// For what `capture` stores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<KmsKey>,
    /// Asynchronous: for the answers in S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<KmsKey>,
}

/// What the model needs to start.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Startup {
    /// How long the container may take to answer SageMaker's health check, from 1m to 1h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<Duration>,
    /// How long the download of the model may take, from 1m to 1h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<Duration>,
    /// The size of each instance's storage volume in GB. Types with local NVMe storage have a fixed size.
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html>
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 512))]
    pub volume_gb: Option<u32>,
}
