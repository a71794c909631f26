//! What should have happened by now: the end of a soak that nobody announced, a request that nobody answered.

use jiff::{SignedDuration, Timestamp};
use tidegate_events::DeploymentRequested;

use super::due::due;
use super::enter::{go_on, request_for};
use super::gates::{GateInput, GateState, first_closed};
use super::{EnvironmentStatus, Promote, Promotion, State};
use crate::decision::{Decision, Verdict};
use crate::file::{Environment, Policy};
use crate::hold;
use crate::people::subject;
use crate::reason::Reason;
use crate::step::Step;

/// A request that has had no answer for so long is sent again; the environment answers a repeated request with what
/// it knows. Long enough for a slow endpoint, which SageMaker may take half an hour to create.
const ANSWER_WITHIN: SignedDuration = SignedDuration::from_mins(60);

/// When a request has been sent again so often, people are told, once. It is sent on.
const TELL_AFTER: u32 = 3;

/// Decides what the sweep must heal.
pub fn decide_sweep(policy: &Policy, state: &State, now: Timestamp) -> Promote {
    overdue(policy, state, None, now)
        // What is on record as waiting is not recorded at every sweep.
        .filter(|decision| decision.verdict != Verdict::Wait || waits_anew(state, decision))
        .unwrap_or_else(|| Decision::new(Verdict::Ignore, Reason::NothingOverdue))
}

/// What is due now, if anything is; because of `why`, if it is not merely late.
pub(super) fn overdue(
    policy: &Policy,
    state: &State,
    why: Option<&Reason>,
    now: Timestamp,
) -> Option<Promote> {
    let promotion = state.promotion.as_ref().filter(|promotion| !promotion.stopped)?;
    let unanswered = policy.environments.iter().find_map(|environment| {
        let name = environment.name.as_str();
        match promotion.environments.get(name)? {
            EnvironmentStatus::Requested { request_id, at, retries }
                if now.duration_since(*at) >= ANSWER_WITHIN =>
            {
                // Under a hold the environment waits, and has no answer to give.
                let free = hold::on(&state.holds, name).is_none();
                let asked = (request_id.as_str(), *retries);
                free.then(|| ask_again(policy, state, promotion.clone(), environment, asked, now))
            }
            EnvironmentStatus::Requested { .. }
            | EnvironmentStatus::Succeeded { .. }
            | EnvironmentStatus::Failed { .. } => None,
        }
    });
    unanswered.or_else(|| {
        let due = due(policy, promotion).filter(|due| !due.is_asked(promotion))?;
        let why = why.cloned().unwrap_or_else(|| due.why(promotion.version));
        Some(go_on(policy, state, promotion.clone(), due.next, why, now))
    })
}

/// Whether it waits for something else than what is on record.
fn waits_anew(state: &State, decision: &Promote) -> bool {
    let waiting = |state: &State| state.promotion.as_ref().and_then(|promotion| promotion.blocked_by.clone());
    decision.state.as_ref().and_then(waiting) != waiting(state)
}

fn ask_again(
    policy: &Policy,
    state: &State,
    mut promotion: Promotion,
    environment: &Environment,
    (request_id, before): (&str, u32),
    now: Timestamp,
) -> Promote {
    // The same request, by whatever rule it was named when it was first sent.
    let request_id = request_id.to_owned();
    let request = DeploymentRequested { request_id, ..request_for(policy, &promotion, environment, now) };
    let name = environment.name.to_string();
    let again = before.saturating_add(1);
    let step =
        EnvironmentStatus::Requested { request_id: request.request_id.clone(), at: now, retries: again };
    promotion.environments.insert(name.clone(), step);
    let reason = Reason::NoReport { environment: name.clone() };
    let mut plan = vec![Step::RequestDeployment { request }];
    if again == TELL_AFTER {
        let message = format!(
            "{reason}, {again} times by now.\nModel: {}\nVersion: {}\nEnvironment: {name} ({} {})\nThe request is sent \
             again every hour until it is answered. Look at the dead-letter queues of deploy there and of the rules \
             between the accounts.",
            policy.model, promotion.version, environment.account, environment.region,
        );
        let subject =
            subject(&format!("{name} does not answer about {} {}", policy.model, promotion.version));
        plan.push(Step::Notify { subject, message });
    }
    Decision::new(Verdict::Deploy, reason)
        .evidence("version", promotion.version)
        .evidence("asked_again", again)
        .plan(plan)
        .state(state.with(promotion))
}

/// When a sweep next has something to do: a request without a report is overdue, or what the version waits for is over.
pub(super) fn next_check(policy: &Policy, state: &State, now: Timestamp) -> Option<Timestamp> {
    let promotion = state.promotion.as_ref().filter(|promotion| !promotion.stopped)?;
    let overdue = policy.environments.iter().filter_map(|environment| {
        let name = environment.name.as_str();
        match promotion.environments.get(name)? {
            EnvironmentStatus::Requested { at, .. } if hold::on(&state.holds, name).is_none() => {
                Some(at.checked_add(ANSWER_WITHIN).unwrap_or(Timestamp::MAX))
            }
            EnvironmentStatus::Requested { .. }
            | EnvironmentStatus::Succeeded { .. }
            | EnvironmentStatus::Failed { .. } => None,
        }
    });
    let entering = due(policy, promotion).filter(|due| !due.is_asked(promotion)).and_then(|due| {
        let input = GateInput { policy, state, promotion, environment: due.next, now };
        match first_closed(&input).map(|closed| closed.state) {
            Some(GateState::ClosedUntil { until, .. }) => Some(until),
            // A person opens it, or an event.
            Some(GateState::ClosedForPeople { .. } | GateState::Closed { .. }) => None,
            Some(GateState::Open) | None => Some(now),
        }
    });
    overdue.chain(entering).min()
}
