//! The shape of every decision.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::reason::Reason;

/// What was decided, in one word. `Ignore`, `Skip`, `Wait`, `Keep`, `Suppress` and `Refuse` do nothing, and say why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The event asks for nothing here.
    Ignore,
    /// train: no execution for this commit or request.
    Skip,
    /// train: start the pipeline.
    Start,
    /// promote: ask an environment to deploy a version.
    Deploy,
    /// promote, deploy: something must happen first.
    Wait,
    /// promote: this version goes no further.
    Stop,
    /// promote: the version has reached every environment.
    Complete,
    /// deploy: call SageMaker so that the endpoint becomes the requested version.
    Apply,
    /// deploy: the requested version runs and answers.
    Succeeded,
    /// deploy: it does not, and will not by itself.
    Failed,
    /// deploy: SageMaker says `InService` and runs the old configuration.
    RolledBackSilently,
    /// What was asked is not allowed or not possible.
    Refuse,
    /// respond: ask the hub to retrain.
    Retrain,
    /// respond: tell a person.
    Alert,
    /// respond: drift, but nothing is done now.
    Suppress,
    /// scale: go to zero.
    ToZero,
    /// scale: come back.
    Wake,
    /// scale: stay as it is.
    Keep,
}

impl Verdict {
    /// All of them, in the order of this file.
    pub const ALL: &[Self] = &[
        Self::Ignore,
        Self::Skip,
        Self::Start,
        Self::Deploy,
        Self::Wait,
        Self::Stop,
        Self::Complete,
        Self::Apply,
        Self::Succeeded,
        Self::Failed,
        Self::RolledBackSilently,
        Self::Refuse,
        Self::Retrain,
        Self::Alert,
        Self::Suppress,
        Self::ToZero,
        Self::Wake,
        Self::Keep,
    ];

    /// The stable name, as it is stored and printed.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Skip => "skip",
            Self::Start => "start",
            Self::Deploy => "deploy",
            Self::Wait => "wait",
            Self::Stop => "stop",
            Self::Complete => "complete",
            Self::Apply => "apply",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::RolledBackSilently => "rolled_back_silently",
            Self::Refuse => "refuse",
            Self::Retrain => "retrain",
            Self::Alert => "alert",
            Self::Suppress => "suppress",
            Self::ToZero => "to_zero",
            Self::Wake => "wake",
            Self::Keep => "keep",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

/// One observed value that the decision rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// What was looked at, such as `running_config`.
    pub name: String,
    /// What was seen there.
    pub observed: String,
    /// What it was compared with, where there is such a thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// Who told it, such as an alarm or a metric; absent where that goes without saying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// A verdict with its reason, its evidence, its complete plan, and the state that follows.
///
/// `S` is the state that the deciding function keeps for a model and environment, `A` its actions.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Decision<S, A> {
    /// What was decided.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// From what.
    pub evidence: Vec<Evidence>,
    /// What will be done, in order. The executor makes no choices.
    pub plan: Vec<A>,
    /// The state to write with the decision; `None` leaves it as it is.
    pub state: Option<S>,
}

impl<S, A> Decision<S, A> {
    /// A decision that does nothing and changes nothing.
    pub fn new(verdict: Verdict, reason: Reason) -> Self {
        Self { verdict, reason, evidence: Vec::new(), plan: Vec::new(), state: None }
    }

    /// The refusal of what an account said that may not say it.
    pub fn of_stranger(account: &str, why: Reason) -> Self {
        Self::new(Verdict::Refuse, why).saw("from_account", account)
    }

    /// Adds what was seen.
    pub fn saw(mut self, name: &str, observed: impl std::fmt::Display) -> Self {
        self.evidence.push(Evidence {
            name: name.to_owned(),
            observed: observed.to_string(),
            expected: None,
            source: None,
        });
        self
    }

    /// Adds what was seen and what it was compared with.
    pub fn compared(
        mut self,
        name: &str,
        observed: impl std::fmt::Display,
        expected: impl std::fmt::Display,
    ) -> Self {
        self.evidence.push(Evidence {
            name: name.to_owned(),
            observed: observed.to_string(),
            expected: Some(expected.to_string()),
            source: None,
        });
        self
    }

    /// Says who told what was last added.
    pub fn told_by(mut self, source: &str) -> Self {
        if let Some(last) = self.evidence.last_mut() {
            last.source = Some(source.to_owned());
        }
        self
    }

    /// Sets the plan.
    pub fn plan(mut self, plan: Vec<A>) -> Self {
        self.plan = plan;
        self
    }

    /// Sets the state that follows.
    pub fn state(mut self, state: S) -> Self {
        self.state = Some(state);
        self
    }
}
