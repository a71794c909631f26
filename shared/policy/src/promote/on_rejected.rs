//! The decision after AWS permanently rejects an action of promote.

use jiff::Timestamp;

use super::action::{life_cycle, stopped};
use super::advice::after_unsent_request;
use super::{Action, EnvironmentStatus, Promote, State};
use crate::decision::{Decision, Verdict};
use crate::reason::Reason;
use crate::step::Step;

/// The decision after an action of a plan was permanently rejected; `None` if the rest of the plan may continue.
///
/// * A request that cannot be sent stops the promotion, and people are notified.
/// * A life cycle update is only for display: the promotion continues without it.
/// * If a scheduled check cannot be created, the sweep replaces it.
/// * A rejected alert (`Step::Notify`) is not handled here: the invocation must fail, or nobody would be notified.
#[must_use]
pub fn on_rejected(state: &State, step: &Step<Action>, why: &Reason, now: Timestamp) -> Option<Promote> {
    let request = match step {
        Step::RequestDeployment { request } => request,
        Step::Call(Action::UpdateModelLifeCycle { .. })
        | Step::ScheduleCheck { .. }
        | Step::Notify { .. }
        | Step::ReportDeployment { .. }
        | Step::AnswerWaiting { .. }
        | Step::ReportHealth { .. }
        | Step::RequestRetraining { .. }
        | Step::ReportRetraining { .. }
        | Step::PublishCommand { .. } => return None,
    };
    let of_request = |step: &EnvironmentStatus| matches!(step, EnvironmentStatus::Requested { request_id, .. } if *request_id == request.request_id);
    let environment = &request.environment;
    let mut promotion = state
        .promotion
        .clone()
        .filter(|promotion| promotion.environments.get(environment).is_some_and(of_request))?;
    promotion
        .environments
        .insert(environment.clone(), EnvironmentStatus::Failed { at: now, cause: why.to_string() });
    promotion.stopped = true;
    let subject = format!("{} {} not requested in {environment}", request.model, request.version);
    let alert = stopped(&subject, &why.to_string(), &promotion, &after_unsent_request(&promotion));
    let note = life_cycle(&promotion, environment, super::action::FAILED, &why.to_string());
    Some(
        Decision::new(Verdict::Stop, why.clone())
            .evidence("request_id", &request.request_id)
            .evidence("environment", environment)
            .plan(vec![alert, note])
            .state(state.with(promotion)),
    )
}
