//! The outputs of the world: events for EventBridge, datapoints for CloudWatch, objects for S3.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// One output of the world.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Emission {
    /// An event on the default bus of an account.
    Event(Event),
    /// A metric datapoint.
    Metric(Metric),
    /// A file that a job wrote to S3.
    Object(Object),
}

impl Emission {
    /// The account it belongs to; emissions of one account are delivered in order.
    #[must_use]
    pub fn account(&self) -> &str {
        match self {
            Self::Event(event) => &event.account,
            Self::Metric(metric) => &metric.account,
            Self::Object(object) => &object.account,
        }
    }
}

/// An event as a service puts it on the default bus. The envelope id is the bus's matter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// The account where it happened.
    pub account: String,
    /// The region where it happened.
    pub region: String,
    /// For example `aws.sagemaker`.
    pub source: String,
    /// For example `SageMaker Endpoint State Change`.
    pub detail_type: String,
    /// The ARNs concerned.
    pub resources: Vec<String>,
    /// The body.
    pub detail: Value,
    /// When it happened (not when it is delivered).
    pub time: Timestamp,
    /// How many times the service sends it, each time under another envelope id.
    pub copies: u32,
}

/// A metric datapoint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metric {
    /// The account it is charged to.
    pub account: String,
    /// The region.
    pub region: String,
    /// For example `AWS/SageMaker`.
    pub namespace: String,
    /// For example `Invocations`.
    pub name: String,
    /// Name and value, in the order of the documentation.
    pub dimensions: Vec<(String, String)>,
    /// The measured value.
    pub value: f64,
    /// CloudWatch's unit, for example `Count`.
    pub unit: String,
    /// When it was measured.
    pub time: Timestamp,
}

/// A file that a job of a pipeline wrote.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Object {
    /// The account whose job wrote it.
    pub account: String,
    /// The region of the job.
    pub region: String,
    /// Where it was written, `s3://bucket/key`.
    pub uri: String,
    /// What was written.
    pub body: String,
}
