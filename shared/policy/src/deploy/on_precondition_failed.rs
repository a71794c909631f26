//! The decision after the precondition of a deploy action fails.

use jiff::Timestamp;

use super::{Action, Deploy, InFlight, Site, State, on_rejected, schedule_check};
use crate::decision::{Decision, Verdict};
use crate::file::Environment;
use crate::reason::Reason;
use crate::step::Step;

/// The decision after a precondition failed; `None` if the deployment has already ended.
///
/// * The resource has changed, or someone is changing it: a check is scheduled, and the call is planned again when
///   the resource is ready.
/// * A hold is in effect: nothing was started, and the release starts it.
/// * Any other reason, such as a withdrawn approval, ends the deployment as [`on_rejected()`] does.
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

/// Clears the record of a call that was not made. For an unfinished plan this is uncertain: an earlier attempt may
/// have made the call, and SageMaker may have rolled back since. With `decided_at`, the record is therefore cleared
/// only if the call was decided at exactly that time.
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
