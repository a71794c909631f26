//! What follows when the last look before an action of deploy's finds that it is not safe any more.

use jiff::Timestamp;

use super::{Action, Deploy, InFlight, Post, State, look_again, refused};
use crate::decision::{Decision, Verdict};
use crate::file::Environment;
use crate::reason::Reason;

/// What follows when the last look found a cause not to act; `None` if the deployment is over anyway.
///
/// Somebody else is changing the endpoint: it is looked at again, and asked anew when it is ready. Anything else, such as
/// an approval that was withdrawn, ends the deployment as [`refused`] does.
#[must_use]
pub fn prevented(
    post: &Post,
    environment: &Environment,
    state: &State,
    action: &Action,
    why: &Reason,
    now: Timestamp,
) -> Option<Deploy> {
    if !matches!(why, Reason::EndpointBusy { .. }) {
        return refused(environment, state, action, why, now);
    }
    let in_flight = state.in_flight.as_ref()?;
    let checks = in_flight.checks.saturating_add(1);
    // What was to be asked was not asked.
    let waiting = InFlight { checks, endpoint_asked: None, endpoint_seen: None, ..in_flight.clone() };
    Some(
        Decision::new(Verdict::Wait, why.clone())
            .saw("version", in_flight.request.version)
            .plan(vec![look_again(post, environment, in_flight, now)])
            .state(State { in_flight: Some(waiting), ..state.clone() }),
    )
}
