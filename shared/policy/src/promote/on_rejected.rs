//! What follows when AWS refuses an action of promote's for good.

use jiff::Timestamp;

use super::action::{life_cycle, stopped};
use super::{Action, EnvironmentStatus, Promote, State};
use crate::decision::{Decision, Verdict};
use crate::reason::Reason;
use crate::step::Step;

/// What follows when an action of a plan was refused for good; `None` if the rest of the plan may go on.
///
/// * A request that cannot be sent stops the promotion, and people are told.
/// * A life cycle note is for the eye: without it everything goes on.
/// * A wake-up that cannot be set is made up for by the sweep.
/// * A refused alert has no answer here ([`Action::is_alert`]): the invocation must fail, or nobody would ever know.
#[must_use]
pub fn on_rejected(state: &State, step: &Step<Action>, why: &Reason, now: Timestamp) -> Option<Promote> {
    let request = match step {
        Step::RequestDeployment { request } => request,
        Step::Call(Action::UpdateModelLifeCycle { .. })
        | Step::ScheduleCheck { .. }
        | Step::Notify { .. }
        | Step::ReportDeployment { .. }
        | Step::RequestRetraining { .. } => return None,
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
    let alert = stopped(&subject, &why.to_string(), &promotion);
    let note = life_cycle(&promotion, environment, super::action::FAILED, &why.to_string());
    Some(
        Decision::new(Verdict::Stop, why.clone())
            .evidence("request_id", &request.request_id)
            .evidence("environment", environment)
            .plan(vec![alert, note])
            .state(state.with(promotion)),
    )
}
