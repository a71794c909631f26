//! Schedules: plain ticks, and the inputs of our own schedules, which arrive without an envelope.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json::Members;
use crate::{Body, Envelope, Event, EventError, SCHEDULE_SOURCE, fields::Fields};

/// A schedule ticked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// When the schedule meant to tick: the time of the envelope.
    pub scheduled_at: Option<Timestamp>,
}

/// A schedule of Tidegate fired; its input is the whole payload.
///
/// Both kinds may carry `at`, the time for which the schedule was set (`"at": "<aws.scheduler.scheduled-time>"`), which
/// becomes the time of the synthesised envelope, and `execution_id` (`"<aws.scheduler.execution-id>"`), which becomes its
/// id. See <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheduled {
    /// `{"tidegate": "reconcile"}`: the recurring sweep reads the current state of what is in flight or overdue.
    Reconcile,
    /// `{"tidegate": "scheduled_check", …}`: a function asked to be invoked again at this time.
    Check(ScheduledCheck),
}

/// A check that a function scheduled for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledCheck {
    /// The function that asked for the check and receives it.
    pub function: String,
    /// The model.
    pub model: String,
    /// The environment that is checked.
    pub environment: String,
    /// What is checked there, as the function named it: a version, the id of a deployment request, an alarm.
    pub subject: String,
}

/// The fields of [`ScheduledCheck`] in a schedule's input.
const CHECK_FIELDS: [&str; 4] = ["function", "model", "environment", "subject"];

impl Scheduled {
    /// The value of the field `tidegate` that stands for this kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Reconcile => "reconcile",
            Self::Check(_) => "scheduled_check",
        }
    }
}

impl Event {
    /// Whether a function scheduled the check for itself.
    #[must_use]
    pub fn is_check_of(&self, function: &str) -> bool {
        matches!(&self.body, Body::Scheduled(Scheduled::Check(check)) if check.function == function)
    }
}

impl ScheduledCheck {
    /// The input of a schedule that fires at `at`, so that [`crate::parse`] reads the check back. The time is part of the
    /// input, so that two checks of the same subject are two events.
    #[must_use]
    pub fn input(&self, at: Timestamp) -> Value {
        let Self { function, model, environment, subject } = self;
        serde_json::json!({
            "tidegate": "scheduled_check", "function": function, "model": model, "environment": environment,
            "subject": subject, "at": at.to_string(),
        })
    }
}

/// Whether an envelope says that a schedule ticked.
///
/// A rule schedule comes from `aws.events` with the detail `{}`, EventBridge Scheduler's default payload from
/// `aws.scheduler` with the *string* `"{}"`. Neither detail says anything, so it is not read.
pub(crate) fn ticks(source: &str, detail_type: &str) -> bool {
    matches!(source, "aws.events" | "aws.scheduler") && detail_type == "Scheduled Event"
}

/// Reads the input of one of our own schedules and puts an envelope around it.
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
    fields.only(&known)?;
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
