//! A person freezes a model, or every model, until a time; or ends a freeze earlier.

use jiff::Timestamp;
use tidegate_events::{FreezeLifted, FreezePlaced};

use super::hold::tell_ignored;
use super::overdue::overdue;
use super::{Inputs, Promote, State};
use crate::decision::{Decision, Verdict};
use crate::freeze::scope;
use crate::reason::Reason;

const LATEST_COUNTS: &str = "Of freezes and their ends the latest `at` counts. If you still want this freeze, place it again with \
                             `tidegate freeze`.";

/// Decides about a freeze of a model: until its end, nothing is requested of the environment.
pub(super) fn decide_freeze(inputs: &Inputs<'_>, placed: &FreezePlaced) -> Promote {
    let Inputs { policy, state, now, .. } = *inputs;
    if let Some(decision) = unknown(inputs, placed.environment.as_deref()) {
        return decision.evidence("by", &placed.by);
    }
    let decision = place(state, placed, now);
    if matches!(decision.reason, Reason::OlderFreeze { .. } | Reason::NewerFreeze { .. }) {
        // A person believes that the freeze applies, so the error must be visible.
        let command = format!("the freeze of {} by {}", scope_of(placed), placed.by);
        return tell_ignored(policy, &command, placed.at, decision.reason, LATEST_COUNTS)
            .evidence("by", &placed.by);
    }
    decision
}

/// Decides about a freeze of every model.
pub(super) fn place(state: &State, placed: &FreezePlaced, now: Timestamp) -> Promote {
    let mut next = state.clone();
    let decision = match next.freezes.place(placed, now) {
        Ok(()) => {
            let FreezePlaced { until, by, reason, .. } = placed.clone();
            let why = Reason::Frozen { scope: scope_of(placed), until, by, why: reason };
            Decision::new(Verdict::Wait, why).state(next)
        }
        Err(reason) => Decision::new(Verdict::Ignore, reason),
    };
    decision.evidence("scope", scope_of(placed)).evidence("by", &placed.by)
}

/// Decides about the end of a freeze of a model: the promotion that waited for it continues.
pub(super) fn decide_lift(inputs: &Inputs<'_>, lifted: &FreezeLifted) -> Promote {
    if let Some(decision) = unknown(inputs, lifted.environment.as_deref()) {
        return decision.evidence("by", &lifted.by);
    }
    let decision = lift(inputs.state, lifted, inputs.now);
    let Some(next) =
        decision.state.as_ref().filter(|_| matches!(decision.reason, Reason::FreezeLifted { .. }))
    else {
        return decision;
    };
    match overdue(&Inputs { state: next, ..*inputs }, Some(&decision.reason)) {
        Some(goes_on) => goes_on.evidence("by", &lifted.by),
        None => decision,
    }
}

/// Decides about the end of a freeze of every model. Each model finds out at its next sweep.
pub(super) fn lift(state: &State, lifted: &FreezeLifted, now: Timestamp) -> Promote {
    let mut next = state.clone();
    let scope = scope(lifted.model.as_deref(), lifted.environment.as_deref());
    let reason = match next.freezes.lift(lifted, now) {
        Ok(()) => Reason::FreezeLifted { scope, by: lifted.by.clone() },
        Err(reason) => reason,
    };
    Decision::new(Verdict::Ignore, reason).evidence("by", &lifted.by).state(next)
}

fn scope_of(placed: &FreezePlaced) -> String {
    scope(placed.model.as_deref(), placed.environment.as_deref())
}

/// The rejection of a command about an environment that the policy does not have.
fn unknown(inputs: &Inputs<'_>, environment: Option<&str>) -> Option<Promote> {
    let name = environment.filter(|name| inputs.policy.environment(name).is_none())?;
    let reason = Reason::EnvironmentNotInPolicy { environment: name.to_owned() };
    Some(Decision::new(Verdict::Reject, reason))
}
