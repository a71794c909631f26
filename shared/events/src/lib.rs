//! Pure parsing of AWS events and of our own into one event type.
//!
//! [`parse`] turns the bytes of one invocation into an [`Event`]: the [`Envelope`] that Amazon EventBridge puts around
//! every event, and a [`Body`] with the few fields that Tidegate decides on. Nothing here reads a clock, a network or a
//! file, so that what the functions see and what a replay sees is the same.
//!
//! Two attitudes live side by side:
//!
//! * Events **from AWS** are read tolerantly exactly where AWS is sloppy: times in four spellings, `null` for absent,
//!   upper-snake statuses, lower-cased ARNs, a `detail` that is a string. A status that is new to us becomes
//!   `Unknown(..)`, never an error and never a guess. An event of a kind we know that lacks what makes it that kind is an
//!   [`EventError`], not [`Body::Other`].
//! * Events **of our own contract** (source [`SOURCE`]) are read strictly: unknown fields, missing fields, empty names
//!   and an unknown `schema` are errors that name the field and the fix.
//!
//! [`Event::meaning`] is the key for idempotency: AWS may tell one change several times under different ids.

mod aws;
mod contract;
mod envelope;
mod error;
mod fields;
mod idempotency_key;
mod json;
mod received;
mod schedule;
mod status;
mod time;

use serde_json::Value;

pub use aws::{
    AlarmChanged, AlarmMetric, AlarmState, ApprovalStatus, EndpointChanged, EndpointStatus, ExecutionStatus,
    ModelPackageChanged, ObjectCreated, PackageStatus, PipelineExecutionChanged,
};
pub use contract::{
    ApprovalGiven, CommitPushed, Contract, DeploymentFinished, DeploymentOutcome, DeploymentRequested,
    DriftObserved, DriftVerdict, Field, HoldPlaced, HoldReleased, Kind, RefChange, RefKind,
    RetrainingRequested, SCHEMA, to_detail,
};
pub use envelope::Envelope;
pub use error::EventError;
pub use json::{Json, Members, Text};
pub use received::Received;
pub use schedule::{Scheduled, ScheduledCheck, Tick};

/// The `source` of every event that Tidegate itself defines.
pub const SOURCE: &str = "tidegate";

/// The detail-type under which every decision is published for anyone who wants to subscribe.
///
/// Nothing in Tidegate reacts to it, so it parses to [`Body::Other`].
pub const DECISION_RECORDED: &str = "Decision Recorded";

/// The `source` of the envelope that is synthesised for a [`Scheduled`], which arrives without one.
pub const SCHEDULE_SOURCE: &str = "tidegate.schedule";

/// The largest payload that [`parse`] accepts, in bytes.
///
/// EventBridge, asynchronous Lambda invocations and Amazon SQS carry up to 1 MB
/// (<https://aws.amazon.com/blogs/compute/more-room-to-build-serverless-services-now-support-payloads-up-to-1-mb>).
/// The slack on top keeps an event at exactly that size readable after it was re-encoded on the way.
pub const MAX_BYTES: usize = 1024 * 1024 + 64 * 1024;

/// The largest event of which [`Event::received`] keeps the original, in bytes: a decision's record, which carries it, has
/// to fit into an item of Amazon DynamoDB (400 KB) and an event of Amazon EventBridge (256 KB).
pub const KEPT_BYTES: usize = 64 * 1024;

/// One event: where it came from and what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What EventBridge knows about the event.
    pub envelope: Envelope,
    /// What the event says.
    pub body: Body,
    /// The event as it arrived, if it is no larger than [`KEPT_BYTES`].
    pub received: Option<Received>,
}

/// What an event says, in the kinds that Tidegate can react to.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// A reference of a repository moved: `CodeCommit Repository State Change`, or our own `Commit Pushed`.
    CommitPushed(CommitPushed),
    /// `SageMaker Model Package State Change`.
    ModelPackageChanged(ModelPackageChanged),
    /// `SageMaker Model Building Pipeline Execution Status Change`.
    PipelineExecutionChanged(PipelineExecutionChanged),
    /// `SageMaker Endpoint State Change` and `SageMaker Endpoint Deployment State Change`.
    EndpointChanged(EndpointChanged),
    /// `CloudWatch Alarm State Change`, or the payload of an alarm that invokes a function directly.
    AlarmChanged(AlarmChanged),
    /// `Object Created` from Amazon S3.
    ObjectCreated(ObjectCreated),
    /// Ours: somebody or something asks for a retraining.
    RetrainingRequested(RetrainingRequested),
    /// Ours: an environment is asked to run a version.
    DeploymentRequested(DeploymentRequested),
    /// Ours: an environment reports how a deployment ended.
    DeploymentFinished(DeploymentFinished),
    /// Ours: a drift source reports.
    DriftObserved(DriftObserved),
    /// Ours: a person approved a version for an environment.
    ApprovalGiven(ApprovalGiven),
    /// Ours: a person stopped automation.
    HoldPlaced(HoldPlaced),
    /// Ours: a person let automation go on.
    HoldReleased(HoldReleased),
    /// A schedule ticked: `Scheduled Event` from `aws.events` or `aws.scheduler`.
    Tick(Tick),
    /// A schedule of ours fired with its own input.
    Scheduled(Scheduled),
    /// A well-formed envelope around something that nobody here knows; its envelope says what.
    Other,
}

/// Reads one event from the bytes of one invocation or one event file.
///
/// # Errors
///
/// [`EventError`] when the bytes are not an event, when an event of a known kind lacks what its kind promises, or when
/// an event of our own contract breaks it. Never panics, whatever the bytes.
pub fn parse(payload: &[u8]) -> Result<Event, EventError> {
    if payload.len() > MAX_BYTES {
        return Err(EventError::TooLarge { bytes: payload.len(), limit: MAX_BYTES });
    }
    // Editors on Windows put a byte order mark at the start of the event files that people replay.
    let text = payload.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(payload);
    let value = serde_json::from_slice(text).map_err(|error| EventError::not_json(&error))?;
    parse_value(value)
}

/// Reads one event from JSON that was already parsed.
///
/// # Errors
///
/// As [`parse`], except that the size is not limited here.
pub fn parse_value(value: Value) -> Result<Event, EventError> {
    let mut event = read(&value)?;
    event.received = Received::keep(value);
    Ok(event)
}

/// As [`parse_value`], for whoever has the original elsewhere: [`Event::received`] is empty.
///
/// # Errors
///
/// As [`parse_value`].
pub fn read(value: &Value) -> Result<Event, EventError> {
    match &Json::from(value) {
        Json::Object(map) => read_object(map),
        other => Err(EventError::NotAnObject { found: fields::type_name(other) }),
    }
}

/// Whether an event may be anything but [`Body::Other`], judged by its envelope alone. If not, its detail need not be
/// read.
#[must_use]
pub fn is_known(source: &str, detail_type: &str) -> bool {
    source == SOURCE || aws::kind(source, detail_type).is_some() || schedule::ticks(source, detail_type)
}

/// The members of the detail that are read of an event from AWS; `None` for what is no event from AWS that is known here.
/// [`read_detail`] makes the same of a detail that has these alone, and of any detail if there are none.
#[must_use]
pub fn members_read(source: &str, detail_type: &str) -> Option<&'static [&'static str]> {
    let of_tick = || schedule::ticks(source, detail_type).then_some([].as_slice());
    aws::kind(source, detail_type).map(aws::Kind::members).or_else(of_tick)
}

/// Reads the detail of an event whose envelope has been read.
///
/// # Errors
///
/// As [`parse_value`].
pub fn read_detail(envelope: Envelope, detail: Option<&Json<'_>>) -> Result<Event, EventError> {
    let (source, detail_type) = (envelope.source.as_str(), envelope.detail_type.as_str());
    let body = if source == SOURCE {
        contract::body(detail_type, detail)?
    } else if let Some(kind) = aws::kind(source, detail_type) {
        aws::body(kind, detail)?
    } else if schedule::ticks(source, detail_type) {
        Body::Tick(Tick { scheduled_at: envelope.time })
    } else {
        Body::Other
    };
    Ok(Event { envelope, body, received: None })
}

fn read_object(map: &Members<'_>) -> Result<Event, EventError> {
    if map.get("tidegate").is_some() {
        return schedule::scheduled(map);
    }
    if map.get("alarmData").is_some() {
        return aws::direct_alarm(map);
    }
    read_detail(envelope::read(map)?, map.get("detail"))
}
