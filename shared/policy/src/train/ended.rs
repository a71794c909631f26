//! The end of an execution: people are told unless a version was registered, and the environment that requested the
//! retraining is told in any case.

use jiff::Timestamp;
use serde_json::Value;
use tidegate_events::{
    ExecutionStatus, PipelineExecutionChanged, RetrainingFinished, RetrainingOutcome, RetrainingRequested,
};

use super::execution::{DescribedExecution, ExecutedStep, Execution};
use super::failure::FailureClass;
use super::{End, Request, Snapshot, State, Train, json_digest};
use crate::decision::{Decision, Verdict};
use crate::file::Policy;
use crate::people::subject;
use crate::reason::Reason;
use crate::step::Step;

/// How many failed steps an alert lists, and how many characters of each reason.
const LISTED: (usize, usize) = (5, 600);

/// Decides about the end of an execution.
pub fn decide_end(
    policy: &Policy,
    state: &State,
    run: &PipelineExecutionChanged,
    seen: &Snapshot,
    now: Timestamp,
) -> Train {
    let execution = || run.execution_arn.clone();
    let ignore = |reason| Decision::new(Verdict::Ignore, reason);
    let Some(known) = state.execution(run.display_name.as_deref()) else {
        return ignore(Reason::NotStartedHere { execution: execution() });
    };
    // What SageMaker says now counts: the event may be late, and the execution may run again.
    let described = seen.execution.as_ref();
    let status = described.map_or(&run.status, |described| &described.status);
    match status {
        ExecutionStatus::Executing | ExecutionStatus::Stopping => {
            return Decision::new(Verdict::Skip, Reason::AlreadyRunning { execution: execution() });
        }
        ExecutionStatus::Unknown(state) => return ignore(Reason::UnknownState { state: state.clone() }),
        _ => {}
    }
    let end = End {
        status: status.as_str().to_owned(),
        at: described.and_then(|described| described.last_modified).or(run.ended),
    };
    if known.end.as_ref().is_some_and(|before| before.is_same(&end)) {
        return ignore(Reason::EndKnown { execution: execution() });
    }
    let facts = Facts { policy, known, arn: &run.execution_arn, status, described };
    let ran = described.and_then(|described| described.definition.as_deref()).and_then(json_digest);
    let is_other = known.definition.as_ref().zip(ran.as_ref()).is_some_and(|(wanted, ran)| wanted != ran);
    let reason = match facts.reason() {
        Reason::VersionRegistered { .. } | Reason::ExecutionSucceeded { .. } if is_other => {
            Reason::OtherDefinitionRan { execution: execution() }
        }
        reason => reason,
    };
    let mut next = state.clone();
    for one in next.executions.iter_mut().filter(|one| one.name == known.name) {
        one.end = Some(end.clone());
        one.packages = facts.packages();
    }
    let mut plan = Vec::new();
    if let Some(request) = &known.request {
        let finished = report(policy, request, facts.outcome(), &reason, Some(execution()), now);
        plan.push(Step::ReportRetraining { finished });
    }
    let is_good = matches!(reason, Reason::VersionRegistered { .. } | Reason::ExecutionSucceeded { .. });
    if !is_good {
        let subject = subject(&format!("training of {}: {}", policy.model, facts.headline()));
        plan.push(Step::Notify { subject, message: facts.message(&reason) });
    }
    let verdict = if is_good { Verdict::Succeeded } else { Verdict::Alert };
    let decision = Decision::new(verdict, reason)
        .evidence("status", status)
        .evidence("started_for", &known.description)
        .plan(plan)
        .state(next);
    let decision = match (&known.definition, ran) {
        (Some(wanted), Some(ran)) => decision.evidence_vs("definition", ran, wanted),
        _ => decision,
    };
    match described.and_then(|described| described.version) {
        Some(version) => decision.evidence("pipeline_version", version),
        None => decision,
    }
}

/// The report about a retraining.
pub(super) fn report(
    policy: &Policy,
    request: &Request,
    outcome: RetrainingOutcome,
    reason: &Reason,
    execution_arn: Option<String>,
    now: Timestamp,
) -> RetrainingFinished {
    RetrainingFinished {
        request_id: request.id.clone(),
        model: policy.model.to_string(),
        environment: request.environment.clone(),
        environment_account: request.environment_account.clone(),
        requested_at: request.at,
        outcome,
        reason: reason.code().to_owned(),
        detail: reason.to_string(),
        execution_arn,
        finished_at: now,
    }
}

/// The report that a request starts nothing.
pub(super) fn not_started(
    policy: &Policy,
    request: &RetrainingRequested,
    reason: &Reason,
    now: Timestamp,
) -> RetrainingFinished {
    report(policy, &Request::of(request), RetrainingOutcome::NotStarted, reason, None, now)
}

impl End {
    /// Whether both are the same end. Without a time, the status decides.
    fn is_same(&self, other: &Self) -> bool {
        let same_time = self.at.zip(other.at).is_none_or(|(one, other)| one == other);
        self.status == other.status && same_time
    }
}

struct Facts<'a> {
    policy: &'a Policy,
    known: &'a Execution,
    arn: &'a str,
    status: &'a ExecutionStatus,
    described: Option<&'a DescribedExecution>,
}

impl Facts<'_> {
    fn steps(&self) -> &[ExecutedStep] {
        self.described.map_or(&[], |described| &described.steps)
    }

    fn failed(&self) -> impl Iterator<Item = &ExecutedStep> {
        self.steps().iter().filter(|step| step.is("Failed"))
    }

    fn packages(&self) -> Vec<String> {
        self.steps().iter().filter_map(|step| step.package.clone()).collect()
    }

    fn package(&self) -> Option<&str> {
        self.steps().iter().find_map(|step| step.package.as_deref())
    }

    /// The failure reason that decides: that of the first failed step, or that of the execution.
    fn cause(&self) -> Option<&str> {
        let of_step = self.failed().find_map(|step| step.failure.as_deref());
        of_step.or_else(|| self.described?.failure.as_deref())
    }

    fn class(&self) -> FailureClass {
        FailureClass::of(self.cause().unwrap_or_default())
    }

    /// Whether the definition has a step that registers a version; `true` if it is not known.
    fn can_register(&self) -> bool {
        let text = self.described.and_then(|described| described.definition.as_deref());
        let definition = text.and_then(|text| serde_json::from_str::<Value>(text).ok());
        definition.is_none_or(|definition| registers(definition.get("Steps").unwrap_or(&Value::Null)))
    }

    fn reason(&self) -> Reason {
        let execution = self.arn.to_owned();
        match self.status {
            ExecutionStatus::Succeeded => match self.package() {
                Some(package) => Reason::VersionRegistered { execution, package: package.to_owned() },
                None if self.described.is_none() || !self.can_register() => {
                    Reason::ExecutionSucceeded { execution }
                }
                None => Reason::NoVersionRegistered { execution },
            },
            ExecutionStatus::Stopped => Reason::ExecutionStopped { execution },
            ExecutionStatus::CompletedWithFailures => {
                Reason::ExecutionPartlyFailed { execution, cause: self.short_cause() }
            }
            _ => Reason::ExecutionFailed { execution, cause: self.short_cause() },
        }
    }

    /// The failed step, its failure reason and the class.
    fn short_cause(&self) -> String {
        let step = self.failed().next().map(|step| format!("step {}: ", step.name)).unwrap_or_default();
        let cause = self.cause().map_or_else(|| "SageMaker gives no reason".to_owned(), one_line);
        format!("{step}{cause} ({})", self.class())
    }

    fn outcome(&self) -> RetrainingOutcome {
        let trained = self.steps().iter().any(|step| step.trains && step.is("Succeeded"));
        match self.status {
            _ if self.package().is_some() => RetrainingOutcome::Succeeded,
            ExecutionStatus::Succeeded if self.described.is_none() || !self.can_register() => {
                RetrainingOutcome::Succeeded
            }
            ExecutionStatus::Succeeded => RetrainingOutcome::NoVersion,
            _ if trained => RetrainingOutcome::FailedAfterTraining,
            _ => RetrainingOutcome::Failed,
        }
    }

    fn headline(&self) -> String {
        match self.status {
            ExecutionStatus::Succeeded if self.package().is_some() || !self.can_register() => {
                "another definition ran".to_owned()
            }
            ExecutionStatus::Succeeded => "no version was registered".to_owned(),
            ExecutionStatus::Stopped => "the execution was stopped".to_owned(),
            _ => format!("the execution failed ({})", self.class()),
        }
    }

    fn message(&self, reason: &Reason) -> String {
        let mut lines = vec![
            format!("{reason}."),
            format!("Model: {}", self.policy.model),
            format!("Pipeline: {}", self.policy.pipeline.name),
            format!("Started for: {}", self.known.description),
        ];
        // The reason names the first one.
        let (count, _) = LISTED;
        for step in self.failed().skip(1).take(count) {
            let cause = step.failure.as_deref().map_or_else(|| "no reason given".to_owned(), one_line);
            lines.push(format!("Also failed: {}: {cause}", step.name));
        }
        lines.extend(self.package().map(|package| format!("Registered before it failed: {package}")));
        lines.push(self.what_to_do());
        if let Some(request) = &self.known.request {
            lines.push(format!(
                "{} was told, so that this retraining does not count as one that runs.",
                request.environment
            ));
        }
        lines.join("\n")
    }

    fn what_to_do(&self) -> String {
        let retry =
            format!("To retry: aws sagemaker retry-pipeline-execution --pipeline-execution-arn {}", self.arn);
        match self.status {
            ExecutionStatus::Succeeded if self.package().is_some() || !self.can_register() => {
                "Do not approve what it registered before you know which definition ran: aws sagemaker \
                 describe-pipeline-definition-for-execution shows it. Push again to train the commit."
                    .to_owned()
            }
            ExecutionStatus::Succeeded => {
                "Retrying does not help: look at the values that the condition compared.".to_owned()
            }
            ExecutionStatus::Stopped => {
                format!("Somebody stopped it, or a time limit did. Nothing follows by itself.\n{retry}")
            }
            _ => format!("Cause: {}: {}\n{retry}", self.class(), self.class().advice()),
        }
    }
}

/// The text in one line that is not too long.
fn one_line(text: &str) -> String {
    let (_, length) = LISTED;
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(length).collect()
}

/// Whether a step, or one inside a condition or a loop, registers a version.
fn registers(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(registers),
        Value::Object(members) => {
            let own = members.get("Type").and_then(Value::as_str) == Some("RegisterModel");
            own || members.values().any(registers)
        }
        _ => false,
    }
}
