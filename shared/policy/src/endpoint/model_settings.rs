//! The settings of the model behind an endpoint. All kinds of endpoints have a model.

use serde::{Deserialize, Serialize};

use crate::file::Vpc;

/// The optional fields about the model's network. A serverless endpoint has none of them.
pub(super) const NETWORK: &[&str] = &["vpc"];

/// What a policy sets on the model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelSettings {
    /// The network to which its containers are attached; SageMaker's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<Vpc>,
}
