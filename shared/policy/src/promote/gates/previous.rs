//! The gate `previous`: the version has succeeded in every environment before this one.

use super::{GateInput, GateState};
use crate::promote::EnvironmentStatus;
use crate::reason::Reason;

pub(super) fn state(input: &GateInput<'_>) -> GateState {
    let earlier = input.policy.environments.iter().take_while(|e| e.name != input.environment.name);
    let missing = earlier.map(|e| e.name.as_str()).find(|name| {
        !matches!(input.promotion.environments.get(*name), Some(EnvironmentStatus::Succeeded { .. }))
    });
    match missing {
        Some(previous) => {
            GateState::Closed { reason: Reason::AwaitingPrevious { previous: previous.to_owned() } }
        }
        None => GateState::Open,
    }
}
