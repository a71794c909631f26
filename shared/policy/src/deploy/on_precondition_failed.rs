//! What follows when the last look before an action of deploy's finds that it is not safe any more.

use jiff::Timestamp;

use super::{Action, Deploy, InFlight, Site, State, on_rejected, schedule_check};
use crate::decision::{Decision, Verdict};
use crate::file::Environment;
use crate::reason::Reason;
use crate::step::Step;

/// What follows when the last look found a cause not to act; `None` if the deployment is over anyway.
///
/// * It has changed, or somebody is changing it: it is looked at again, and asked anew when it is ready.
/// * A hold stands: nothing was begun, and the release begins it.
/// * Anything else, such as an approval that was withdrawn, ends the deployment as [`refused`] does.
#[must_use]
pub fn on_precondition_failed(
    site: &Site,
    environment: &Environment,
    state: &State,
    step: &Step<Action>,
    why: &Reason,
    now: Timestamp,
) -> Option<Deploy> {
    let in_flight = state.in_flight.as_ref()?;
    let (waiting, plan) = match why {
        Reason::EndpointBusy { .. } | Reason::ComponentBusy { .. } => {
            let look = schedule_check(site, environment, in_flight, now);
            (not_asked(in_flight, step, Some(now)), vec![look])
        }
        Reason::Held { .. } => (not_asked(in_flight, step, None), Vec::new()),
        _ => return on_rejected(environment, state, step, why, now),
    };
    let checks = in_flight.checks.saturating_add(1);
    Some(
        Decision::new(Verdict::Wait, why.clone())
            .evidence("version", in_flight.request.version)
            .plan(plan)
            .state(State { in_flight: Some(InFlight { checks, ..waiting }), ..state.clone() }),
    )
}

/// What was to be asked was not asked. Of a plan that was left behind nobody knows: an earlier attempt may have asked, and
/// SageMaker may have rolled back since. So with `decided_at` it is forgotten only if it was decided at that very moment.
fn not_asked(in_flight: &InFlight, step: &Step<Action>, decided_at: Option<Timestamp>) -> InFlight {
    let is_sure = |asked: Option<Timestamp>| decided_at.is_none_or(|now| asked == Some(now));
    let mut next = in_flight.clone();
    match step {
        Step::Call(Action::CreateEndpoint { .. } | Action::UpdateEndpoint { .. })
            if is_sure(next.endpoint_update_requested_at) =>
        {
            (next.endpoint_update_requested_at, next.endpoint_modified_before) = (None, None);
        }
        Step::Call(Action::CreateComponent { .. } | Action::UpdateComponent { .. })
            if is_sure(next.component_update_requested_at) =>
        {
            (next.component_update_requested_at, next.component_modified_before) = (None, None);
        }
        _ => {}
    }
    next
}
