//! respond: drift from any source leads to a retraining request, a message to people, or nothing with a reason.
//!
//! First a [`Finding`] is read from the source, then the *governor* decides what it may lead to. Only
//! [`Finding::Drift`] can lead to anything: too little data and a source that failed are findings of their own.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tidegate_events::{AlarmChanged, AlarmState, DriftObserved, DriftVerdict, RetrainingRequested};

use crate::decision::{Decision, Verdict};
use crate::file::{Drift, DriftResponse, Environment, Policy};
use crate::fingerprint::short;
use crate::reason::Reason;

/// respond's decisions.
pub type Respond = Decision<State, Action>;

/// What the ledger remembers for a model in this environment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// When retrainings were requested, oldest first; kept as long as the budget looks back.
    pub requested: Vec<Timestamp>,
    /// Retrainings since drift was last seen gone.
    pub attempts: u32,
}

/// What respond can ask of AWS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Ask the hub to retrain.
    RequestRetraining {
        /// The request, sent as it is.
        request: RetrainingRequested,
    },
    /// Tell people.
    Alert {
        /// The subject, at most 100 characters.
        subject: String,
        /// The message.
        message: String,
    },
}

/// Whether an action of a plan that was left behind is still wanted: a retraining not once the drift is gone.
#[must_use]
pub fn stands(state: &State, action: &Action) -> bool {
    match action {
        Action::RequestRetraining { request } => {
            state.attempts > 0 && state.requested.contains(&request.requested_at)
        }
        Action::Alert { .. } => true,
    }
}

/// What a source says about drift.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// Drift, and how it was seen.
    Drift {
        /// The reason that a response will carry.
        reason: Reason,
        /// The observed value and the threshold, where the source tells them.
        numbers: Option<(f64, f64)>,
    },
    /// Looked at, and no drift: whatever was wrong is over.
    Calm(Reason),
    /// Nothing to act on: not drift, or not known.
    Nothing(Reason),
}

/// A monitoring report as it was read from S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MonitorReport {
    /// The violations, as `check on feature`.
    Read(Vec<String>),
    /// It is not there, damaged, or of another shape.
    Unreadable(String),
}

impl MonitorReport {
    /// Reads a `constraint_violations.json`. Every field but the check type is optional; the description is free text
    /// and never decides. <https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-violations.html>
    #[must_use]
    pub fn from_json(text: &str) -> Self {
        let value: serde_json::Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(error) => return Self::Unreadable(error.to_string()),
        };
        let Some(violations) = value.get("violations").and_then(serde_json::Value::as_array) else {
            return Self::Unreadable("it has no list `violations`".to_owned());
        };
        let field = |violation: &serde_json::Value, name: &str| {
            violation.get(name).and_then(serde_json::Value::as_str).map(str::to_owned)
        };
        let mut read = Vec::new();
        for violation in violations {
            let Some(check) = field(violation, "constraint_check_type") else {
                return Self::Unreadable("a violation has no `constraint_check_type`".to_owned());
            };
            let subject =
                ["feature_name", "facet", "metric_name", "label"].iter().find_map(|n| field(violation, n));
            read.push(subject.map_or_else(|| check.clone(), |subject| format!("{check} on {subject}")));
        }
        Self::Read(read)
    }
}

/// What an alarm says. `environment` is the one whose endpoint the alarm watches, or whose policy names it.
#[must_use]
pub fn finding_of_alarm(policy: &Policy, alarm: &AlarmChanged) -> Finding {
    let name = || alarm.alarm.clone();
    if !measures_drift(policy, alarm) {
        return Finding::Nothing(Reason::NotADriftAlarm { alarm: name() });
    }
    match &alarm.state {
        AlarmState::Ok => Finding::Calm(Reason::AlarmOk { alarm: name() }),
        AlarmState::InsufficientData => {
            Finding::Nothing(Reason::InsufficientData { source: format!("alarm {}", name()) })
        }
        AlarmState::Unknown(state) => Finding::Nothing(Reason::UnknownState { state: state.clone() }),
        AlarmState::Alarm if alarm.muted => Finding::Nothing(Reason::AlarmMuted { alarm: name() }),
        AlarmState::Alarm if alarm.previous == Some(AlarmState::Alarm) => {
            Finding::Nothing(Reason::StillInAlarm { alarm: name() })
        }
        AlarmState::Alarm => Finding::Drift {
            reason: Reason::DriftAlarm { alarm: name() },
            numbers: alarm.observed.zip(alarm.threshold),
        },
    }
}

/// What a monitoring report says.
#[must_use]
pub fn finding_of_report(key: &str, report: &MonitorReport) -> Finding {
    match report {
        MonitorReport::Unreadable(error) => {
            Finding::Nothing(Reason::SourceFailed { source: key.to_owned(), error: error.clone() })
        }
        MonitorReport::Read(violations) => match violations.first() {
            None => Finding::Calm(Reason::NoViolations),
            Some(first) => Finding::Drift {
                reason: Reason::Violations { count: violations.len(), first: first.clone() },
                numbers: None,
            },
        },
    }
}

/// What our own drift event says.
#[must_use]
pub fn finding_of_observation(seen: &DriftObserved) -> Finding {
    let metric = || seen.metric.clone().unwrap_or_else(|| "the model".to_owned());
    match seen.verdict {
        DriftVerdict::Drift => Finding::Drift {
            reason: Reason::DriftObserved { metric: metric() },
            numbers: seen.observed.zip(seen.threshold),
        },
        DriftVerdict::NoDrift => Finding::Calm(Reason::NoViolations),
        DriftVerdict::Insufficient => {
            Finding::Nothing(Reason::InsufficientData { source: seen.source.clone() })
        }
        DriftVerdict::SourceFailed => Finding::Nothing(Reason::SourceFailed {
            source: seen.source.clone(),
            error: "it reported a failure".to_owned(),
        }),
    }
}

/// Whether an alarm measures drift: the policy names it, or it watches one of Model Monitor's own metrics.
fn measures_drift(policy: &Policy, alarm: &AlarmChanged) -> bool {
    let named =
        policy.drift.iter().flat_map(|d| &d.alarms).any(|name| name.eq_ignore_ascii_case(&alarm.alarm));
    // AWS's pages disagree about the exact namespaces, so only their endings are compared.
    let of_monitor = |namespace: &str| {
        let namespace = namespace.to_lowercase();
        namespace.contains("aws/sagemaker/")
            && ["data-metrics", "data-metric", "bias-metrics", "model-metrics"]
                .iter()
                .any(|e| namespace.ends_with(e))
    };
    named || alarm.metrics.iter().any(|metric| of_monitor(&metric.namespace))
}

/// Decides what a finding leads to. `meaning` is the event's, so that the same finding makes the same request.
pub fn decide(
    policy: &Policy,
    environment: &Environment,
    state: &State,
    finding: &Finding,
    meaning: &str,
    live_since: Option<Timestamp>,
    now: Timestamp,
) -> Respond {
    let (reason, numbers) = match finding {
        Finding::Nothing(reason) => return Decision::new(Verdict::Ignore, reason.clone()),
        Finding::Calm(reason) => {
            let calm = State { attempts: 0, ..state.clone() };
            return Decision::new(Verdict::Ignore, reason.clone())
                .saw("attempts_before", state.attempts)
                .state(calm);
        }
        Finding::Drift { reason, numbers } => (reason.clone(), *numbers),
    };
    let Some(drift) = &policy.drift else { return Decision::new(Verdict::Suppress, Reason::NoResponse) };
    let decision = match drift.response {
        // Not reachable through an applied policy, which may not ask for it yet; a person is the safe answer.
        DriftResponse::Alert | DriftResponse::RollBack => {
            let cause = reason.to_string();
            alert(policy, environment, Reason::ResponseIsAlert { cause }, state.clone())
        }
        DriftResponse::Retrain => match governor(drift, state, live_since, now) {
            Governor::Go => retrain(policy, environment, drift, state, reason, meaning, now),
            Governor::Hold(hold) => Decision::new(Verdict::Suppress, hold).saw("cause", &reason),
            Governor::Person(why) => alert(policy, environment, why, state.clone()).saw("cause", &reason),
        },
    };
    match numbers {
        Some((observed, threshold)) => decision.compared("drift", observed, threshold),
        None => decision,
    }
}

enum Governor {
    Go,
    Hold(Reason),
    Person(Reason),
}

/// Single flight, cooldown, budget and attempts, in this order: the first that objects decides.
fn governor(drift: &Drift, state: &State, live_since: Option<Timestamp>, now: Timestamp) -> Governor {
    let after = |at: Timestamp, span: SignedDuration| at.checked_add(span).unwrap_or(Timestamp::MAX);
    if let Some(last) = state.requested.last().copied() {
        let until = after(last, drift.cooldown.signed());
        if now < until {
            // Until a version that was deployed after the request serves here, that request is still under way.
            let answered = live_since.is_some_and(|live| live > last);
            return Governor::Hold(if answered {
                Reason::Cooldown { until }
            } else {
                Reason::RetrainingInFlight { until }
            });
        }
    }
    if let Some(limit) = drift.escalate_after.filter(|limit| state.attempts >= *limit) {
        return Governor::Person(Reason::Escalated { attempts: limit });
    }
    if let Some(budget) = &drift.budget {
        let recent: Vec<Timestamp> =
            state.requested.iter().copied().filter(|at| after(*at, budget.per.signed()) > now).collect();
        let spent = u32::try_from(recent.len()).unwrap_or(u32::MAX);
        if spent >= budget.retrainings {
            let until = recent.first().map_or(now, |oldest| after(*oldest, budget.per.signed()));
            return Governor::Person(Reason::BudgetSpent { spent, until });
        }
    }
    Governor::Go
}

fn retrain(
    policy: &Policy,
    environment: &Environment,
    drift: &Drift,
    state: &State,
    reason: Reason,
    meaning: &str,
    now: Timestamp,
) -> Respond {
    let model = policy.model.to_string();
    let request = RetrainingRequested {
        request_id: format!("{model}-{}-{}", environment.name, short(&["retraining", meaning], 16)),
        model,
        environment: environment.name.to_string(),
        environment_account: environment.account.to_string(),
        cause: reason.code().to_owned(),
        detail: reason.to_string(),
        requested_at: now,
    };
    let look_back = drift.budget.as_ref().map_or(drift.cooldown, |b| b.per.max(drift.cooldown)).signed();
    let mut requested = state.requested.clone();
    requested.retain(|at| at.checked_add(look_back).is_ok_and(|until| until > now));
    requested.push(now);
    let next = State { requested, attempts: state.attempts.saturating_add(1) };
    Decision::new(Verdict::Retrain, reason)
        .saw("request_id", &request.request_id)
        .saw("attempt", next.attempts)
        .plan(vec![Action::RequestRetraining { request }])
        .state(next)
}

fn alert(policy: &Policy, environment: &Environment, reason: Reason, state: State) -> Respond {
    let subject: String =
        format!("Tidegate: drift of {} in {}", policy.model, environment.name).chars().take(100).collect();
    let message = format!(
        "{reason}.\nModel: {}\nEnvironment: {} ({})\nEndpoint: {}\nNothing was changed. Look at the data and decide: \
         retrain, approve an earlier version, or raise the threshold.",
        policy.model, environment.name, environment.account, environment.endpoint.name
    );
    Decision::new(Verdict::Alert, reason).plan(vec![Action::Alert { subject, message }]).state(state)
}
