//! The gate `soak`: the version has run in the preceding environment for a configured time without a failure.

use super::{GateInput, GateState};
use crate::promote::EnvironmentStatus;
use crate::promote::action::{SOAKING, life_cycle};
use crate::reason::Reason;

pub(super) fn state(input: &GateInput<'_>) -> GateState {
    let Some(soak) = input.environment.gates.soak else { return GateState::Open };
    let earlier = input.policy.environments.iter().take_while(|e| e.name != input.environment.name);
    let Some(previous) = earlier.last().map(|e| e.name.as_str()) else { return GateState::Open };
    let Some(EnvironmentStatus::Succeeded { at }) = input.promotion.environments.get(previous) else {
        return GateState::Open;
    };
    let until = at.checked_add(soak.signed()).unwrap_or(jiff::Timestamp::MAX);
    if until <= input.now {
        return GateState::Open;
    }
    let progress = life_cycle(input.promotion, previous, SOAKING, &format!("Soaks until {until}"));
    GateState::ClosedUntil { reason: Reason::Soaking { until }, until, progress: Some(progress) }
}
