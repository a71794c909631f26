//! Safety invariants of respond.

use jiff::{SignedDuration, Timestamp};
use tidegate_events::{AlarmChanged, RetrainingOutcome, is_ahead};

use super::{MonitorReport, NAME, Observation, Respond, Snapshot, State, Trigger};
use crate::check::{Effect, Invariant, Scope, Violation, Violations, effect, long_ago};
use crate::controller::Context;
use crate::file::{CheckMeaning, Drift, DriftResponse};

/// The least time between a retraining that trained nothing and the next one, if the cooldown is not shorter.
const SHORTEST_PAUSE: SignedDuration = SignedDuration::from_mins(30);

/// Every invariant that a decision violates.
pub(super) fn violations(
    cx: &Context<'_>,
    state: &State,
    (trigger, seen): (&Trigger, &Snapshot),
    observation: &Observation,
    decision: &Respond,
) -> Vec<Violation> {
    let mut violations = Violations::default();
    violations.plan(decision, &Scope { cx, function: NAME, resource: "", component: "" });
    let requests = |step| matches!(effect(step), Effect::RequestRetraining(_));
    let requested = decision.plan.iter().filter(|step| requests(step)).count();
    if requested > 0 {
        violations.not_held(seen.deployed.hold());
        violations.drift(state, observation, cx.now);
        match (trigger, &seen.alarm) {
            (Trigger::Report { key, .. }, _) => violations.monitor_report(cx, key, seen.report.as_ref()),
            (Trigger::Alarm(alarm), _) | (Trigger::Recheck { .. }, Some(alarm)) => {
                violations.drift_alarm(cx, alarm)
            }
            (Trigger::Recheck { .. } | Trigger::Observed(_) | Trigger::Finished(_), _) => {}
        }
        let drift = cx.policy.and_then(|policy| policy.drift.as_ref());
        match drift.filter(|drift| drift.response == DriftResponse::Retrain) {
            Some(drift) => {
                let live_since = seen.deployed.live.as_ref().map(|live| live.at);
                violations.governed(cx, state, drift, live_since);
            }
            None => violations.require(false, Invariant::OutOfScope, || format!("the policy has {drift:?}")),
        }
    }
    violations
        .require(requested <= 1, Invariant::BudgetOverspent, || format!("{requested} requests at once"));
    for step in &decision.plan {
        if let Effect::ScheduleCheck { check, .. } = effect(step) {
            let reported = matches!(observation, Observation::Drift { alarm: Some(alarm), .. } if *alarm == check.subject);
            violations.require(reported, Invariant::OutOfScope, || format!("{step:?} for {observation:?}"));
        }
    }
    violations.found()
}

/// Every invariant that a decision about the end of a retraining violates: it requests nothing.
pub(super) fn violations_of_end(cx: &Context<'_>, state: &State, decision: &Respond) -> Vec<Violation> {
    let mut violations = Violations::default();
    violations.plan(decision, &Scope { cx, function: NAME, resource: "", component: "" });
    for step in &decision.plan {
        let effect = effect(step);
        violations
            .require(!effect.acts(), Invariant::NoDrift, || format!("{step:?} for the end of a retraining"));
        if let Effect::ScheduleCheck { check, .. } = effect {
            let drifts = state.drifting.contains_key(&format!("alarm {}", check.subject));
            violations
                .require(drifts, Invariant::OutOfScope, || format!("{step:?} for an alarm without drift"));
        }
    }
    violations.found()
}

/// Every invariant that the decision after a rejection violates.
pub(super) fn after_rejection(cx: &Context<'_>, decision: &Respond) -> Vec<Violation> {
    let mut violations = Violations::default();
    violations.plan_after_rejection(decision, &Scope { cx, function: NAME, resource: "", component: "" });
    violations.found()
}

impl Violations {
    /// Drift was observed, and its source has not reported anything newer.
    fn drift(&mut self, state: &State, observation: &Observation, now: Timestamp) {
        let drifts = match observation {
            Observation::Drift { source, at, .. } => {
                // An early version accepted times in the future.
                let newest = state.last_report_at.get(source).filter(|at| !is_ahead(**at, now));
                at.is_none_or(|at| newest.is_none_or(|newest| at >= *newest))
            }
            Observation::BrokenFeed { .. } | Observation::NoDrift { .. } | Observation::Inconclusive(_) => {
                false
            }
        };
        self.require(drifts, Invariant::NoDrift, || {
            format!("{observation:?} after {:?}", state.last_report_at)
        });
    }

    /// A report that leads to a retraining was written by a monitoring schedule, and has a violation that means drift.
    fn monitor_report(&mut self, cx: &Context<'_>, key: &str, report: Option<&MonitorReport>) {
        self.require(is_of_a_schedule(key), Invariant::NoDrift, || {
            format!("no monitoring schedule wrote {key}")
        });
        let drift = cx.policy.and_then(|policy| policy.drift.as_ref());
        let drifts = match report {
            Some(MonitorReport::Read(found)) => found.iter().any(|violation| {
                let ignored = drift.iter().flat_map(|drift| &drift.ignore_features);
                let ignored = ignored.into_iter().any(|name| Some(name) == violation.subject.as_ref());
                !ignored && means_drift(drift, &violation.check)
            }),
            Some(MonitorReport::Unreadable(_)) | None => false,
        };
        self.require(drifts, Invariant::BrokenFeed, || format!("{report:?}"));
    }

    /// An alarm that leads to a retraining does not only count missing values, unless the policy calls these drift.
    fn drift_alarm(&mut self, cx: &Context<'_>, alarm: &AlarmChanged) {
        let drift = cx.policy.and_then(|policy| policy.drift.as_ref());
        let listed =
            drift.iter().flat_map(|drift| &drift.alarms).any(|name| name.eq_ignore_ascii_case(&alarm.alarm));
        let measures = alarm.metrics.iter().any(|metric| !metric.name.starts_with("feature_non_null_"));
        let drifts = listed || measures || means_drift(drift, "completeness_check");
        self.require(drifts, Invariant::BrokenFeed, || {
            format!("alarm {} on {:?}", alarm.alarm, alarm.metrics)
        });
    }

    /// Cooldown, failures, attempts and budget.
    fn governed(&mut self, cx: &Context<'_>, state: &State, drift: &Drift, live_since: Option<Timestamp>) {
        let end = state.last_end.as_ref();
        let trained_nothing =
            |outcome| matches!(outcome, RetrainingOutcome::Failed | RetrainingOutcome::NotStarted);
        let least = SHORTEST_PAUSE.min(drift.cooldown.signed());
        let soon = end.filter(|end| trained_nothing(end.outcome) && !long_ago(end.at, least, cx.now));
        self.require(soon.is_none(), Invariant::CooldownIgnored, || format!("one failed just now: {soon:?}"));
        let newer = end.zip(live_since).is_some_and(|(end, live)| live > end.at);
        let most = drift.escalate_after.unwrap_or(3) as usize;
        self.require(newer || state.failed.len() < most, Invariant::AttemptsExceeded, || {
            format!("{} failed in a row", state.failed.len())
        });
        let recent = state.retrainings.iter().find(|at| !long_ago(**at, drift.cooldown.signed(), cx.now));
        self.require(recent.is_none(), Invariant::CooldownIgnored, || {
            format!("one was requested at {recent:?}, and the cooldown is {}", drift.cooldown)
        });
        let exceeded = drift.escalate_after.is_some_and(|limit| state.attempts >= limit);
        self.require(!exceeded, Invariant::AttemptsExceeded, || {
            format!("{} attempts, and {:?} allowed", state.attempts, drift.escalate_after)
        });
        let Some(budget) = &drift.budget else { return };
        let spent =
            state.retrainings.iter().filter(|at| !long_ago(**at, budget.per.signed(), cx.now)).count();
        self.require(spent < budget.retrainings as usize, Invariant::BudgetOverspent, || {
            format!("{spent} of {} in {}", budget.retrainings, budget.per)
        });
    }
}

/// Whether a check of Model Monitor means drift: the policy says so, or it says nothing and the check compares values
/// and not the form of the data.
fn means_drift(drift: Option<&Drift>, check: &str) -> bool {
    let by_default = [
        "baseline_drift_check",
        "categorical_values_check",
        "bias_drift_check",
        "feature_attribution_drift_check",
    ];
    let of_quality = ["LessThanThreshold", "GreaterThanThreshold"];
    let chosen = drift.and_then(|drift| serde_json::to_value(&drift.checks).ok()?.get(check).cloned());
    match chosen {
        Some(meaning) => {
            serde_json::from_value(meaning).is_ok_and(|meaning: CheckMeaning| meaning == CheckMeaning::Drift)
        }
        None => by_default.contains(&check) || of_quality.contains(&check),
    }
}

/// Whether a key ends in `/YYYY/MM/DD/HH/constraint_violations.json` after the name of a schedule.
fn is_of_a_schedule(key: &str) -> bool {
    let parts: Vec<&str> = key.split('/').collect();
    let [.., schedule, year, month, day, hour, "constraint_violations.json"] = parts.as_slice() else {
        return false;
    };
    let date = format!("{year}-{month}-{day}T{hour}:00:00Z");
    !schedule.is_empty()
        && date.len() == "2026-03-03T07:00:00Z".len()
        && date.parse::<jiff::Timestamp>().is_ok()
}
