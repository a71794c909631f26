//! The notifications of an asynchronous endpoint.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::TopicArn;

/// The SNS topics to which SageMaker publishes the end of each asynchronous request.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AsyncInferenceNotificationConfig.html>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Notify {
    /// The topic for requests that were answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<TopicArn>,
    /// The topic for requests that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TopicArn>,
    /// The topics whose notifications contain the answer itself, up to 128 KB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2))]
    pub include_response_in: Option<Vec<NotifiedTopic>>,
}

/// A topic of the notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum NotifiedTopic {
    /// The topic for requests that were answered.
    Success,
    /// The topic for requests that failed.
    Error,
}
