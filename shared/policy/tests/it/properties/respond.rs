//! Answers to drift.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tidegate_events::{
    AlarmChanged, AlarmState, DriftVerdict, RetrainingFinished, RetrainingOutcome, is_ahead,
};
use tidegate_policy::decision::Verdict;
use tidegate_policy::respond::{RespondController, State, Trigger};
use tidegate_policy::step::Step;

use super::Properties;
use crate::any;
use crate::decide::Decided;

/// The reasons of a decision about a report in which nothing counts.
const REPORT_WITHOUT_DRIFT: [&str; 2] = ["no_violations", "violations_ignored"];

/// A source that has said nothing for so long will not say that drift is over.
const SILENT: SignedDuration = SignedDuration::from_hours(720);

impl Properties for RespondController {
    const VERDICTS: &[Verdict] =
        &[Verdict::Ignore, Verdict::Suppress, Verdict::Alert, Verdict::Reject, Verdict::Retrain];

    fn hold(decided: &Decided<Self>) -> Result<(), TestCaseError> {
        if let Trigger::Finished(end) = &decided.trigger {
            return finishes(&decided.state, &decided.after(), end);
        }
        requests(decided)?;
        remembers(decided)
    }

    fn hold_after_rejection(before: &State, rejected: &Decided<Self>) -> Result<(), TestCaseError> {
        let after = rejected.after();
        let known = after.retrainings.iter().all(|at| before.retrainings.contains(at));
        prop_assert!(known && after.attempts <= before.attempts, "{before:?} became {after:?}");
        prop_assert_eq!((&after.drifting, &after.last_report_at), (&before.drifting, &before.last_report_at));
        Ok(())
    }
}

/// A request has an id that follows from the event, the reason of the decision, and is counted.
fn requests(decided: &Decided<RespondController>) -> Result<(), TestCaseError> {
    let (before, after) = (&decided.state, decided.after());
    let requests = decided.decision.plan.iter().filter_map(|step| match step {
        Step::RequestRetraining { request } => Some(request),
        _ => None,
    });
    for request in requests {
        prop_assert_eq!(&request.cause, decided.decision.reason.code());
        let begins = format!("{}-{}-", request.model, request.environment);
        let plain = request.request_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        prop_assert!(plain && request.request_id.starts_with(&begins), "{}", request.request_id);
        prop_assert!(after.retrainings.contains(&decided.now));
        prop_assert_eq!(after.attempts, before.attempts + 1);
    }
    if decided.decision.verdict != Verdict::Retrain {
        prop_assert!(after.retrainings.iter().all(|at| before.retrainings.contains(at)));
        prop_assert!(after.attempts <= before.attempts);
    }
    Ok(())
}

/// Every request is remembered as long as cooldown or budget look back, every source as long as it sees drift, and the
/// attempts until no source does.
fn remembers(decided: &Decided<RespondController>) -> Result<(), TestCaseError> {
    let (before, after, now) = (&decided.state, decided.after(), decided.now);
    let old = |at: Timestamp, span| at.checked_add(span).unwrap_or(Timestamp::MAX) <= now;
    let drift = decided.policy.as_ref().unwrap().drift.as_ref();
    let span = drift.map_or(SignedDuration::ZERO, |drift| {
        drift.budget.as_ref().map_or(drift.cooldown, |budget| budget.per.max(drift.cooldown)).signed()
    });
    let lost = before.retrainings.iter().find(|at| !old(**at, span) && !after.retrainings.contains(at));
    prop_assert_eq!(lost, None);
    // Only who saw drift says that it is over.
    let is_ok = |alarm: &AlarmChanged| alarm.state == AlarmState::Ok;
    let ended = match &decided.trigger {
        Trigger::Observed(observed) if observed.verdict == DriftVerdict::NoDrift => {
            Some(format!("{} on the model", observed.source))
        }
        Trigger::Alarm(alarm) if is_ok(alarm) => Some(format!("alarm {}", alarm.alarm)),
        Trigger::Recheck { .. } => {
            let alarm = decided.seen.alarm.as_ref().filter(|alarm| is_ok(alarm));
            alarm.map(|alarm| format!("alarm {}", alarm.alarm))
        }
        Trigger::Report { .. } if REPORT_WITHOUT_DRIFT.contains(&decided.decision.reason.code()) => {
            Some(any::REPORTS.to_owned())
        }
        _ => None,
    };
    let over = |(name, at): &(&String, &Timestamp)| Some(*name) == ended.as_ref() || old(**at, SILENT);
    let all_over = ended.is_some() && before.drifting.iter().all(|source| over(&source));
    prop_assert!(all_over || after.attempts >= before.attempts, "{before:?} became {after:?}");
    let lost = before.drifting.iter().find(|source| !after.drifting.contains_key(source.0) && !over(source));
    prop_assert_eq!(lost, None);
    // A time in the future, which an early version accepted, may be replaced.
    let mut known = before.last_report_at.iter().filter(|(_, at)| !is_ahead(**at, decided.now));
    let older = known.find(|(name, at)| after.last_report_at.get(*name) < Some(*at));
    prop_assert_eq!(older, None);
    if let Trigger::Observed(observed) = &decided.trigger
        && decided.decision.reason.code() != "insufficient_data"
    {
        let source = format!("{} on the model", observed.source);
        prop_assert!(after.last_report_at.get(&source) >= Some(&observed.observed_at), "{after:?}");
    }
    Ok(())
}

/// The end of a retraining changes what counts of this request, by at most one, and nothing about the sources.
fn finishes(before: &State, after: &State, end: &RetrainingFinished) -> Result<(), TestCaseError> {
    let others = |state: &State| -> Vec<Timestamp> {
        state.retrainings.iter().copied().filter(|at| *at != end.requested_at).collect()
    };
    prop_assert_eq!(others(before), others(after));
    prop_assert!(before.attempts.abs_diff(after.attempts) <= 1, "{before:?} became {after:?}");
    prop_assert!(after.failed.len() <= before.failed.len() + 1);
    prop_assert_eq!((&before.drifting, &before.last_report_at), (&after.drifting, &after.last_report_at));
    let trained_nothing = matches!(end.outcome, RetrainingOutcome::Failed | RetrainingOutcome::NotStarted);
    let is_known = after != before;
    let counts = after.retrainings.contains(&end.requested_at);
    prop_assert!(!is_known || counts != trained_nothing || before.failed.contains(&end.requested_at));
    Ok(())
}
