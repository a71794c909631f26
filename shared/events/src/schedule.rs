//! Invocations by schedules: without an input, or with an input of Tidegate, which has no envelope.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json::Members;
use crate::{Body, Envelope, Event, EventError, SCHEDULE_SOURCE, fields::Fields};

/// An invocation by a schedule without an input of Tidegate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// The time for which the invocation was scheduled: the time of the envelope.
    pub scheduled_at: Option<Timestamp>,
}

/// An invocation by a schedule of Tidegate. Its input is the whole payload.
///
/// Both kinds may contain `at`, the time of the schedule (`"at": "<aws.scheduler.scheduled-time>"`), which becomes the
/// time of the added envelope, and `execution_id` (`"<aws.scheduler.execution-id>"`), which becomes its id. See
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheduled {
    /// `{"tidegate": "reconcile"}`: the recurring sweep.
    Reconcile,
    /// `{"tidegate": "scheduled_check", …}`: a check that a function scheduled for this time.
    Check(ScheduledCheck),
}

/// A check that a function scheduled for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledCheck {
    /// The function that scheduled the check and handles it.
    pub function: String,
    /// The name of the model.
    pub model: String,
    /// The environment that the check concerns.
    pub environment: String,
    /// The subject of the check, as the function named it: a version, the id of a deployment request, or an alarm.
    pub subject: String,
}

/// The fields of [`ScheduledCheck`] in a schedule's input.
const CHECK_FIELDS: [&str; 4] = ["function", "model", "environment", "subject"];

impl Scheduled {
    /// The value of the field `tidegate` for this kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Reconcile => "reconcile",
            Self::Check(_) => "scheduled_check",
        }
    }
}

impl Event {
    /// Returns whether the event is a check that this function scheduled.
    #[must_use]
    pub fn is_check_of(&self, function: &str) -> bool {
        matches!(&self.body, Body::Scheduled(Scheduled::Check(check)) if check.function == function)
    }
}

impl ScheduledCheck {
    /// The input of a schedule for this check at the time `at`. [`crate::parse`] parses it back. The input contains the
    /// time, so that two checks of the same subject are two events.
    #[must_use]
    pub fn input(&self, at: Timestamp) -> Value {
        let Self { function, model, environment, subject } = self;
        serde_json::json!({
            "tidegate": "scheduled_check", "function": function, "model": model, "environment": environment,
            "subject": subject, "at": at.to_string(),
        })
    }
}

/// Returns whether an envelope is that of a schedule without an input of Tidegate.
///
/// A scheduled rule has the source `aws.events` and the detail `{}`. The default payload of EventBridge Scheduler has
/// the source `aws.scheduler` and the *string* `"{}"` as detail. Neither detail contains information, so it is not
/// parsed.
pub(crate) fn is_tick(source: &str, detail_type: &str) -> bool {
    matches!(source, "aws.events" | "aws.scheduler") && detail_type == "Scheduled Event"
}

/// Parses the input of a Tidegate schedule and adds an envelope.
pub(crate) fn scheduled(map: &Members<'_>) -> Result<Event, EventError> {
    let fields = Fields::root(map);
    let kind = fields.text("tidegate")?;
    let (scheduled, own): (Scheduled, &[&str]) = match kind.as_str() {
        "reconcile" => (Scheduled::Reconcile, &[]),
        "scheduled_check" => {
            let check = ScheduledCheck {
                function: fields.text("function")?,
                model: fields.text("model")?,
                environment: fields.text("environment")?,
                subject: fields.text("subject")?,
            };
            (Scheduled::Check(check), &CHECK_FIELDS)
        }
        other => {
            let expected = "one of `reconcile`, `scheduled_check`";
            return Err(EventError::bad_value("tidegate".to_owned(), other, expected));
        }
    };
    let known: Vec<&str> = ["tidegate", "at", "execution_id"].iter().chain(own).copied().collect();
    fields.reject_unknown(&known)?;
    let envelope = Envelope {
        id: fields.text_opt("execution_id")?.unwrap_or_default(),
        source: SCHEDULE_SOURCE.to_owned(),
        detail_type: kind,
        account: String::new(),
        region: String::new(),
        time: fields.time_opt("at")?,
        resources: Vec::new(),
        replay_name: None,
    };
    Ok(Event { envelope, body: Body::Scheduled(scheduled), received: None })
}
