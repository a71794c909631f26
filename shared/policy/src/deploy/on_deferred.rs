//! The decision after AWS rejects an action of deploy for now.

use jiff::{SignedDuration, Timestamp};

use super::action::is_wanted;
use super::{Action, Deploy, InFlight, NotVisible, Site, State, check_soon, on_rejected};
use crate::decision::{Decision, Verdict};
use crate::file::Environment;
use crate::reason::Reason;
use crate::step::Step;

/// How long AWS may not find what a call refers to before the deployment fails: twice the longest time for which AWS's SDK
/// and Terraform wait for a new resource or role. What is missing after it was never made, or was deleted.
const LONGEST_NOT_VISIBLE: SignedDuration = SignedDuration::from_mins(10);

/// The decision after a call was rejected for now; `None` if the deployment has already ended.
///
/// The call was not made. A check is scheduled, which plans it again when the resource is ready. Nothing is reported, because
/// nothing has failed; only if AWS does not find what the call refers to for `LONGEST_NOT_VISIBLE`, the deployment ends as
/// [`on_rejected()`] says. Another change has no limit: its end is visible in the resource's status.
#[must_use]
pub fn on_deferred(
    site: &Site,
    environment: &Environment,
    state: &State,
    step: &Step<Action>,
    why: &Reason,
    now: Timestamp,
) -> Option<Deploy> {
    let in_flight = state.in_flight.as_ref().filter(|_| is_wanted(Some(environment), state, step))?;
    let not_visible = match why {
        Reason::NotVisibleYet { operation, cause } => {
            let known = in_flight.not_visible.as_ref().filter(|known| known.operation == *operation);
            let since = known.map_or(now, |known| known.since);
            if now >= since.checked_add(LONGEST_NOT_VISIBLE).unwrap_or(Timestamp::MAX) {
                let (operation, cause) = (operation.clone(), cause.clone());
                let why = Reason::NeverVisible { operation, since, cause };
                return on_rejected(environment, state, step, &why, now);
            }
            Some(NotVisible { operation: operation.clone(), since })
        }
        _ => None,
    };
    let check = check_soon(site, environment, in_flight, now);
    let checks = in_flight.checks.saturating_add(1);
    let waiting = InFlight { not_visible, checks, ..not_asked_at(in_flight, now) };
    Some(
        Decision::new(Verdict::Wait, why.clone())
            .evidence("version", in_flight.request.version)
            .plan(vec![check])
            .state(State { in_flight: Some(waiting), ..state.clone() }),
    )
}

/// Clears the record of a change that this plan was to request. If the plan was decided earlier, an earlier attempt may have
/// requested it, and the record stays.
fn not_asked_at(in_flight: &InFlight, now: Timestamp) -> InFlight {
    let mut next = in_flight.clone();
    if next.endpoint_update_requested_at == Some(now) {
        (next.endpoint_update_requested_at, next.endpoint_modified_before) = (None, None);
    }
    if next.component_update_requested_at == Some(now) {
        (next.component_update_requested_at, next.component_modified_before) = (None, None);
    }
    next
}
