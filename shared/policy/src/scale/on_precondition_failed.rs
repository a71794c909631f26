//! The decision after the precondition of a scale-down fails.

use super::{Action, ScaleDecision, State, limits_in_service};
use crate::decision::{Decision, Verdict};
use crate::file::Environment;
use crate::reason::Reason;
use crate::step::Step;

/// The decision after a precondition of the scale-down failed: the component keeps its copies, and its minimum is
/// raised again.
#[must_use]
pub fn on_precondition_failed(
    environment: &Environment,
    state: &State,
    step: &Step<Action>,
    why: &Reason,
) -> Option<ScaleDecision> {
    let Step::Call(Action::SetCopyCount { component, copies: 0 }) = step else { return None };
    // The policy may have changed the kind since; one copy is the default for a component that the policy does not
    // describe.
    let wanted = environment.endpoint.scalable_component().map_or(1, |component| component.copies);
    let (min, max) = limits_in_service(environment, wanted, state, None);
    let lift = Step::Call(Action::SetCapacityLimits { component: component.clone(), min, max });
    let last_reason = Some(why.code().to_owned());
    Some(
        Decision::new(Verdict::NoChange, why.clone())
            .evidence("meant", "scale_to_zero")
            .plan(vec![lift])
            .state(State { zero_since: None, last_reason, limits_before_zero: None, ..state.clone() }),
    )
}
