//! A person places a hold on deployments in this environment, or releases it.

use jiff::Timestamp;
use tidegate_events::{HoldPlaced, HoldReleased};

use super::{Deploy, State};
use crate::decision::{Decision, Verdict};
use crate::hold::{self, ALL, Hold, place_in_words};
use crate::reason::Reason;

/// Decides about a hold on this environment or on the whole model: while it is in effect, nothing is started. An
/// update that SageMaker has started continues.
pub fn decide_hold(state: &State, placed: &HoldPlaced, now: Timestamp) -> Deploy {
    let mut next = state.clone();
    let place = placed.environment.as_deref().unwrap_or(ALL);
    let decision = match hold::place(&mut next.holds, &next.released, placed, now) {
        Ok(()) => {
            let hold = Hold::placed(placed);
            Decision::new(Verdict::Wait, hold.why()).state(next)
        }
        Err(reason) => Decision::new(Verdict::Ignore, reason),
    };
    let in_flight = state.in_flight.as_ref().map(|in_flight| in_flight.request.version.to_string());
    decision
        .evidence("place", place_in_words(place))
        .evidence("version_in_flight", in_flight.unwrap_or_else(|| "none".to_owned()))
}

/// Accepts a release: returns the state in which [`converge`](super::converge()) continues the waiting deployment.
///
/// # Errors
/// The decision, if no hold was released, if another hold is in effect, or if no deployment waits.
pub fn release(state: &State, release: &HoldReleased, now: Timestamp) -> Result<State, Box<Deploy>> {
    let place = place_in_words(release.environment.as_deref().unwrap_or(ALL));
    let mut next = state.clone();
    let released = hold::release(&mut next.holds, &mut next.released, release, now);
    let reason = match (released, next.hold(), &next.in_flight) {
        (Err(reason), ..) => reason,
        (Ok(()), Some(hold), _) => hold.why(),
        (Ok(()), None, None) => Reason::HoldReleased { place: place.clone(), by: release.by.clone() },
        (Ok(()), None, Some(_)) => return Ok(next),
    };
    let verdict =
        if next.in_flight.is_some() && next.hold().is_some() { Verdict::Wait } else { Verdict::Ignore };
    Err(Box::new(Decision::new(verdict, reason).evidence("place", place).state(next)))
}
