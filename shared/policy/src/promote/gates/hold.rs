//! The gate `hold`: no hold applies to the environment or to the whole model.

use super::{GateInput, GateState};
pub(super) fn state(input: &GateInput<'_>) -> GateState {
    match input.state.hold_against(input.promotion, input.environment.name.as_str()) {
        Some(hold) => GateState::Closed { reason: hold.why() },
        None => GateState::Open,
    }
}
