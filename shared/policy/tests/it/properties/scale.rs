//! Decisions about capacity.

use jiff::Timestamp;
use proptest::prelude::*;
use tidegate_policy::decision::Verdict;
use tidegate_policy::scale::{Action, ScaleController, State, Trigger};
use tidegate_policy::step::Step;

use super::Properties;
use crate::decide::Decided;

impl Properties for ScaleController {
    const VERDICTS: &[Verdict] =
        &[Verdict::NoChange, Verdict::Ignore, Verdict::Reject, Verdict::ScaleToZero, Verdict::ScaleFromZero];

    fn hold(decided: &Decided<Self>) -> Result<(), TestCaseError> {
        copies(decided)?;
        let (before, after, now) = (&decided.state, decided.after(), decided.now);
        let remembered = (after.zero_since, after.scaled_up_at);
        match decided.decision.verdict {
            Verdict::ScaleToZero => prop_assert_eq!(remembered, (Some(now), before.scaled_up_at)),
            Verdict::ScaleFromZero => {
                prop_assert_eq!(remembered, (None, Some(now)));
                prop_assert_eq!(decided.decision.plan.len(), 1);
                demand(decided)?;
            }
            _ => prop_assert_eq!(remembered, (before.zero_since, before.scaled_up_at)),
        }
        Ok(())
    }

    fn hold_after_rejection(before: &State, rejected: &Decided<Self>) -> Result<(), TestCaseError> {
        copies(rejected)?;
        // What could not come back says that it is at zero still, and when that was seen.
        let after = rejected.after();
        let zero = [None, before.zero_since, Some(rejected.now)].contains(&after.zero_since);
        prop_assert!(zero && after.scaled_up_at == before.scaled_up_at, "{before:?} became {after:?}");
        Ok(())
    }
}

/// The minimum is none on the way down, and at least one otherwise; the maximum is never below what was set.
fn copies(decided: &Decided<ScaleController>) -> Result<(), TestCaseError> {
    let down = decided.decision.verdict == Verdict::ScaleToZero;
    let of = "churn".to_owned();
    for step in &decided.decision.plan {
        let right = match step {
            Step::Call(Action::SetCapacityLimits { component, min, max }) => {
                let set = decided.seen.as_ref().and_then(|seen| seen.limits.as_ref());
                // What follows a rejection restores the limits in the state.
                let acts = matches!(decided.decision.verdict, Verdict::ScaleToZero | Verdict::ScaleFromZero);
                let kept = !acts || set.is_none_or(|limits| *max >= limits.max);
                *component == of && (*min == 0) == down && *min <= *max && *max >= 1 && kept
            }
            Step::Call(Action::EnsureScaleFromZeroAlarm { component }) => down && *component == of,
            Step::Call(Action::SetCopyCount { component, copies }) => {
                down && (component, *copies) == (&of, 0)
            }
            _ => true,
        };
        prop_assert!(right, "{step:?} for {}", decided.decision.verdict);
    }
    Ok(())
}

/// It comes back only for a request that found no capacity, because requests were answered where none were expected, or to
/// repeat a change that AWS rejected for now.
fn demand(decided: &Decided<ScaleController>) -> Result<(), TestCaseError> {
    match (&decided.trigger, &decided.seen) {
        (Trigger::Alarm(alarm), _) => {
            prop_assert_eq!(&alarm.state, &tidegate_events::AlarmState::Alarm);
            let asks = alarm.metrics.iter().any(|metric| {
                metric.name == "NoCapacityInvocationFailures"
                    && metric.dimensions.get("InferenceComponentName").is_some_and(|name| name == "churn")
            });
            prop_assert!(asks, "{alarm:?}");
        }
        (Trigger::Tick, Some(seen)) => {
            let used = seen.invocations.is_some_and(|counts| counts.in_window > 0);
            let at_zero: Option<Timestamp> = decided.state.zero_since;
            let deferred = decided.state.deferred.as_ref();
            let pending = deferred.is_some_and(|deferred| deferred.pending && !deferred.down);
            prop_assert!(pending || (used && at_zero.is_some()), "{seen:?}");
        }
        (Trigger::Tick, None) => prop_assert!(false, "nothing was observed"),
    }
    Ok(())
}
