//! A readable trace of a history.

use jiff::Timestamp;
use tidegate_engine::Outcome;
use tidegate_events::{Body, Event, Scheduled};

/// The lines of a trace, if it is recorded.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    lines: Option<Vec<String>>,
}

impl Trace {
    /// A trace that is recorded.
    pub(crate) fn recording() -> Self {
        Self { lines: Some(Vec::new()) }
    }

    pub(crate) fn add(&mut self, at: Timestamp, words: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{}  {}", at.strftime("%a %d %b %H:%M:%S"), words()));
        }
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}

/// Describes the outcome of an event for one model.
pub(crate) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Decided { record } => {
            let done: Vec<&str> = record.outcomes.iter().map(|outcome| outcome.detail.as_str()).collect();
            let done = if done.is_empty() { String::new() } else { format!(" [{}]", done.join("; ")) };
            format!("{} ({}): {}{done}", record.verdict, record.model, record.message)
        }
        Outcome::Duplicate { .. } => "duplicate".to_owned(),
        Outcome::Unchanged { model, reason } => format!("nothing new for {model} ({reason})"),
        Outcome::Others { decided, unchanged } => {
            format!("decided about {decided} other models, nothing new for {unchanged}")
        }
        Outcome::NotApplicable { message, .. } => format!("not applicable: {message}"),
    }
}

/// Describes an event.
pub(crate) fn event(event: &Event) -> String {
    match &event.body {
        Body::CommitPushed(push) => {
            let commit: String = push.commit.as_deref().unwrap_or("nothing").chars().take(12).collect();
            format!("of {commit} on {}", push.branch)
        }
        Body::ModelPackageChanged(package) => {
            let version = package.arn.rsplit(':').next().unwrap_or_default();
            let fields = package.updated_fields.as_ref().map(|fields| fields.join(", "));
            format!("that {version} is {} ({})", package.approval, fields.unwrap_or_else(|| "new".to_owned()))
        }
        Body::EndpointChanged(endpoint) => {
            format!("that endpoint {} is {}", endpoint.endpoint, endpoint.status)
        }
        Body::AlarmChanged(alarm) => format!("that alarm {} is {}", alarm.alarm, alarm.state),
        Body::ObjectCreated(_) => "of a monitoring report".to_owned(),
        Body::DriftObserved(drift) => format!("that a drift job reports {}", drift.verdict),
        Body::RetrainingFinished(end) => format!("the end of {}: {}", end.request_id, end.outcome),
        Body::RetrainingRequested(asked) => format!("the request {}", asked.request_id),
        Body::DeploymentRequested(asked) => format!("the request {}", asked.request_id),
        Body::DeploymentFinished(end) => format!("that {} {}", end.request_id, end.outcome),
        Body::DeploymentWaiting(said) => format!("that {} waits", said.request_id),
        Body::EndpointHealthChanged(said) => format!("that version {} is {}", said.version, said.health),
        Body::HealthEvent(health) => format!("of AWS Health about {}", health.entities.join(", ")),
        Body::Tick(_) => "the tick".to_owned(),
        Body::Scheduled(Scheduled::Reconcile) => "the sweep".to_owned(),
        Body::Scheduled(Scheduled::Check(check)) => {
            format!("the check of {} that {} scheduled", check.subject, check.function)
        }
        Body::HoldPlaced(hold) => {
            format!("the hold on {}", hold.environment.as_deref().unwrap_or("everything"))
        }
        Body::HoldReleased(hold) => {
            format!("the release of {}", hold.environment.as_deref().unwrap_or("everything"))
        }
        Body::RollbackRequested(asked) => format!("that {} goes back", asked.environment),
        Body::PromotionForced(forced) => format!("that version {} is forced", forced.version),
        Body::FreezePlaced(freeze) => {
            format!("the freeze of {}", freeze.environment.as_deref().unwrap_or("everything"))
        }
        Body::FreezeLifted(lifted) => {
            format!("the end of the freeze of {}", lifted.environment.as_deref().unwrap_or("everything"))
        }
        Body::GateReported(report) => format!("that {} {}", report.gate, report.result.as_str()),
        Body::ApprovalGiven(given) => format!("that {} agrees to {}", given.by, given.environment),
        _ => event.envelope.detail_type.clone(),
    }
}
