//! The idempotency key of an event. It does not depend on the event id.

use std::borrow::Cow;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::{
    AlarmChanged, Body, CommitPushed, EndpointChanged, Envelope, Event, HealthEvent, ModelPackageChanged,
    ObjectCreated, PipelineExecutionChanged, RefChange, Scheduled, ScheduledCheck,
};

/// The longest key, in bytes. A DynamoDB sort key may have twice as many.
const MAX_KEY_BYTES: usize = 512;
/// If a key is too long, each long part is replaced by this many of its bytes …
const PREFIX_BYTES: usize = 24;
/// … and by this many bytes of its SHA-256 in hexadecimal.
const HASH_BYTES: usize = 16;

impl Event {
    /// The idempotency key of the event. It depends on the reported change and not on the event id.
    ///
    /// SageMaker "may send multiple events for each state change"
    /// (<https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html>), each with its
    /// own id, and a replay repeats old ids. Therefore the key is equal for all events that report the same change,
    /// different for different changes, readable, and at most 512 bytes long. If equality is uncertain, the keys are
    /// *different*: it is harmless to decide the same change twice, and harmful to miss a change.
    ///
    /// The parts are joined by `|` and escaped, so that two lists of parts never result in the same key.
    ///
    /// A [`Scheduled::Reconcile`] without `at` and `execution_id` cannot be distinguished from the next one. The caller
    /// must not drop it as a duplicate.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        let envelope = &self.envelope;
        let kind = self.body.word();
        let mut parts = match &self.body {
            Body::CommitPushed(push) => commit(push),
            Body::ModelPackageChanged(package) => self::package(package),
            Body::PipelineExecutionChanged(run) => execution(run),
            Body::EndpointChanged(endpoint) => self::endpoint(envelope, endpoint),
            Body::AlarmChanged(alarm) => self::alarm(envelope, alarm),
            Body::ObjectCreated(object) => self::object(envelope, object),
            Body::HealthEvent(health) => self::health(envelope, health),
            Body::Command(command) => {
                vec![command.caller.arn.as_str().into(), command.request_id.as_str().into()]
            }
            Body::Tick(tick) => {
                let schedule = envelope.resources.first().map(|arn| arn.to_lowercase()).unwrap_or_default();
                vec![schedule.into(), moment(envelope, tick.scheduled_at)]
            }
            Body::Scheduled(scheduled) => self::scheduled(envelope, scheduled),
            Body::Other => vec![envelope.id.as_str().into()],
            own => contract(own),
        };
        parts.insert(0, kind.into());
        join(&parts)
    }
}

impl Body {
    /// A short name for the kind of event. Keys, logs and records use the same name.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::CommitPushed(_) => "commit_pushed",
            Self::ModelPackageChanged(_) => "model_package_changed",
            Self::PipelineExecutionChanged(_) => "pipeline_execution_changed",
            Self::EndpointChanged(endpoint) if endpoint.deployment => "endpoint_deployment_changed",
            Self::EndpointChanged(_) => "endpoint_changed",
            Self::AlarmChanged(_) => "alarm_changed",
            Self::ObjectCreated(_) => "object_created",
            Self::HealthEvent(_) => "health_event",
            Self::RetrainingRequested(_) => "retraining_requested",
            Self::RetrainingFinished(_) => "retraining_finished",
            Self::DeploymentRequested(_) => "deployment_requested",
            Self::DeploymentFinished(_) => "deployment_finished",
            Self::DeploymentWaiting(_) => "deployment_waiting",
            Self::EndpointHealthChanged(_) => "endpoint_health_changed",
            Self::DriftObserved(_) => "drift_observed",
            Self::ApprovalGiven(_) => "approval_given",
            Self::HoldPlaced(_) => "hold_placed",
            Self::HoldReleased(_) => "hold_released",
            Self::RollbackRequested(_) => "rollback_requested",
            Self::PromotionForced(_) => "promotion_forced",
            Self::FreezePlaced(_) => "freeze_placed",
            Self::FreezeLifted(_) => "freeze_lifted",
            Self::GateReported(_) => "gate_reported",
            Self::Command(_) => "command",
            Self::Tick(_) => "tick",
            Self::Scheduled(_) => "scheduled",
            Self::Other => "other",
        }
    }
}

/// A part of an idempotency key.
type Part<'e> = Cow<'e, str>;

fn text(value: Option<&String>) -> Part<'_> {
    value.map(Part::from).unwrap_or_default()
}

fn millis<'e>(time: Timestamp) -> Part<'e> {
    time.as_millisecond().to_string().into()
}

/// The time of the change. If there is none, another value of the envelope that distinguishes this change from the next
/// one.
fn moment(envelope: &Envelope, time: Option<Timestamp>) -> Part<'_> {
    time.or(envelope.time).map_or_else(|| envelope.id.as_str().into(), millis)
}

/// The old commit is a part of the key, because a branch that is reset to an earlier commit is not a repetition of the
/// push that first moved it there.
fn commit(push: &CommitPushed) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = vec![push.repository.as_str().into(), push.full_ref.as_str().into()];
    match &push.change {
        RefChange::Deleted => parts.extend([text(push.old_commit.as_ref()), "deleted".into()]),
        RefChange::Other(other) => parts.extend([text(push.commit.as_ref()), other.as_str().into()]),
        RefChange::Created | RefChange::Updated => {
            parts.push(text(push.commit.as_ref()));
            parts.extend(push.old_commit.as_ref().map(|old| Part::from(format!("from {old}"))));
        }
    }
    parts
}

/// The end time is a part of the key, because `RetryPipelineExecution` continues an execution under the same ARN: it may
/// fail twice (<https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RetryPipelineExecution.html>).
fn execution(run: &PipelineExecutionChanged) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = vec![run.execution_arn.to_lowercase().into(), run.status.as_str().into()];
    parts.extend(run.ended.map(millis));
    parts
}

/// The changed fields are a part of the key beside the time. Two updates may have the same time, because AWS's samples
/// have whole seconds, and an update of the metadata must not hide an approval at the same time.
fn package(package: &ModelPackageChanged) -> Vec<Part<'_>> {
    let (arn, approval) = (package.arn.to_lowercase().into(), package.approval.as_str().into());
    let Some(modified) = package.last_modified else {
        return vec![arn, approval, package.status.as_str().into()];
    };
    let changed = |field: &str| match &package.updated_fields {
        None => true,
        Some(fields) => fields.iter().any(|found| found == field),
    };
    let what = match (changed("ModelApprovalStatus"), changed("ModelLifeCycle")) {
        (true, _) => "approval",
        (false, true) => "stage",
        (false, false) => "metadata",
    };
    let stage = [&package.stage, &package.stage_status].map(|part| text(part.as_ref())).join("/");
    let mut parts = vec![arn, approval, millis(modified), what.into()];
    if package.status != crate::PackageStatus::Completed {
        parts.push(package.status.as_str().into());
    }
    if stage != "/" {
        parts.push(stage.into());
    }
    parts
}

/// The name is lower-cased: endpoint names are unique per account and region without regard to case, and the case
/// differs between fields (<https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html>).
fn endpoint<'e>(envelope: &'e Envelope, endpoint: &'e EndpointChanged) -> Vec<Part<'e>> {
    let mut parts = place(envelope);
    parts.extend([
        endpoint.endpoint.to_lowercase().into(),
        endpoint.status.as_str().into(),
        text(endpoint.config.as_ref()),
        moment(envelope, endpoint.last_modified),
    ]);
    parts.extend(endpoint.pending_config.as_ref().map(Part::from));
    parts
}

/// The mute state is a part of the key, because the event for the end of a suppression may have the time of the state
/// that was suppressed.
fn alarm<'e>(envelope: &'e Envelope, alarm: &'e AlarmChanged) -> Vec<Part<'e>> {
    let mut parts = place(envelope);
    let (name, state) = (alarm.alarm.as_str().into(), alarm.state.as_str().into());
    parts.extend([name, state, moment(envelope, alarm.changed_at)]);
    parts.extend(alarm.muted.then_some(Part::Borrowed("muted")));
    parts
}

/// The sequencer is preferred to the entity tag: a report that is written again is a new observation with the same tag.
fn object<'e>(envelope: &'e Envelope, object: &'e ObjectCreated) -> Vec<Part<'e>> {
    let write = object.version_id.as_ref().or(object.sequencer.as_ref()).or(object.etag.as_ref());
    let write = write.map_or_else(|| moment(envelope, None), Part::from);
    vec![object.bucket.as_str().into(), object.key.as_str().into(), write]
}

/// The communication id differs for each update and each page, and is equal in the copy for the backup region and in each
/// account of an organisation. Without it, the time of the update and the page stand for it.
/// <https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html>
fn health<'e>(envelope: &'e Envelope, health: &'e HealthEvent) -> Vec<Part<'e>> {
    let account = health.affected_account.as_deref().unwrap_or(envelope.account.as_str());
    let mut parts = vec![Part::from(account), health.event_arn.as_str().into()];
    match &health.communication_id {
        Some(id) => parts.push(id.into()),
        None => parts.extend([text(health.last_updated.as_ref()), text(health.page.as_ref())]),
    }
    parts
}

fn place(envelope: &Envelope) -> Vec<Part<'_>> {
    vec![envelope.account.as_str().into(), envelope.region.as_str().into()]
}

/// The time is a part of the key, because the same subject may be checked more than once.
fn scheduled<'e>(envelope: &'e Envelope, scheduled: &'e Scheduled) -> Vec<Part<'e>> {
    let mut parts = vec![Part::from(scheduled.kind())];
    match scheduled {
        Scheduled::Reconcile => parts.push(moment(envelope, None)),
        Scheduled::Check(ScheduledCheck { function, model, environment, subject }) => {
            parts.extend([function, model, environment, subject].map(Part::from));
            parts.extend(envelope.time.map(millis));
        }
    }
    parts
}

/// The model or the environment of a person's command, or the word for all of them.
fn held(name: Option<&String>) -> Part<'_> {
    name.map_or(Part::Borrowed("*"), Part::from)
}

/// The parts of Tidegate's own events. Their senders derive `request_id` from the decision, so that a repeated event
/// has the same key.
fn contract(body: &Body) -> Vec<Part<'_>> {
    match body {
        Body::RetrainingRequested(asked) => vec![Part::from(&asked.model), Part::from(&asked.request_id)],
        Body::RetrainingFinished(end) => {
            let what = [Part::from(&end.request_id), end.outcome.as_str().into(), millis(end.finished_at)];
            [&end.model, &end.environment].map(Part::from).into_iter().chain(what).collect()
        }
        Body::DeploymentRequested(asked) => {
            // A later request with the same id is another event. It needs its own answer, because the answer to the
            // first one may have been lost.
            let asking = [Part::from(&asked.request_id), millis(asked.requested_at)];
            [&asked.model, &asked.environment].map(Part::from).into_iter().chain(asking).collect()
        }
        Body::DeploymentFinished(end) => {
            let what = [Part::from(&end.request_id), end.outcome.as_str().into()];
            [&end.model, &end.environment].map(Part::from).into_iter().chain(what).collect()
        }
        Body::DeploymentWaiting(waits) => {
            let what = [Part::from(&waits.request_id), millis(waits.answered_at)];
            [&waits.model, &waits.environment].map(Part::from).into_iter().chain(what).collect()
        }
        Body::EndpointHealthChanged(changed) => {
            let what = [
                Part::from(&changed.request_id),
                changed.health.as_str().into(),
                millis(changed.observed_at),
            ];
            [&changed.model, &changed.environment].map(Part::from).into_iter().chain(what).collect()
        }
        Body::DriftObserved(drift) => vec![
            Part::from(&drift.model),
            Part::from(&drift.environment),
            Part::from(&drift.source),
            text(drift.endpoint.as_ref()),
            text(drift.metric.as_ref()),
            drift.verdict.as_str().into(),
            millis(drift.observed_at),
        ],
        Body::ApprovalGiven(given) => {
            let who = [given.version.to_string().into(), Part::from(&given.by), millis(given.at)];
            [&given.model, &given.environment].map(Part::from).into_iter().chain(who).collect()
        }
        Body::HoldPlaced(hold) => {
            vec![
                Part::from(&hold.model),
                held(hold.environment.as_ref()),
                Part::from(&hold.by),
                millis(hold.at),
            ]
        }
        Body::HoldReleased(hold) => {
            vec![
                Part::from(&hold.model),
                held(hold.environment.as_ref()),
                Part::from(&hold.by),
                millis(hold.at),
            ]
        }
        Body::RollbackRequested(asked) => {
            let who = [Part::from(&asked.by), millis(asked.at)];
            [&asked.model, &asked.environment].map(Part::from).into_iter().chain(who).collect()
        }
        Body::PromotionForced(forced) => {
            let who = [forced.version.to_string().into(), Part::from(&forced.by), millis(forced.at)];
            [&forced.model, &forced.environment].map(Part::from).into_iter().chain(who).collect()
        }
        Body::FreezePlaced(freeze) => {
            let place = [held(freeze.model.as_ref()), held(freeze.environment.as_ref())];
            place
                .into_iter()
                .chain([Part::from(&freeze.by), millis(freeze.at), millis(freeze.until)])
                .collect()
        }
        Body::FreezeLifted(lifted) => {
            let place = [held(lifted.model.as_ref()), held(lifted.environment.as_ref())];
            place.into_iter().chain([Part::from(&lifted.by), millis(lifted.at)]).collect()
        }
        Body::GateReported(report) => vec![
            Part::from(&report.model),
            report.version.to_string().into(),
            held(report.environment.as_ref()),
            Part::from(&report.gate),
            report.result.as_str().into(),
            millis(report.at),
        ],
        _ => Vec::new(),
    }
}

fn join(parts: &[Part<'_>]) -> String {
    let escaped: Vec<Cow<'_, str>> = parts.iter().map(|part| escape(part)).collect();
    let key = escaped.join("|");
    if key.len() <= MAX_KEY_BYTES {
        return key;
    }
    escaped.iter().map(|part| shorten(part)).collect::<Vec<_>>().join("|")
}

/// Escapes the separator, so that two lists of parts never result in the same key, and characters that cannot be
/// printed.
fn escape(part: &str) -> Cow<'_, str> {
    let is_special = |byte: u8| matches!(byte, b'%' | b'|' | b'~') || !(b' '..0x7F).contains(&byte);
    if !part.bytes().any(is_special) {
        return Cow::Borrowed(part);
    }
    let mut out = String::with_capacity(part.len());
    for c in part.chars() {
        match c {
            '%' | '|' | '~' => out.push_str(&format!("%{:02X}", u32::from(c))),
            c if c.is_control() => out.push_str(&format!("%{:02X}", u32::from(c))),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Shortens a part that is too long to its beginning and a hash of the whole part.
fn shorten(part: &str) -> String {
    if part.len() <= PREFIX_BYTES + 1 + 2 * HASH_BYTES {
        return part.to_owned();
    }
    let end = (0..=PREFIX_BYTES).rev().find(|at| part.is_char_boundary(*at)).unwrap_or_default();
    let hash: String =
        Sha256::digest(part.as_bytes()).iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect();
    format!("{}~{hash}", part.get(..end).unwrap_or_default())
}
