//! respond: drift from any source leads to a retraining request, a notification, or no action with a reason.
//!
//! First one of the [`sources`](self) converts the trigger into an [`Observation`], then the *governor* decides which
//! response is allowed. Only [`Observation::Drift`] can lead to a response.

mod alert;
mod controller;
mod finished;
mod invariants;
mod monitor_report;
mod observation;
mod on_rejected;
mod source_history;
mod sources;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tidegate_events::{RetrainingRequested, ScheduledCheck};

use crate::decision::{Decision, Verdict};
use crate::file::{Drift, DriftResponse, Environment, Policy};
use crate::fingerprint::short;
use crate::hold::Hold;
use crate::reason::Reason;
use crate::step::{NoCall, Step};
use alert::{alert, alert_broken_feed};

pub use controller::{Need, RespondController, Snapshot, Trigger};
pub use finished::LastEnd;
pub use monitor_report::{MonitorReport, Violation};
pub use observation::Observation;
pub use on_rejected::on_rejected;
pub(crate) use sources::{ReportKey, is_report};

/// The function's name.
pub const NAME: &str = "respond";

/// How many requests are kept whatever their age. A training may last longer than the cooldown, and a person may retry an
/// execution: its end must still be counted.
const KEPT_REQUESTS: usize = 20;

/// respond's decisions.
pub type Respond = Decision<State, NoCall>;

/// The state that the ledger stores for a model in this environment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// When retrainings were requested, oldest first; those in the period of the budget, and the newest few whatever their
    /// age, because the end of one may be reported after the next was requested.
    pub retrainings: Vec<Timestamp>,
    /// The number of retrainings since an observation last showed no drift.
    pub attempts: u32,
    /// The sources that reported drift and have not reported its end, with the time of the last report; only the
    /// newest few.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub drifting: BTreeMap<String, Timestamp>,
    /// When each source last reported whether there is drift, by its own clock; only the newest few.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub last_report_at: BTreeMap<String, Timestamp>,
    /// When the retrainings were requested that failed since the last one that did not, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<Timestamp>,
    /// The last end of a retraining that the hub reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_end: Option<LastEnd>,
    /// The sources whose last report has violations that people must judge, with the time when people were notified;
    /// only the newest few.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub broken_feeds: BTreeMap<String, Timestamp>,
}

/// Whether an action of an unfinished plan is still needed: a retraining is not needed once the drift has ended.
#[must_use]
pub fn still_applies(state: &State, step: &Step<NoCall>) -> bool {
    match step {
        Step::RequestRetraining { request } => {
            state.attempts > 0 && state.retrainings.contains(&request.requested_at)
        }
        // A further check does no harm, and people must be notified.
        Step::ScheduleCheck { .. } | Step::Notify { .. } => true,
        Step::RequestDeployment { .. }
        | Step::ReportDeployment { .. }
        | Step::AnswerWaiting { .. }
        | Step::ReportHealth { .. }
        | Step::ReportRetraining { .. }
        | Step::PublishCommand { .. }
        | Step::Call(_) => false,
    }
}

/// Decides the response to an observation. `idempotency_key` is the key of the event, so that the same observation
/// produces the same request. The time since when the version serves and the hold come from the state of deploy.
pub fn decide(
    policy: &Policy,
    environment: &Environment,
    state: &State,
    observation: &Observation,
    idempotency_key: &str,
    (live_since, hold): (Option<Timestamp>, Option<&Hold>),
    now: Timestamp,
) -> Respond {
    if let Some(older) = source_history::older(state, observation, now) {
        return Decision::new(Verdict::Ignore, older);
    }
    let (before, state) = (state.attempts, source_history::after(state, observation, now));
    let (source, alarm, reason, numbers) = match observation {
        Observation::Inconclusive(reason) => return Decision::new(Verdict::Ignore, reason.clone()),
        Observation::NoDrift { reason, .. } => {
            return Decision::new(Verdict::Ignore, reason.clone())
                .evidence("attempts_before", before)
                .state(state);
        }
        Observation::BrokenFeed { source, reason, .. } => {
            return alert_broken_feed(policy, environment, state, (source, reason), now);
        }
        Observation::Drift { source, alarm, reason, numbers, .. } => {
            (source, alarm, reason.clone(), *numbers)
        }
    };
    let cause = reason.code();
    let decision = match &policy.drift {
        None => Decision::new(Verdict::Suppress, Reason::NoResponse).state(state),
        // Not reachable through an applied policy, which cannot contain this response yet; an alert is the safe
        // response.
        Some(Drift { response: DriftResponse::Alert | DriftResponse::RollBack, .. }) => {
            let cause = reason.to_string();
            alert(policy, environment, Reason::ResponseIsAlert { cause }, state)
        }
        Some(drift) => {
            let governor = hold.map_or_else(|| governor(drift, &state, live_since, now), Governor::held);
            let mut decision = match governor {
                Governor::Allow => retrain(policy, environment, drift, state, reason, idempotency_key, now),
                Governor::Suppress(why) => {
                    Decision::new(Verdict::Suppress, why).evidence("cause", &reason).state(state)
                }
                Governor::Escalate(why) => alert(policy, environment, why, state).evidence("cause", &reason),
            };
            let recheck = alarm.as_ref().zip(recheck_at(drift, &decision, now));
            decision.plan.extend(recheck.map(|(alarm, at)| schedule_recheck(policy, environment, alarm, at)));
            decision
        }
    };
    let decision = match numbers {
        Some((observed, threshold)) => decision.evidence_vs("drift", observed, threshold),
        None => decision.evidence("drift", cause),
    };
    decision.from_source(source)
}

/// When to check whether the drift still exists: an alarm that stays in ALARM sends no further event.
fn recheck_at(drift: &Drift, decision: &Respond, now: Timestamp) -> Option<Timestamp> {
    match &decision.reason {
        Reason::Cooldown { until }
        | Reason::RetrainingInFlight { until }
        | Reason::FailurePause { until, .. }
        | Reason::BudgetSpent { until, .. } => Some(*until),
        // A person was notified and decides.
        Reason::Escalated { .. } | Reason::RetrainingsFailed { .. } => None,
        // A retraining or a hold whose end is not known.
        _ => Some(after(now, drift.cooldown.signed())),
    }
}

fn schedule_recheck(policy: &Policy, environment: &Environment, alarm: &str, at: Timestamp) -> Step<NoCall> {
    let (model, environment) = (policy.model.to_string(), environment.name.to_string());
    let mark = short(&["look again", &model, &environment, alarm], 10);
    Step::ScheduleCheck {
        name: format!("drift-{model}-{}-{mark}", at.as_second()),
        at,
        check: ScheduledCheck { function: NAME.to_owned(), model, environment, subject: alarm.to_owned() },
    }
}

fn after(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}

enum Governor {
    Allow,
    Suppress(Reason),
    Escalate(Reason),
}

impl Governor {
    fn held(hold: &Hold) -> Self {
        Self::Suppress(hold.why())
    }
}

/// Evaluates single flight, cooldown, the pause after a failure, failures, attempts and budget, in this order: the first
/// condition that fails decides.
fn governor(drift: &Drift, state: &State, live_since: Option<Timestamp>, now: Timestamp) -> Governor {
    if let Some(last) = state.retrainings.last().copied() {
        let until = after(last, drift.cooldown.signed());
        if now < until {
            // Until a version that was deployed after the request serves here, that request is still in progress,
            // unless the hub reported an end without a version.
            let answered = live_since.is_some_and(|live| live > last) || state.ended_without_version(last);
            return Governor::Suppress(if answered {
                Reason::Cooldown { until }
            } else {
                Reason::RetrainingInFlight { until }
            });
        }
    }
    let failures = state.failures(live_since);
    if failures >= finished::most_failures(drift) {
        return Governor::Escalate(Reason::RetrainingsFailed { failures });
    }
    if let Some(until) = state.paused_until(drift).filter(|until| *until > now) {
        return Governor::Suppress(Reason::FailurePause { failures, until });
    }
    if let Some(limit) = drift.escalate_after.filter(|limit| state.attempts >= *limit) {
        return Governor::Escalate(Reason::Escalated { attempts: limit });
    }
    if let Some(budget) = &drift.budget {
        let recent: Vec<Timestamp> =
            state.retrainings.iter().copied().filter(|at| after(*at, budget.per.signed()) > now).collect();
        let spent = u32::try_from(recent.len()).unwrap_or(u32::MAX);
        if spent >= budget.retrainings {
            let until = recent.first().map_or(now, |oldest| after(*oldest, budget.per.signed()));
            return Governor::Escalate(Reason::BudgetSpent { spent, until });
        }
    }
    Governor::Allow
}

fn retrain(
    policy: &Policy,
    environment: &Environment,
    drift: &Drift,
    state: State,
    reason: Reason,
    idempotency_key: &str,
    now: Timestamp,
) -> Respond {
    let model = policy.model.to_string();
    let request = RetrainingRequested {
        request_id: format!("{model}-{}-{}", environment.name, short(&["retraining", idempotency_key], 16)),
        model,
        environment: environment.name.to_string(),
        environment_account: environment.account.to_string(),
        cause: reason.code().to_owned(),
        detail: reason.to_string(),
        requested_at: now,
    };
    let look_back = drift.budget.as_ref().map_or(drift.cooldown, |b| b.per.max(drift.cooldown)).signed();
    let may_end_yet = state.retrainings.len().saturating_sub(KEPT_REQUESTS);
    let known = state.retrainings.iter().copied().enumerate();
    let kept = known.filter(|(index, at)| *index >= may_end_yet || after(*at, look_back) > now);
    let requested = kept.map(|(_, at)| at).chain([now]).collect();
    let next = State { retrainings: requested, attempts: state.attempts.saturating_add(1), ..state };
    Decision::new(Verdict::Retrain, reason)
        .evidence("request_id", &request.request_id)
        .evidence("attempt", next.attempts)
        .plan(vec![Step::RequestRetraining { request }])
        .state(next)
}
