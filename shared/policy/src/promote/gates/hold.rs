//! The gate `hold`: no person has stopped the environment or the whole model.

use super::{GateInput, GateState};
use crate::hold;

pub(super) fn state(input: &GateInput<'_>) -> GateState {
    match hold::on(&input.state.holds, input.environment.name.as_str()) {
        Some(hold) => GateState::Closed { reason: hold.why() },
        None => GateState::Open,
    }
}
