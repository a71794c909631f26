//! A history as data: its steps can be serialized, removed and described.

use serde::{Deserialize, Serialize};

use crate::fleet::{Amendment, Fleet};
use crate::site::SiteId;
use crate::statistics::Statistics;
use crate::temporary::Temporary;

/// A history: the fleet and its inputs. The reactions of Tidegate are not part of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// One line of description; only kept histories have it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) about: String,
    /// What must occur in it, as keys of the statistics: a kept history whose fault strikes nothing proves nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) expects: Vec<String>,
    /// The seed that it was drawn from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// The models.
    pub(crate) fleet: Fleet,
    /// What happens, in the order of time.
    pub(crate) steps: Vec<Step>,
}

impl History {
    /// Parses a history.
    ///
    /// # Errors
    /// What is wrong with it, with its line.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// Whether it has expectations.
    #[must_use]
    pub fn has_expectations(&self) -> bool {
        !self.expects.is_empty()
    }

    /// The expectations that did not occur.
    #[must_use]
    pub fn unmet_expectations(&self, statistics: &Statistics) -> Vec<&str> {
        self.expects.iter().map(String::as_str).filter(|what| !statistics.contains(what)).collect()
    }

    /// Serializes it, one line for each step.
    #[must_use]
    pub fn to_json(&self) -> String {
        let json = |value: &dyn Fn() -> serde_json::Result<String>| value().unwrap_or_default();
        let steps: Vec<String> =
            self.steps.iter().map(|step| json(&|| serde_json::to_string(step))).collect();
        let seed = self.seed.map_or_else(String::new, |seed| format!("  \"seed\": {seed},\n"));
        let about = json(&|| serde_json::to_string(&self.about));
        let expects = match json(&|| serde_json::to_string(&self.expects)) {
            _ if self.expects.is_empty() => String::new(),
            expects => format!("  \"expects\": {expects},\n"),
        };
        let fleet = json(&|| serde_json::to_string(&self.fleet));
        format!(
            "{{\n  \"about\": {about},\n{expects}{seed}  \"fleet\": {fleet},\n  \"steps\": [\n    {}\n  ]\n}}\n",
            steps.join(",\n    ")
        )
    }
}

/// An action at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// Seconds since the beginning.
    pub(crate) at: u64,
    /// What happens.
    #[serde(flatten)]
    pub(crate) action: Action,
}

/// Something that happens.
///
/// `back` counts versions from the newest that the registry has: 0 is the newest. A step about something that is not
/// there does nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub(crate) enum Action {
    /// A push.
    Push { model: String, branch: String, change: Change },
    /// A team changes its policy and applies it.
    Amend { model: String, change: Amendment },
    /// A version is registered by other means than the pipeline.
    Register { model: String },
    /// A person decides about a version in the registry.
    Review { model: String, back: u8, approval: Approval },
    /// A person edits a version's metadata.
    Edit { model: String, back: u8 },
    /// A person stops automation for a model, in one environment or in all.
    Hold { model: String, site: Option<SiteId> },
    /// A person releases a hold.
    Release { model: String, site: Option<SiteId> },
    /// A person sends an environment back to the version before.
    GoBack { model: String, site: SiteId },
    /// A person forces a version into an environment.
    Force { model: String, site: SiteId, back: u8 },
    /// A person approves that the version in promotion enters an environment.
    ApproveEnvironment { model: String, site: SiteId, back: u8, by: String },
    /// A person changes an endpoint without Tidegate.
    ManualChange { model: String, site: SiteId, change: ManualChange },
    /// Requests reach an endpoint.
    Traffic { model: String, site: SiteId, requests: u8 },
    /// An alarm of a policy changes its state.
    Alarm { model: String, site: SiteId, state: Alarm },
    /// Model Monitor writes a report.
    Report { model: String, site: SiteId, content: ReportContent },
    /// A drift job of the team reports its result.
    DriftObserved { model: String, site: SiteId, verdict: DriftObservation },
    /// CloudWatch returns no metrics, or returns them again.
    Metrics { site: SiteId, silent: bool },
    /// The containers of an endpoint answer with errors, until all faults are cleared.
    Container { model: String, site: SiteId },
    /// The next change of an endpoint fails.
    Endpoint { model: String, site: SiteId, failure: EndpointFailure },
    /// AWS answers something only for now.
    Temporary { model: String, site: SiteId, what: Temporary },
    /// The next job of a pipeline fails.
    Job { model: String },
    /// All faults in AWS are cleared.
    ClearFaults,
    /// The schedule of a function invokes it to reconcile.
    Sweep { site: SiteId, function: String },
    /// The schedule of `scale` ticks.
    Tick { site: SiteId },
    /// A fault strikes the delivery of the next event of a kind.
    DeliveryFault { topic: Topic, fault: DeliveryFault },
    /// A fault strikes a call of the next invocation of a function.
    CallFault { site: SiteId, function: String, call: CallSelector, fault: InvocationFault },
    /// For a while all calls from an account are throttled, except one in `passes`.
    Throttling { site: SiteId, seconds: u32, passes: u8 },
    /// A person redrives a dead-letter queue.
    Redrive { site: SiteId, function: String },
    /// An archive replays the events of the last hours.
    Replay { site: SiteId, hours: u8 },
}

/// Which call of an invocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum CallSelector {
    /// By its number, from 0.
    Number(u8),
    /// The first of this operation, so that a history means the same when others are made before it.
    First(String),
}

impl CallSelector {
    /// Whether it is this one.
    pub(crate) fn is(&self, number: u32, operation: &str) -> bool {
        match self {
            Self::Number(wanted) => u32::from(*wanted) == number,
            Self::First(wanted) => wanted == operation,
        }
    }
}

impl std::fmt::Display for CallSelector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "call {number}"),
            Self::First(operation) => write!(f, "{operation}"),
        }
    }
}

/// What a push changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    /// Not the pipeline's definition.
    Code,
    /// The pipeline's definition.
    Pipeline,
    /// The definition, into something that is none.
    Nonsense,
    /// The definition is deleted.
    Gone,
    /// The branch is deleted.
    Branch,
    /// The branch is set back to the head before.
    SetBack,
}

/// The review of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Approval {
    /// It may be deployed.
    Approved,
    /// It may not.
    Rejected,
    /// It is pending again.
    Pending,
}

/// What a person does to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ManualChange {
    /// Gives it another configuration, with the model of the version before.
    Update,
    /// Deletes it.
    Delete,
}

/// The state of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Alarm {
    /// Drift.
    On,
    /// Drift, and the alarm is muted.
    Muted,
    /// No drift.
    Off,
    /// Too little data.
    Unknown,
}

/// The content of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReportContent {
    /// Violations.
    Violations,
    /// None.
    Nothing,
    /// It cannot be read.
    Damaged,
    /// A missing column and nothing else: the data feed is broken.
    BrokenFeed,
    /// Drift and a missing column.
    DriftAndBrokenFeed,
    /// Drift of the training data, which a check inside a pipeline found: it has another key.
    PipelineCheck,
    /// Drift, under a key with a date that does not exist.
    NoSuchDate,
}

/// The result of a drift job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DriftObservation {
    /// Drift.
    Drift,
    /// None.
    NoDrift,
    /// Too little data.
    Insufficient,
    /// It failed.
    SourceFailed,
}

/// How a change of an endpoint fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EndpointFailure {
    /// It cannot be created.
    Creation,
    /// The update rolls back without a reason.
    SilentRollback,
    /// The update rolls back with a reason.
    Rollback,
    /// The component's update fails.
    Component,
    /// The tag of the image is moved, so that another image runs than the one that was registered.
    MovedTag,
}

/// The kind of an event, for delivery faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Topic {
    /// A push.
    Push,
    /// A model package.
    Package,
    /// An endpoint.
    Endpoint,
    /// An alarm.
    Alarm,
    /// A monitoring report.
    Report,
    /// Our own: drift.
    Drift,
    /// Our own: a retraining request.
    Retraining,
    /// Our own: a deployment request.
    Request,
    /// Our own: how a deployment ended.
    Finished,
    /// Our own: commands of people.
    People,
    /// A one-time schedule.
    Wake,
    /// A schedule.
    Schedule,
}

/// A fault in the delivery of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeliveryFault {
    /// It is delivered several times.
    Times(u8),
    /// It is delivered this many seconds late.
    Late(u32),
    /// It is delivered twice, the second time this many seconds late.
    Again(u32),
    /// It is lost, if AWS delivers it with best effort; otherwise it is delivered.
    Lost,
}

/// A fault that strikes a call of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InvocationFault {
    /// The call fails with a server error and has no effect.
    Error,
    /// The call is throttled and has no effect.
    Throttled,
    /// The call is denied once and has no effect.
    Denied,
    /// The call takes effect, and its response is lost.
    ResponseLost,
    /// The invocation crashes before the call.
    CrashBefore,
    /// The invocation crashes after the call.
    CrashAfter,
    /// The invocation pauses for this many seconds before the call: others run in between.
    Pause(u8),
}

impl Action {
    /// The model that it is about, if it is about one.
    pub(crate) fn model(&self) -> Option<&String> {
        match self {
            Self::Push { model, .. }
            | Self::Amend { model, .. }
            | Self::Register { model }
            | Self::Review { model, .. }
            | Self::Edit { model, .. }
            | Self::Hold { model, .. }
            | Self::Release { model, .. }
            | Self::GoBack { model, .. }
            | Self::Force { model, .. }
            | Self::ApproveEnvironment { model, .. }
            | Self::ManualChange { model, .. }
            | Self::Traffic { model, .. }
            | Self::Alarm { model, .. }
            | Self::Report { model, .. }
            | Self::DriftObserved { model, .. }
            | Self::Container { model, .. }
            | Self::Endpoint { model, .. }
            | Self::Temporary { model, .. }
            | Self::Job { model } => Some(model),
            _ => None,
        }
    }
}
