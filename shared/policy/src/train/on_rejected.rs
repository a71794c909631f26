//! What follows when AWS refuses for good to start a pipeline.

use super::{Action, State, Train, token_of_last};
use crate::decision::{Decision, Verdict};
use crate::file::Policy;
use crate::people::subject;
use crate::reason::Reason;
use crate::step::Step;

/// What follows when an action of a plan was refused for good; `None` if the rest of the plan may go on.
///
/// The commit did not train, so it is not remembered as trained: its push may try again. It is remembered as refused, so
/// that the sweep, which would find it again every time, leaves it alone. People are told.
///
/// A refused alert has no answer here ([`Action::is_alert`]): the invocation must fail, or nobody would ever know.
#[must_use]
pub fn on_rejected(policy: &Policy, state: &State, step: &Step<Action>, why: &Reason) -> Option<Train> {
    let token = match step {
        Step::Call(Action::UpsertPipeline { token, .. } | Action::StartExecution { token, .. }) => token,
        Step::Notify { .. }
        | Step::ScheduleCheck { .. }
        | Step::ReportDeployment { .. }
        | Step::RequestDeployment { .. }
        | Step::RequestRetraining { .. } => return None,
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
    let message = format!(
        "{why}.\nModel: {}\nPipeline: {}\nNothing was trained. Mend the cause, then push again.",
        policy.model, policy.pipeline.name
    );
    let alert = Step::Notify { subject: subject(&format!("{} was not trained", policy.model)), message };
    Some(
        Decision::new(Verdict::Reject, why.clone())
            .evidence("pipeline", &policy.pipeline.name)
            .plan(vec![alert])
            .state(next),
    )
}
