//! What happens in a history: every step is a value that can be written down, left out and read aloud.

use serde::{Deserialize, Serialize};

use crate::fleet::{Amendment, Fleet};
use crate::place::Where;
use crate::tally::Tally;

/// A history: the fleet and everything that happens to it. What Tidegate makes of it is not in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    /// In one line, what it is about; only stories that are kept have it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) about: String,
    /// What must occur in it, in the words of the tally. A story in which its fault strikes nothing shows nothing.
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

impl Story {
    /// Reads a story that was written down.
    ///
    /// # Errors
    /// What is wrong with it, with its line.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// Whether it says what must occur in it.
    #[must_use]
    pub fn expects_something(&self) -> bool {
        !self.expects.is_empty()
    }

    /// What it expects and what did not occur.
    #[must_use]
    pub fn missed(&self, tally: &Tally) -> Vec<&str> {
        self.expects.iter().map(String::as_str).filter(|what| !tally.knows(what)).collect()
    }

    /// Writes it down, a line for each step.
    #[must_use]
    pub fn write(&self) -> String {
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

/// Something that happens at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// Seconds since the beginning.
    pub(crate) at: u64,
    /// What happens.
    #[serde(flatten)]
    pub(crate) what: What,
}

/// Something that happens.
///
/// `back` counts versions from the newest that the registry has: 0 is the newest. A step about something that is not
/// there does nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum What {
    /// Somebody pushes.
    Push { model: String, branch: String, change: Change },
    /// A team changes its policy and applies it.
    Amend { model: String, how: Amendment },
    /// A version is registered by other means than the pipeline.
    Register { model: String },
    /// A person decides about a version in the registry.
    Say { model: String, back: u8, approval: Approval },
    /// A person edits a version's metadata.
    Edit { model: String, back: u8 },
    /// A person stops automation for a model, in one environment or in all.
    Hold { model: String, place: Option<Where> },
    /// A person lets it go on.
    Release { model: String, place: Option<Where> },
    /// A person agrees that the version that is on its way may enter an environment.
    Agree { model: String, place: Where, back: u8, by: String },
    /// A person changes an endpoint without Tidegate.
    ByHand { model: String, place: Where, how: Hand },
    /// Requests reach an endpoint.
    Traffic { model: String, place: Where, requests: u8 },
    /// An alarm of a policy changes its state.
    Alarm { model: String, place: Where, state: Alarm },
    /// Model Monitor writes a report.
    Report { model: String, place: Where, found: Found },
    /// A drift job of the team's own says what it saw.
    Observed { model: String, place: Where, saw: Saw },
    /// CloudWatch tells no metrics, or tells them again.
    Metrics { place: Where, silent: bool },
    /// The containers of an endpoint answer with errors, until all is repaired.
    Container { model: String, place: Where },
    /// The next change of an endpoint goes wrong.
    Endpoint { model: String, place: Where, fails: Failure },
    /// The next job of a pipeline fails.
    Job { model: String },
    /// All that is broken in AWS works again.
    Repaired,
    /// A schedule invokes a function to look for what was missed.
    Sweep { place: Where, function: String },
    /// The schedule of `scale` ticks.
    Tick { place: Where },
    /// The post does something to the next event of a kind.
    Post { about: Topic, does: Post },
    /// Something goes wrong with a call of the next invocation of a function.
    Call { place: Where, function: String, call: Which, goes: Goes },
    /// For a while all calls from an account are throttled, but for every so many.
    Storm { place: Where, seconds: u32, passes: u8 },
    /// A person sends back what lies in a dead-letter queue.
    Redrive { place: Where, function: String },
    /// An archive tells everything again that happened in the last hours.
    Replay { place: Where, hours: u8 },
}

/// Which call of an invocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Which {
    /// By its number, from 0.
    Number(u8),
    /// The first of this operation, so that a story means the same when others are made before it.
    First(String),
}

impl Which {
    /// Whether it is this one.
    pub(crate) fn is(&self, number: u32, operation: &str) -> bool {
        match self {
            Self::Number(wanted) => u32::from(*wanted) == number,
            Self::First(wanted) => wanted == operation,
        }
    }
}

impl std::fmt::Display for Which {
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

/// What a person says about a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Approval {
    /// It may be deployed.
    Approved,
    /// It may not.
    Rejected,
    /// It is to be looked at again.
    Pending,
}

/// What a person does to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Hand {
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

/// What a report says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Found {
    /// Violations.
    Violations,
    /// None.
    Nothing,
    /// It cannot be read.
    Damaged,
}

/// What a drift job saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Saw {
    /// Drift.
    Drift,
    /// None.
    NoDrift,
    /// Too little data.
    Insufficient,
    /// It failed.
    SourceFailed,
}

/// How a change of an endpoint goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Failure {
    /// It cannot be created.
    Creation,
    /// The update rolls back, and nobody says so.
    SilentRollback,
    /// The update rolls back with a reason.
    Rollback,
    /// The component's update fails.
    Component,
}

/// What an event is about, as far as the post is concerned.
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
    /// Our own: what people said.
    People,
    /// A one-time schedule.
    Wake,
    /// A schedule.
    Schedule,
}

/// What the post does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Post {
    /// It is delivered so many times.
    Times(u8),
    /// It is delivered so many seconds late.
    Late(u32),
    /// It is delivered twice, the second time so many seconds late.
    Again(u32),
    /// It is lost. Only what AWS sends with best effort can be; anything else is delivered.
    Lost,
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goes {
    /// AWS has an error of its own; nothing happens.
    Fails,
    /// Too many calls; nothing happens.
    Throttled,
    /// The role lacks the permission, for once.
    Denied,
    /// It is done, and the answer is lost.
    AnswerLost,
    /// The invocation dies before it.
    DiesBefore,
    /// The invocation dies after it.
    DiesAfter,
    /// The invocation is slow: others go on for so many seconds before the call is made.
    Waits(u8),
}

impl What {
    /// The model that it is about, if it is about one.
    pub(crate) fn model(&self) -> Option<&String> {
        match self {
            Self::Push { model, .. }
            | Self::Amend { model, .. }
            | Self::Register { model }
            | Self::Say { model, .. }
            | Self::Edit { model, .. }
            | Self::Hold { model, .. }
            | Self::Release { model, .. }
            | Self::Agree { model, .. }
            | Self::ByHand { model, .. }
            | Self::Traffic { model, .. }
            | Self::Alarm { model, .. }
            | Self::Report { model, .. }
            | Self::Observed { model, .. }
            | Self::Container { model, .. }
            | Self::Endpoint { model, .. }
            | Self::Job { model } => Some(model),
            _ => None,
        }
    }
}
