//! Schedules: plain ticks, and our own one-time wakes that arrive without an envelope.

use jiff::Timestamp;
use serde_json::Value;

use crate::json::Members;
use crate::{Body, Envelope, Event, EventError, SCHEDULE_SOURCE, fields::Fields};

/// A schedule ticked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// When the schedule meant to tick: the time of the envelope.
    pub scheduled_at: Option<Timestamp>,
}

/// A schedule that Tidegate made fired; its input is the whole payload.
///
/// All kinds may carry `at`, the time for which the schedule was set
/// (`"at": "<aws.scheduler.scheduled-time>"`), which becomes the time of the synthesised envelope, and
/// `execution_id` (`"<aws.scheduler.execution-id>"`), which becomes its id. See
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wake {
    /// `{"tidegate": "reconcile"}`: read the truth again for what is in flight or overdue.
    Reconcile,
    /// `{"tidegate": "soak_ended", …}`: a version has been watched long enough.
    SoakEnded {
        /// The model.
        model: String,
        /// The environment in which the version was watched.
        environment: String,
        /// The version.
        version: u64,
    },
    /// `{"tidegate": "check_deployment", …}`: look whether a deployment came to an end without telling.
    CheckDeployment {
        /// The model.
        model: String,
        /// The environment that is being deployed to.
        environment: String,
        /// The request that started the deployment.
        request_id: String,
    },
    /// `{"tidegate": "check_drift", …}`: look whether an alarm is still in ALARM, after its drift was not answered.
    CheckDrift {
        /// The model.
        model: String,
        /// The environment that drifted.
        environment: String,
        /// The alarm.
        alarm: String,
    },
}

impl Wake {
    /// The value of the field `tidegate` that stands for this kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Reconcile => "reconcile",
            Self::SoakEnded { .. } => "soak_ended",
            Self::CheckDeployment { .. } => "check_deployment",
            Self::CheckDrift { .. } => "check_drift",
        }
    }

    /// The input to give to a schedule so that [`crate::parse`] reads this value back.
    #[must_use]
    pub fn input(&self) -> Value {
        let kind = self.kind();
        match self {
            Self::Reconcile => serde_json::json!({ "tidegate": kind }),
            Self::SoakEnded { model, environment, version } => serde_json::json!({
                "tidegate": kind, "model": model, "environment": environment, "version": version,
            }),
            Self::CheckDeployment { model, environment, request_id } => serde_json::json!({
                "tidegate": kind, "model": model, "environment": environment, "request_id": request_id,
            }),
            Self::CheckDrift { model, environment, alarm } => serde_json::json!({
                "tidegate": kind, "model": model, "environment": environment, "alarm": alarm,
            }),
        }
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
pub(crate) fn wake(map: &Members<'_>) -> Result<Event, EventError> {
    let fields = Fields::root(map);
    let kind = fields.text("tidegate")?;
    let (wake, own): (Wake, &[&str]) = match kind.as_str() {
        "reconcile" => (Wake::Reconcile, &[]),
        "soak_ended" => {
            let model = fields.text("model")?;
            let environment = fields.text("environment")?;
            let version = fields.version("version")?;
            (Wake::SoakEnded { model, environment, version }, &["model", "environment", "version"])
        }
        "check_deployment" => {
            let model = fields.text("model")?;
            let environment = fields.text("environment")?;
            let request_id = fields.text("request_id")?;
            (
                Wake::CheckDeployment { model, environment, request_id },
                &["model", "environment", "request_id"],
            )
        }
        "check_drift" => {
            let model = fields.text("model")?;
            let environment = fields.text("environment")?;
            let alarm = fields.text("alarm")?;
            (Wake::CheckDrift { model, environment, alarm }, &["model", "environment", "alarm"])
        }
        other => {
            let expected = "one of `reconcile`, `soak_ended`, `check_deployment`, `check_drift`";
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
    Ok(Event { envelope, body: Body::Wake(wake), received: None })
}
