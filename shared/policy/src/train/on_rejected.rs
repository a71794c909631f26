//! The decision after AWS permanently rejects an action of train.

use jiff::Timestamp;
use tidegate_events::RetrainingOutcome;

use super::ended::report;
use super::{Action, State, Train, token_of_last};
use crate::decision::{Decision, Verdict};
use crate::denial;
use crate::file::Policy;
use crate::people::subject;
use crate::reason::Reason;
use crate::step::Step;

/// The decision after an action of a plan was permanently rejected; `None` if the rest of the plan may continue.
///
/// The commit did not train, so the state does not store it as trained: its push may be tried again. The state stores
/// it as rejected, so that the sweep, which would find it again every time, ignores it. People are notified, and so is
/// the environment that requested the retraining.
///
/// A rejected alert (`Step::Notify`) is not handled here: the invocation must fail, or nobody would be notified.
#[must_use]
pub fn on_rejected(
    policy: &Policy,
    state: &State,
    step: &Step<Action>,
    why: &Reason,
    now: Timestamp,
) -> Option<Train> {
    let token = match step {
        Step::Call(
            Action::UpsertPipeline { token, .. }
            | Action::TagPipeline { token, .. }
            | Action::StartExecution { token, .. },
        ) => token,
        Step::Notify { .. }
        | Step::ScheduleCheck { .. }
        | Step::ReportDeployment { .. }
        | Step::AnswerWaiting { .. }
        | Step::ReportHealth { .. }
        | Step::RequestDeployment { .. }
        | Step::RequestRetraining { .. }
        | Step::ReportRetraining { .. }
        | Step::PublishCommand { .. } => return None,
    };
    let mut next = state.clone();
    let of_commit = |(at, _): &(&String, &String)| token_of_last(policy, state, at).as_ref() == Some(token);
    if let Some((at, commit)) = state.commits.iter().find(of_commit) {
        next.commits.remove(at);
        next.rejected_commits.insert(at.clone(), commit.clone());
    }
    if next.last_start.as_ref().is_some_and(|last| last.token == *token) {
        next.last_start = None;
    }
    let begun = state.executions.iter().find(|one| one.token == *token);
    next.executions.retain(|one| one.token != *token);
    let request = begun.and_then(|one| one.request.as_ref());
    let told = request.map(|request| Step::ReportRetraining {
        finished: report(policy, request, RetrainingOutcome::NotStarted, why, None, now),
    });
    let again = match request {
        Some(request) => format!("{} was told, and may ask again while the drift lasts", request.environment),
        None => "Mend the cause, then push again".to_owned(),
    };
    let advice = denial::advice(&why.to_string()).map(|advice| format!("\n{advice}")).unwrap_or_default();
    let message = format!(
        "{why}.\nModel: {}\nPipeline: {}\nNothing was trained. {again}.{advice}",
        policy.model, policy.pipeline.name
    );
    let alert = Step::Notify { subject: subject(&format!("{} was not trained", policy.model)), message };
    Some(
        Decision::new(Verdict::Reject, why.clone())
            .evidence("pipeline", &policy.pipeline.name)
            .plan(told.into_iter().chain([alert]).collect())
            .state(next),
    )
}
