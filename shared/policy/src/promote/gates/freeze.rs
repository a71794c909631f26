//! The gate `freeze`: neither people nor the policy stop deployments until a time.

use jiff::Timestamp;

use super::{GateInput, GateState};
use crate::hold::ALL;
use crate::reason::Reason;

pub(super) fn state(input: &GateInput<'_>) -> GateState {
    let name = input.environment.name.as_str();
    // Without the freezes of every model it is not known whether one of them applies.
    let Some(fleet) = &input.facts.fleet else {
        let what = "the freezes of every model".to_owned();
        return GateState::Closed { reason: Reason::GateNotRead { gate: "freeze", what } };
    };
    let model = input.policy.model.as_str();
    let of_people =
        [(Some(model), &input.state.freezes), (None, fleet)].into_iter().filter_map(|(model, of)| {
            let freeze = of.on(name, input.now)?;
            let everywhere = of.placed.get(ALL) == Some(freeze);
            Some((freeze.until, freeze.why(model, (!everywhere).then_some(name))))
        });
    match of_people.chain(of_policy(input)).max_by_key(|(until, _)| *until) {
        Some((until, reason)) => GateState::ClosedUntil { reason, until, progress: None },
        None => GateState::Open,
    }
}

/// The freezes of the policy that are in effect.
fn of_policy<'i>(input: &'i GateInput<'_>) -> impl Iterator<Item = (Timestamp, Reason)> + use<'i> {
    input.environment.gates.freeze.iter().filter_map(|freeze| {
        // The bounds of an applied policy are times that exist.
        let from = freeze.from.begins(freeze.time_zone.as_str()).unwrap_or(Timestamp::MIN);
        let until = freeze.to.ends(freeze.time_zone.as_str()).unwrap_or(Timestamp::MAX);
        let reason = Reason::Frozen {
            scope: format!("{} in {}", input.policy.model, input.environment.name),
            until,
            by: "the policy".to_owned(),
            why: freeze.reason.clone(),
        };
        (from <= input.now && input.now < until).then_some((until, reason))
    })
}
