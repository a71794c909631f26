//! The end of a retraining, as the hub reports it: what counts as an attempt, against the budget and as a failure.
//!
//! | outcome | budget and cooldown | attempts without improvement | failures in a row |
//! |---|---|---|---|
//! | `succeeded`, `no_version` | counts | counts | back to 0 |
//! | `failed_after_training` | counts | does not count | one more |
//! | `failed` | does not count; the next one waits for a pause | does not count | one more |
//! | `not_started` | does not count; the next one waits for a pause | does not count | one more, except for `held` and `already_running` |

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tidegate_events::{RetrainingFinished, RetrainingOutcome};

use super::{Respond, State, after, alert, schedule_recheck};
use crate::decision::{Decision, Verdict};
use crate::file::{Drift, Environment, Policy};
use crate::reason::Reason;

/// The pause after the first retraining that trained nothing. It doubles with each failure in a row, up to the
/// cooldown.
const PAUSE: SignedDuration = SignedDuration::from_mins(30);

/// Reasons for which the hub starts nothing now, and that end without a person's help.
const PASSES_BY_ITSELF: &[&str] = &["already_running", "held"];

/// Failures in a row until a person is asked, if the policy has no `escalateAfter`.
const MOST_FAILURES: u32 = 3;

/// The last end that the hub reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastEnd {
    /// When the retraining was requested.
    pub requested_at: Timestamp,
    /// When it ended.
    pub at: Timestamp,
    /// Its outcome.
    pub outcome: RetrainingOutcome,
}

impl State {
    /// The number of failures in a row. A version that serves since then shows that the cause is gone.
    pub(super) fn failures(&self, live_since: Option<Timestamp>) -> u32 {
        let mended = self.last_end.as_ref().zip(live_since).is_some_and(|(end, live)| live > end.at);
        if mended { 0 } else { u32::try_from(self.failed.len()).unwrap_or(u32::MAX) }
    }

    /// Whether the retraining that was requested then has ended, and no version can come of it.
    pub(super) fn ended_without_version(&self, requested_at: Timestamp) -> bool {
        self.last_end.as_ref().is_some_and(|end| {
            end.requested_at == requested_at && end.outcome != RetrainingOutcome::Succeeded
        })
    }

    /// Until when a retraining that trained nothing delays the next one.
    pub(super) fn paused_until(&self, drift: &Drift) -> Option<Timestamp> {
        let end = self
            .last_end
            .as_ref()
            .filter(|end| matches!(end.outcome, RetrainingOutcome::Failed | RetrainingOutcome::NotStarted))?;
        let doublings = u32::try_from(self.failed.len()).unwrap_or(u32::MAX).saturating_sub(1).min(16);
        let pause = PAUSE.checked_mul(1_i32 << doublings).unwrap_or(SignedDuration::MAX);
        Some(after(end.at, pause.min(drift.cooldown.signed())))
    }

    /// Accounts for the end of a retraining; `None` if this environment has no such request.
    fn finish(&self, end: &RetrainingFinished, now: Timestamp) -> Option<Self> {
        let asked = end.requested_at;
        let (is_open, has_failed) = (self.retrainings.contains(&asked), self.failed.contains(&asked));
        if !is_open && !has_failed {
            return None;
        }
        let mut next = self.clone();
        let mut take_back = || {
            if !has_failed {
                next.attempts = next.attempts.saturating_sub(1);
            }
        };
        match end.outcome {
            RetrainingOutcome::Succeeded | RetrainingOutcome::NoVersion => {
                // A failed execution was retried: it counts now.
                if has_failed {
                    next.attempts = next.attempts.saturating_add(1);
                }
                if !is_open {
                    next.retrainings.push(asked);
                    next.retrainings.sort_unstable();
                }
                next.failed.clear();
            }
            RetrainingOutcome::FailedAfterTraining | RetrainingOutcome::Failed => {
                take_back();
                if !has_failed {
                    next.failed.push(asked);
                }
                if end.outcome == RetrainingOutcome::Failed {
                    next.retrainings.retain(|at| *at != asked);
                }
            }
            RetrainingOutcome::NotStarted => {
                take_back();
                // Without this, a hub that cannot start the pipeline would be asked for ever, and nobody would be told.
                if !has_failed && !PASSES_BY_ITSELF.contains(&end.reason.as_str()) {
                    next.failed.push(asked);
                }
                next.retrainings.retain(|at| *at != asked);
            }
        }
        next.last_end = Some(LastEnd { requested_at: asked, at: now, outcome: end.outcome });
        Some(next)
    }
}

/// Failures in a row after which a person is asked.
pub(super) fn most_failures(drift: &Drift) -> u32 {
    drift.escalate_after.unwrap_or(MOST_FAILURES)
}

/// Decides about the end of a retraining of this environment.
pub(super) fn decide_finished(
    policy: &Policy,
    environment: &Environment,
    state: &State,
    end: &RetrainingFinished,
    now: Timestamp,
) -> Respond {
    let request = end.request_id.clone();
    let Some(next) = state.finish(end, now) else {
        return Decision::new(Verdict::Ignore, Reason::UnknownRetraining { request });
    };
    let cause = end.detail.clone();
    let reason = match end.outcome {
        RetrainingOutcome::Succeeded => Reason::RetrainingSucceeded { request },
        RetrainingOutcome::NoVersion => Reason::RetrainingWithoutVersion { request },
        RetrainingOutcome::FailedAfterTraining | RetrainingOutcome::Failed => {
            Reason::RetrainingFailed { request, cause }
        }
        RetrainingOutcome::NotStarted => Reason::RetrainingNotStarted { request, cause },
    };
    let failures = next.failures(None);
    let drift = policy.drift.as_ref();
    let is_too_many = drift.is_some_and(|drift| failures >= most_failures(drift));
    let drifts = !next.drifting.is_empty();
    let pause = drift.and_then(|drift| next.paused_until(drift));
    let mut decision = if is_too_many && drifts {
        alert(policy, environment, Reason::RetrainingsFailed { failures }, next.clone())
            .evidence("last_failure", &end.detail)
    } else {
        Decision::new(Verdict::Ignore, reason).state(next.clone())
    };
    if !is_too_many && let Some(at) = pause.filter(|at| *at > now) {
        // An alarm that stays in ALARM sends no further event.
        let alarms = next.drifting.keys().filter_map(|source| source.strip_prefix("alarm "));
        decision.plan.extend(alarms.map(|alarm| schedule_recheck(policy, environment, alarm, at)));
    }
    decision.evidence("outcome", end.outcome).evidence("failures_in_a_row", failures)
}
