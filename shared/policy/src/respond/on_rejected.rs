//! The decision after AWS permanently rejects an action of respond.

use super::{Respond, State};
use crate::decision::{Decision, Verdict};
use crate::file::{Environment, Policy};
use crate::people::subject;
use crate::reason::Reason;
use crate::step::{NoCall, Step};

/// The decision after an action of a plan was permanently rejected; `None` if the rest of the plan may continue.
///
/// A retraining request that was rejected does not count against cooldown, budget and attempts, and people are
/// notified that the drift has no response. If a scheduled check cannot be created, the next event replaces it.
///
/// A rejected alert (`Step::Notify`) is not handled here: the invocation must fail, or nobody would be notified.
#[must_use]
pub fn on_rejected(
    policy: &Policy,
    environment: &Environment,
    state: &State,
    step: &Step<NoCall>,
    why: &Reason,
) -> Option<Respond> {
    let Step::RequestRetraining { request } = step else { return None };
    let mut next = state.clone();
    next.retrainings.retain(|at| *at != request.requested_at);
    if next.retrainings.len() < state.retrainings.len() {
        next.attempts = state.attempts.saturating_sub(1);
    }
    let message = format!(
        "{why}.\nModel: {}\nEnvironment: {} ({})\nCause: {}\nThe hub was not asked to retrain, so nobody answers this \
         drift. Mend the cause, or start the pipeline yourself.",
        policy.model, environment.name, environment.account, request.detail
    );
    let subject = subject(&format!("drift of {} in {} has no answer", policy.model, environment.name));
    Some(
        Decision::new(Verdict::Alert, why.clone())
            .evidence("request_id", &request.request_id)
            .plan(vec![Step::Notify { subject, message }])
            .state(next),
    )
}
