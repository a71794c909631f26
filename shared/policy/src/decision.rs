//! The structure of every decision.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_events::clean;

use crate::controller::Context;
use crate::reason::Reason;
use crate::step::Step;

/// The kind of a decision. `Ignore`, `Skip`, `Wait`, `Suppress`, `NoChange` and `Reject` start nothing, and state
/// why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The event requires no action here.
    Ignore,
    /// train: no execution for this commit or request.
    Skip,
    /// train: start the pipeline.
    Start,
    /// promote: request the deployment of a version in an environment.
    Deploy,
    /// promote: environments go back to a version that they served before.
    RollBack,
    /// promote, deploy: another condition must be fulfilled first.
    Wait,
    /// promote: the promotion of this version has stopped.
    Stop,
    /// promote: the version has reached every environment.
    Complete,
    /// deploy: call SageMaker so that the endpoint becomes the requested version.
    Apply,
    /// deploy: the requested version serves and answers. train: the execution succeeded.
    Succeeded,
    /// deploy: the requested version is not deployed, and will not be without a change.
    Failed,
    /// deploy: the endpoint or the component of the requested version did not start.
    FailedToStart,
    /// deploy: the requested version is in service, and did not pass the verification.
    VerificationFailed,
    /// deploy: SageMaker reports `InService` and runs the old configuration.
    RolledBackSilently,
    /// deploy: the same, because of an alarm of the rollout.
    RolledBackByAlarm,
    /// operate: the command of a person is passed on.
    Accept,
    /// The request is not allowed or not possible.
    Reject,
    /// respond: request a retraining from the hub.
    Retrain,
    /// Notify a person.
    Alert,
    /// respond: there is drift, but no action is taken now.
    Suppress,
    /// scale: scale to zero.
    ScaleToZero,
    /// scale: scale up from zero.
    ScaleFromZero,
    /// scale: change nothing. deploy: only the record of a live version changes.
    NoChange,
}

impl Verdict {
    /// All verdicts, in the order of this file.
    pub const ALL: &[Self] = &[
        Self::Ignore,
        Self::Skip,
        Self::Start,
        Self::Deploy,
        Self::RollBack,
        Self::Wait,
        Self::Stop,
        Self::Complete,
        Self::Apply,
        Self::Succeeded,
        Self::Failed,
        Self::FailedToStart,
        Self::VerificationFailed,
        Self::RolledBackSilently,
        Self::RolledBackByAlarm,
        Self::Accept,
        Self::Reject,
        Self::Retrain,
        Self::Alert,
        Self::Suppress,
        Self::ScaleToZero,
        Self::ScaleFromZero,
        Self::NoChange,
    ];

    /// The verdict with a stable name, if there is one.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|verdict| verdict.code() == code)
    }

    /// The stable name, as it is stored and printed.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Skip => "skip",
            Self::Start => "start",
            Self::Deploy => "deploy",
            Self::RollBack => "roll_back",
            Self::Wait => "wait",
            Self::Stop => "stop",
            Self::Complete => "complete",
            Self::Apply => "apply",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::FailedToStart => "failed_to_start",
            Self::VerificationFailed => "verification_failed",
            Self::RolledBackSilently => "rolled_back_silently",
            Self::RolledBackByAlarm => "rolled_back_by_alarm",
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Retrain => "retrain",
            Self::Alert => "alert",
            Self::Suppress => "suppress",
            Self::ScaleToZero => "scale_to_zero",
            Self::ScaleFromZero => "scale_from_zero",
            Self::NoChange => "no_change",
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
/// `S` is the state that the deciding function keeps for a model and environment, `C` its calls.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Decision<S, C> {
    /// The verdict.
    pub verdict: Verdict,
    /// The reason.
    pub reason: Reason,
    /// The observed values that support it.
    pub evidence: Vec<Evidence>,
    /// The steps to carry out, in order. The executor makes no choices.
    pub plan: Vec<Step<C>>,
    /// The state to write with the decision; `None` leaves the state unchanged.
    pub state: Option<S>,
}

impl<S, C> Decision<S, C> {
    /// A decision without actions and without a state change.
    pub fn new(verdict: Verdict, reason: Reason) -> Self {
        Self { verdict, reason, evidence: Vec::new(), plan: Vec::new(), state: None }
    }

    /// The rejection of an event from an account that is not authorized to send it.
    pub fn unauthorized(account: &str, why: Reason) -> Self {
        Self::new(Verdict::Reject, why).evidence("from_account", account)
    }

    /// The rejection of an event about a model that has no policy here.
    pub fn unmanaged(cx: &Context<'_>) -> Self {
        let what = format!("the model in {}", cx.site.environment);
        Self::new(Verdict::Reject, Reason::Unmanaged { what })
    }

    /// Adds an observed value.
    pub fn evidence(mut self, name: &str, observed: impl std::fmt::Display) -> Self {
        self.evidence.push(Evidence {
            name: name.to_owned(),
            observed: clean(&observed.to_string()).into_owned(),
            expected: None,
            source: None,
        });
        self
    }

    /// Adds an observed value, if there is one.
    pub fn evidence_if(self, name: &str, observed: Option<impl std::fmt::Display>) -> Self {
        match observed {
            Some(observed) => self.evidence(name, observed),
            None => self,
        }
    }

    /// Adds an observed value and the value that it was compared with.
    pub fn evidence_vs(
        mut self,
        name: &str,
        observed: impl std::fmt::Display,
        expected: impl std::fmt::Display,
    ) -> Self {
        self.evidence.push(Evidence {
            name: name.to_owned(),
            observed: clean(&observed.to_string()).into_owned(),
            expected: Some(clean(&expected.to_string()).into_owned()),
            source: None,
        });
        self
    }

    /// Sets the source of the evidence that was added last.
    pub fn from_source(mut self, source: &str) -> Self {
        if let Some(last) = self.evidence.last_mut() {
            last.source = Some(clean(source).into_owned());
        }
        self
    }

    /// Sets the plan.
    pub fn plan(mut self, plan: Vec<Step<C>>) -> Self {
        self.plan = plan;
        self
    }

    /// Sets the state that follows.
    pub fn state(mut self, state: S) -> Self {
        self.state = Some(state);
        self
    }
}
