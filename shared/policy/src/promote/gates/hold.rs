//! The gate `hold`: no hold applies to the environment or to the whole model.

use super::{GateInput, GateState};
use crate::hold;

pub(super) fn state(input: &GateInput<'_>) -> GateState {
    match hold::on(&input.state.holds, input.environment.name.as_str()) {
        Some(hold) => GateState::Closed { reason: hold.why() },
        None => GateState::Open,
    }
}
