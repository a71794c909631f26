//! The events of AWS and of Tidegate, parsed into one type. This crate is pure.
//!
//! [`parse`] converts the payload of one invocation to an [`Event`]: the [`Envelope`] of Amazon EventBridge, and a
//! [`Body`] with the few fields that Tidegate decides on. It reads no clock, no network and no file, so that a replay
//! parses the same as the functions.
//!
//! * Events **from AWS** are parsed tolerantly where AWS is inconsistent: times in four formats, `null` for absent,
//!   statuses in upper case with underscores, lower-cased ARNs, a `detail` that is a string. An unknown status becomes
//!   `Unknown(..)`. It is neither an error nor guessed. An event of a known kind that lacks a required field is an
//!   [`EventError`], not [`Body::Other`].
//! * Events **of Tidegate** (source [`SOURCE`]) are parsed strictly: unknown fields, missing fields, empty names
//!   and an unknown `schema` are errors that name the field and the fix.
//!
//! [`Event::idempotency_key`] identifies a change, because AWS may report one change several times under different ids.

mod aws;
mod command;
mod contract;
mod envelope;
mod error;
mod fields;
mod form;
mod idempotency_key;
mod json;
mod received;
mod schedule;
mod status;
mod text;
mod time;

use jiff::Timestamp;
use serde_json::Value;

pub use aws::{
    AlarmChanged, AlarmMetric, AlarmState, ApprovalStatus, EndpointChanged, EndpointStatus, ExecutionStatus,
    HealthEvent, ModelPackageChanged, ObjectCreated, PackageStatus, PipelineExecutionChanged,
};
pub use command::{COMMAND_SOURCE, Caller, Command, Order};
pub use contract::{
    ApprovalGiven, CommitPushed, Contract, DeploymentFinished, DeploymentOutcome, DeploymentRequested,
    DeploymentWaiting, DriftObserved, DriftVerdict, EndpointHealth, EndpointHealthChanged, Field,
    FreezeLifted, FreezePlaced, GateReported, GateResult, HoldPlaced, HoldReleased, Kind, PromotionForced,
    RefChange, RefKind, RetrainingFinished, RetrainingOutcome, RetrainingRequested, RollbackRequested,
    SCHEMA, VersionRejected, to_detail,
};
pub use envelope::Envelope;
pub use error::EventError;
pub use form::{LIST_LIMIT, LONG_TEXT_LIMIT, PATH_LIMIT, TEXT_LIMIT, VERSION_LIMIT};
pub use json::{Json, Members, Text};
pub use received::Received;
pub use schedule::{Scheduled, ScheduledCheck, Tick};
pub use text::{clean, clean_json, clean_lines, is_hidden, shorten};
pub use time::{MAX_AHEAD, is_ahead};

/// The `source` of every event that Tidegate defines.
pub const SOURCE: &str = "tidegate";

/// The `source` that EventBridge's inbound webhook for GitHub sets. In contrast to the sources of AWS, anyone who may put
/// events on a bus can use it.
pub const GITHUB_SOURCE: &str = "github.com";

/// The detail-type of the event in which every decision is published.
///
/// No function of Tidegate handles it, so it is parsed to [`Body::Other`].
pub const DECISION_RECORDED: &str = "Decision Recorded";

/// The `source` in the envelope of a [`Scheduled`] event. The payload has no envelope, and the parser adds one.
pub const SCHEDULE_SOURCE: &str = "tidegate.schedule";

/// The largest payload that [`parse`] accepts, in bytes.
///
/// EventBridge, asynchronous Lambda invocations and Amazon SQS accept up to 1 MB
/// (<https://aws.amazon.com/blogs/compute/more-room-to-build-serverless-services-now-support-payloads-up-to-1-mb>). The
/// margin allows for an event of exactly that size that was re-encoded on the way.
pub const MAX_BYTES: usize = 1024 * 1024 + 64 * 1024;

/// The largest event, in bytes, whose original is kept in [`Event::received`]. The record of a decision contains it and
/// must fit into a DynamoDB item (400 KB) and an EventBridge event (256 KB).
pub const KEPT_BYTES: usize = 64 * 1024;

/// One event, parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The envelope of the event.
    pub envelope: Envelope,
    /// The content of the event.
    pub body: Body,
    /// The event as it was received, without caller identities and source addresses, if it is not larger than
    /// [`KEPT_BYTES`].
    pub received: Option<Received>,
}

/// The content of an event, by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// A reference of a repository changed: `CodeCommit Repository State Change`, `push` from `github.com`, or Tidegate's
    /// `Commit Pushed`.
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
    /// `AWS Health Event`.
    HealthEvent(HealthEvent),
    /// `Retraining Requested` from Tidegate.
    RetrainingRequested(RetrainingRequested),
    /// `Retraining Finished` from Tidegate's hub.
    RetrainingFinished(RetrainingFinished),
    /// `Deployment Requested` from Tidegate's hub.
    DeploymentRequested(DeploymentRequested),
    /// `Deployment Finished` from an environment of Tidegate.
    DeploymentFinished(DeploymentFinished),
    /// `Deployment Waiting`.
    DeploymentWaiting(DeploymentWaiting),
    /// `Endpoint Health Changed` from an environment of Tidegate.
    EndpointHealthChanged(EndpointHealthChanged),
    /// `Drift Observed` from a drift source.
    DriftObserved(DriftObserved),
    /// `Approval Given` by a person.
    ApprovalGiven(ApprovalGiven),
    /// `Hold Placed` by a person.
    HoldPlaced(HoldPlaced),
    /// `Hold Released` by a person.
    HoldReleased(HoldReleased),
    /// `Rollback Requested` by a person.
    RollbackRequested(RollbackRequested),
    /// `Promotion Forced` by a person.
    PromotionForced(PromotionForced),
    /// `Freeze Placed` by a person.
    FreezePlaced(FreezePlaced),
    /// `Freeze Lifted` by a person.
    FreezeLifted(FreezeLifted),
    /// `Gate Reported` by another tool.
    GateReported(GateReported),
    /// A person's command: an authenticated request to the function URL of operate.
    Command(Command),
    /// An invocation by a schedule without an input: `Scheduled Event` from `aws.events` or `aws.scheduler`.
    Tick(Tick),
    /// An invocation by a schedule of Tidegate, with its input.
    Scheduled(Scheduled),
    /// A valid envelope of a kind that this build does not parse.
    Other,
}

/// Parses one event from the payload of one invocation or from an event file.
///
/// # Errors
///
/// Returns an [`EventError`] if the payload is not an event, if an event of a known kind lacks a required field, or if
/// an event of Tidegate does not conform to its contract. It never panics.
pub fn parse(payload: &[u8]) -> Result<Event, EventError> {
    if payload.len() > MAX_BYTES {
        return Err(EventError::TooLarge { bytes: payload.len(), limit: MAX_BYTES });
    }
    // Editors on Windows write a byte order mark at the start of event files.
    let text = payload.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(payload);
    let value = serde_json::from_slice(text).map_err(|error| EventError::not_json(&error))?;
    parse_value(value)
}

/// Parses one event from a JSON value.
///
/// # Errors
///
/// Returns the errors of [`parse`], but does not limit the size.
pub fn parse_value(value: Value) -> Result<Event, EventError> {
    let mut event = read(&value)?;
    event.received = Received::keep(value);
    Ok(event)
}

/// Parses one event that was received at the time `now`.
///
/// The times in an event of Tidegate are compared with `now` if that is before the time of the envelope, or if the
/// envelope has no time, as in a direct invocation.
///
/// # Errors
///
/// Returns the errors of [`parse_value`].
pub fn parse_received(value: Value, now: Timestamp) -> Result<Event, EventError> {
    let mut event = read_at(&value, Some(now))?;
    event.received = Received::keep(value);
    Ok(event)
}

/// Parses one event from a JSON value and leaves [`Event::received`] empty, for a caller that keeps the original
/// elsewhere.
///
/// # Errors
///
/// Returns the errors of [`parse_value`].
pub fn read(value: &Value) -> Result<Event, EventError> {
    read_at(value, None)
}

fn read_at(value: &Value, now: Option<Timestamp>) -> Result<Event, EventError> {
    match &Json::from(value) {
        Json::Object(map) => read_object(map, now),
        other => Err(EventError::NotAnObject { found: fields::type_name(other) }),
    }
}

/// Returns whether an event with this envelope may have another body than [`Body::Other`]. If not, its detail need not
/// be parsed.
#[must_use]
pub fn is_known(source: &str, detail_type: &str) -> bool {
    source == SOURCE || aws::kind(source, detail_type).is_some() || schedule::is_tick(source, detail_type)
}

/// The members of the detail that are read from an AWS event, or `None` if this build does not parse the event.
/// [`read_detail`] returns the same result for a detail that contains only these members. If the list is empty, the
/// detail does not matter.
#[must_use]
pub fn members_read(source: &str, detail_type: &str) -> Option<&'static [&'static str]> {
    let of_tick = || schedule::is_tick(source, detail_type).then_some([].as_slice());
    aws::kind(source, detail_type).map(aws::Kind::members).or_else(of_tick)
}

/// Parses the detail of an event whose envelope was parsed before.
///
/// # Errors
///
/// Returns the errors of [`parse_value`].
pub fn read_detail(envelope: Envelope, detail: Option<&Json<'_>>) -> Result<Event, EventError> {
    read_detail_at(envelope, detail, None)
}

fn read_detail_at(
    envelope: Envelope,
    detail: Option<&Json<'_>>,
    now: Option<Timestamp>,
) -> Result<Event, EventError> {
    let (source, detail_type) = (envelope.source.as_str(), envelope.detail_type.as_str());
    let body = if source == SOURCE {
        envelope.check()?;
        let sent = envelope.time.into_iter().chain(now).min();
        contract::body(detail_type, detail, sent)?
    } else if let Some(kind) = aws::kind(source, detail_type) {
        envelope.check()?;
        aws::body(kind, detail)?
    } else if schedule::is_tick(source, detail_type) {
        Body::Tick(Tick { scheduled_at: envelope.time })
    } else {
        Body::Other
    };
    Ok(Event { envelope, body, received: None })
}

fn read_object(map: &Members<'_>, now: Option<Timestamp>) -> Result<Event, EventError> {
    if map.get("tidegate").is_some() {
        return schedule::scheduled(map);
    }
    if command::is_request(map) {
        return command::command(map);
    }
    if map.get("alarmData").is_some() {
        return aws::direct_alarm(map);
    }
    read_detail_at(envelope::read(map)?, map.get("detail"), now)
}
