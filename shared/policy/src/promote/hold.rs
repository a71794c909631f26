//! A person places a hold on a model or an environment, or releases it.

use jiff::Timestamp;
use tidegate_events::{HoldPlaced, HoldReleased};

use super::overdue::overdue;
use super::{Inputs, Promote};
use crate::decision::{Decision, Verdict};
use crate::file::Policy;
use crate::hold::{self, ALL, Hold, place_in_words};
use crate::people::subject;
use crate::reason::Reason;
use crate::step::Step;

/// Decides about a hold: while it is in effect, nothing is requested of the target.
pub(super) fn decide_hold(inputs: &Inputs<'_>, placed: &HoldPlaced) -> Promote {
    let Inputs { policy, state, now, .. } = *inputs;
    if let Some(environment) = placed.environment.as_ref().filter(|name| policy.environment(name).is_none()) {
        // A person believes that the target is held, so the error must be visible.
        return Decision::new(
            Verdict::Reject,
            Reason::EnvironmentNotInPolicy { environment: environment.clone() },
        )
        .evidence("by", &placed.by);
    }
    let place = placed.environment.as_deref().unwrap_or(ALL);
    let mut next = state.clone();
    let decision = match hold::place(&mut next.holds, &next.released, placed, now) {
        Ok(()) => {
            let hold = Hold::placed(placed);
            Decision::new(Verdict::Wait, hold.why()).state(next)
        }
        Err(reason @ Reason::OlderHold { .. }) => {
            let command = format!("the hold of {} on {}", placed.by, place_in_words(place));
            tell_ignored(policy, &command, placed.at, reason, LATEST_COUNTS)
        }
        Err(reason) => Decision::new(Verdict::Ignore, reason),
    };
    decision.evidence("place", place_in_words(place)).evidence("by", &placed.by)
}

/// Decides about a release: the promotion that waited for it continues.
pub(super) fn decide_release(inputs: &Inputs<'_>, release: &HoldReleased) -> Promote {
    let Inputs { policy, state, now, .. } = *inputs;
    let place = place_in_words(release.environment.as_deref().unwrap_or(ALL));
    let mut next = state.clone();
    let decision = match hold::release(&mut next.holds, &mut next.released, release, now) {
        Err(reason @ Reason::Held { .. }) => {
            let command = format!("the release of {place} by {}", release.by);
            let own = release.environment.as_deref().is_none_or(|name| next.holds.contains_key(name));
            let advice = if own { LATEST_COUNTS } else { RELEASE_ALL };
            tell_ignored(policy, &command, release.at, reason, advice).state(next)
        }
        Err(reason) => Decision::new(Verdict::Ignore, reason).state(next),
        Ok(()) => {
            let reason = Reason::HoldReleased { place: place.clone(), by: release.by.clone() };
            overdue(&Inputs { state: &next, ..*inputs }, Some(&reason))
                .unwrap_or_else(|| Decision::new(Verdict::Ignore, reason).state(next))
        }
    };
    decision.evidence("place", place).evidence("by", &release.by)
}

const LATEST_COUNTS: &str = "Of holds and releases the latest `at` counts. If you still want this one, send the event again with the present \
                             time.";
const RELEASE_ALL: &str = "A release without `environment` ends the hold on every environment.";

/// Tells people that their command changed nothing, because they believe that it counts.
pub(super) fn tell_ignored(
    policy: &Policy,
    command: &str,
    at: Timestamp,
    reason: Reason,
    advice: &str,
) -> Promote {
    let model = &policy.model;
    let subject = subject(&format!("{model}: a person's command changed nothing"));
    let message = format!("{command}, given at {at}, changed nothing: {reason}\n{advice}");
    Decision::new(Verdict::Alert, reason).plan(vec![Step::Notify { subject, message }])
}
