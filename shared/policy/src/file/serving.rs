//! Settings for a serving endpoint: verification, capture, monitoring, scaling.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::Duration;
use crate::names::{ContentType, S3Uri};

/// How a deployment is verified.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verify {
    /// One real invocation that must be answered. The same as `samples` with one entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoke: Option<Sample>,
    /// Real invocations, of which each must be answered as expected, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub samples: Vec<Sample>,
}

impl Verify {
    /// All sample requests, in their order.
    #[must_use]
    pub fn samples(&self) -> Vec<&Sample> {
        self.invoke.iter().chain(&self.samples).collect()
    }
}

/// A sample request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sample {
    /// Its content type, such as `text/csv`.
    #[schemars(length(min = 1, max = 1024))]
    pub content_type: String,
    /// Its body.
    pub body: String,
    /// The content type that the answer should have, as the client asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub accept: Option<String>,
    /// What the answer must be like; any answer without an error where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
}

/// What the answer to a sample request must be like.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expect {
    /// The status that the container answers with: 200, or 400 to 499 for a request that it must refuse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 200, max = 499))]
    pub status: Option<u16>,
    /// The content type, without its parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub content_type: Option<String>,
    /// A JSON Schema of the body, as JSON text. It can refer to no other document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// How many milliseconds the answer may take. The sample is sent up to three times, and one answer in time is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 60_000))]
    pub within_ms: Option<u32>,
}

/// Requests and answers that are kept for monitoring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Capture {
    /// Percent of the requests.
    #[schemars(range(min = 0, max = 100))]
    pub percent: u32,
    /// Where they are put, below `ENDPOINT/VARIANT/`.
    pub to: S3Uri,
    /// What is kept of them; both where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2))]
    pub include: Option<Vec<Captured>>,
    /// Content types that are kept as JSON. Others are kept in base64.
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CaptureContentTypeHeader.html>
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 10))]
    pub json: Option<Vec<ContentType>>,
    /// Content types that are kept as CSV. Others are kept in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 10))]
    pub csv: Option<Vec<ContentType>>,
}

/// A part of an invocation that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Captured {
    /// What clients send.
    Requests,
    /// What the model answers.
    Responses,
}

impl Capture {
    /// Whether a part is kept.
    #[must_use]
    pub fn includes(&self, part: Captured) -> bool {
        self.include.as_ref().is_none_or(|parts| parts.contains(&part))
    }
}

/// Watching what was captured for drift.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Monitor {
    /// How often: whole hours, at most a day.
    pub every: Duration,
    /// What is compared with.
    pub baseline: Baseline,
}

/// What captured data is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Baseline {
    /// The baseline that the version was registered with.
    FromRegistry,
}

/// How capacity follows traffic.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scale {
    /// To zero when idle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_zero: Option<ToZero>,
    /// Target tracking where traffic is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<ScaleTarget>,
}

/// To zero when idle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToZero {
    /// How long without an invocation counts as idle.
    pub idle: Duration,
    /// How long a new deployment is left alone.
    pub grace: Duration,
}

/// Target tracking: capacity follows the invocations of each instance or copy, or the requests that wait in the queue of
/// an asynchronous endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScaleTarget {
    /// Invocations a minute that each instance, or each copy of a component, should get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub invocations_per_instance: Option<u32>,
    /// Asynchronous: requests in the queue for each instance.
    /// <https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html>
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub backlog_per_instance: Option<u32>,
    /// The fewest instances or copies; only an asynchronous endpoint may have none.
    #[schemars(range(min = 0))]
    pub min: u32,
    /// The most instances or copies.
    #[schemars(range(min = 1))]
    pub max: u32,
    /// How long after a scale-in the next one may begin; AWS's default of 5 minutes where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_in_cooldown: Option<Duration>,
    /// How long after a scale-out the next one may begin; AWS's default of 5 minutes where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_out_cooldown: Option<Duration>,
}
