//! The settings of the model behind an endpoint. All kinds of endpoints have a model.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::file::Vpc;
use crate::names::RoleArn;

/// The optional fields.
pub(super) const FIELDS: &[&str] = &["environment", "executionRole"];
/// The optional fields about the model's network, which a serverless endpoint does not have.
pub(super) const NETWORK: &[&str] = &["vpc", "networkIsolation"];

/// What a policy sets on the model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelSettings {
    /// The network to which its containers are attached; SageMaker's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<Vpc>,
    /// Whether its containers can make no network call at all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub network_isolation: bool,
    /// Variables of the containers' environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// The role of its containers; the model role of the stack if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_role: Option<RoleArn>,
}
