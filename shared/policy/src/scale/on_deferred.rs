//! The decision after AWS rejects an action of scale for now.

use jiff::{SignedDuration, Timestamp};

use super::on_rejected::scales_down;
use super::{Action, Deferred, ScaleDecision, State, on_rejected};
use crate::decision::{Decision, Verdict};
use crate::file::Environment;
use crate::reason::Reason;
use crate::step::Step;

/// How long AWS may reject a change for now before people are notified. The longest change of a component that AWS
/// documents, the start of its container, takes an hour.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentStartupParameters.html>
const LONGEST_DEFERRED: SignedDuration = SignedDuration::from_hours(1);
/// Two rejections that are further apart than this are about different changes. The schedule ticks more often.
const SAME_CHANGE: SignedDuration = SignedDuration::from_mins(30);

/// The decision after a change of the capacity was rejected for now; `None` if the action changes none.
///
/// Nobody is notified: the next tick tries it again. After a scale-down that was not made the component has its copies.
/// After a scale-up, Application Auto Scaling adds the first copy by itself, and only the limits are missing.
#[must_use]
pub fn on_deferred(
    environment: &Environment,
    state: &State,
    step: &Step<Action>,
    why: &Reason,
    now: Timestamp,
) -> Option<ScaleDecision> {
    let down = scales_down(step)?;
    let same = |known: &&Deferred| known.down == down && now.duration_since(known.last) <= SAME_CHANGE;
    let since = state.deferred.as_ref().filter(same).map_or(now, |known| known.since);
    if now.duration_since(since) >= LONGEST_DEFERRED {
        return on_rejected(environment, state, step, why, now);
    }
    let next = State {
        zero_since: state.zero_since.filter(|_| !down),
        last_reason: Some(why.code().to_owned()),
        deferred: Some(Deferred { down, since, last: now, pending: true }),
        ..state.clone()
    };
    Some(
        Decision::new(Verdict::NoChange, why.clone())
            .evidence("meant", if down { "scale_to_zero" } else { "scale_from_zero" })
            .state(next),
    )
}
