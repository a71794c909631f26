//! The check immediately before a component is scaled to zero.

use jiff::Timestamp;

use super::{State, left_alone_until, live_since, not_serving};
use crate::deploy;
use crate::file::Environment;
use crate::reason::Reason;

/// Why a component must keep its copies: since the decision, another version or a request may have arrived.
/// `in_window` is the number of invocations in the idle window, `None` if CloudWatch returned no data.
#[must_use]
pub fn precondition(
    environment: &Environment,
    state: &State,
    deployed: &deploy::State,
    in_window: Option<u64>,
    now: Timestamp,
) -> Option<Reason> {
    let Some(to_zero) = &environment.scale.to_zero else { return Some(Reason::NoScalePolicy) };
    if deployed.in_flight.is_some() {
        return Some(Reason::DeploymentInFlight);
    }
    if let Some(cause) = not_serving(deployed) {
        return Some(Reason::LiveNotServing { cause });
    }
    let Some(live_since) = live_since(deployed) else { return Some(Reason::NeverDeployed) };
    if let Some(until) = left_alone_until(to_zero, state, live_since).filter(|until| now < *until) {
        return Some(Reason::InGracePeriod { until });
    }
    match in_window {
        Some(0) => None,
        Some(invocations) => Some(Reason::Traffic { invocations }),
        None => Some(Reason::NoMetrics),
    }
}
