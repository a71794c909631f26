//! respond's controller.

use jiff::Timestamp;
use std::sync::Arc;
use tidegate_events::{
    AlarmChanged, Body, DriftObserved, Event, ObjectCreated, RetrainingFinished, Scheduled,
};

use super::finished::decide_finished;
use super::{
    MonitorReport, Observation, ReportKey, State, decide, invariants, is_report, on_rejected, sources,
    still_applies,
};
use crate::check;
use crate::controller::{Context, Controller, DecisionOf, Route, StepOf};
use crate::decision::Decision;
use crate::deploy;
use crate::lookup::{Lookup, LookupKind};
use crate::reason::Reason;
use crate::site::Site;
use crate::step::NoCall;

/// Decides the response to drift.
#[derive(Debug, Clone, Copy)]
pub struct RespondController;

/// The trigger.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// A CloudWatch alarm changed its state.
    Alarm(AlarmChanged),
    /// A scheduled check whether the alarm is still in ALARM.
    Recheck {
        /// The alarm.
        alarm: String,
    },
    /// A monitoring report was written to S3.
    Report {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
    /// A source published `Drift Observed`.
    Observed(DriftObserved),
    /// The hub reports the end of a retraining that this environment requested.
    Finished(RetrainingFinished),
}

/// What respond must read before deciding, besides deploy's state for the endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// Nothing more.
    Nothing,
    /// The current state of an alarm.
    Alarm(String),
    /// A report in S3.
    Report {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// deploy's state for the endpoint: since when its version is live, and the hold.
    pub deployed: Arc<deploy::State>,
    /// The alarm, if it is in ALARM now; only read for a recheck.
    pub alarm: Option<AlarmChanged>,
    /// The report; only read after a report was written.
    pub report: Option<MonitorReport>,
}

impl Controller for RespondController {
    const NAME: &'static str = super::NAME;
    type Trigger = Trigger;
    type State = State;
    type Need = Need;
    type Snapshot = Snapshot;
    type Call = NoCall;
    type Current = ();

    fn route(site: &Site, event: &Event) -> Route<Trigger> {
        let unsupported = || Route::NotApplicable(Reason::UnsupportedEvent);
        match &event.body {
            Body::AlarmChanged(alarm) => Route::Lookup {
                names: names_of(alarm),
                subject: format!("alarm {}", alarm.alarm),
                trigger: Trigger::Alarm(alarm.clone()),
            },
            Body::ObjectCreated(object) if is_report(&object.key) => route_of_report(object),
            Body::DriftObserved(observed) if observed.environment != site.environment => {
                let wanted = observed.environment.clone();
                Route::NotApplicable(Reason::OtherEnvironment { wanted })
            }
            Body::DriftObserved(observed) => {
                Route::model(&observed.model, Trigger::Observed(observed.clone()))
            }
            Body::RetrainingFinished(_) if event.envelope.account != site.hub_account => {
                Route::NotApplicable(Reason::NotFromHub { account: event.envelope.account.clone() })
            }
            Body::RetrainingFinished(end)
                if end.environment != site.environment || end.environment_account != site.account =>
            {
                let wanted = format!("{} in {}", end.environment, end.environment_account);
                Route::NotApplicable(Reason::OtherEnvironment { wanted })
            }
            Body::RetrainingFinished(end) => Route::model(&end.model, Trigger::Finished(end.clone())),
            Body::Scheduled(Scheduled::Check(check)) if check.function == super::NAME => {
                Route::model(&check.model, Trigger::Recheck { alarm: check.subject.clone() })
            }
            Body::Scheduled(Scheduled::Reconcile) => Route::Sweep,
            _ => unsupported(),
        }
    }

    fn not_applicable(cx: &Context<'_>, _trigger: &Trigger) -> Option<Reason> {
        let policy = cx.policy.filter(|_| cx.named_environment().is_none())?;
        let names: Vec<&str> = policy.environments.iter().map(|e| e.name.as_str()).collect();
        Some(Reason::OtherEnvironment { wanted: names.join(", ") })
    }

    fn needs(_cx: &Context<'_>, _state: &State, trigger: &Trigger) -> Need {
        match trigger {
            Trigger::Recheck { alarm } => Need::Alarm(alarm.clone()),
            Trigger::Report { bucket, key } => Need::Report { bucket: bucket.clone(), key: key.clone() },
            Trigger::Alarm(_) | Trigger::Observed(_) | Trigger::Finished(_) => Need::Nothing,
        }
    }

    fn decide(cx: &Context<'_>, state: &State, trigger: &Trigger, seen: &Snapshot) -> DecisionOf<Self> {
        let (Some(policy), Some(environment)) = (cx.policy, cx.named_environment()) else {
            return Decision::unmanaged(cx);
        };
        if let Trigger::Finished(end) = trigger {
            return decide_finished(policy, environment, state, end, cx.now);
        }
        let observation = observed(cx, trigger, seen);
        let deployed = (seen.deployed.live.as_ref().map(|live| live.at), seen.deployed.hold());
        decide(policy, environment, state, &observation, cx.event, deployed, cx.now)
    }

    fn violations(
        cx: &Context<'_>,
        state: &State,
        trigger: &Trigger,
        seen: &Snapshot,
        decision: &DecisionOf<Self>,
    ) -> Vec<check::Violation> {
        if let Trigger::Finished(_) = trigger {
            return invariants::violations_of_end(cx, state, decision);
        }
        let observation = observed(cx, trigger, seen);
        invariants::violations(cx, state, (trigger, seen), &observation, decision)
    }

    fn still_applies(_cx: &Context<'_>, state: &State, step: &StepOf<Self>) -> bool {
        still_applies(state, step)
    }

    fn on_rejected(
        cx: &Context<'_>,
        state: &State,
        step: &StepOf<Self>,
        why: &Reason,
    ) -> Option<DecisionOf<Self>> {
        on_rejected(cx.policy?, cx.named_environment()?, state, step, why)
    }

    fn violations_after_rejection(
        cx: &Context<'_>,
        _state: &State,
        decision: &DecisionOf<Self>,
    ) -> Vec<check::Violation> {
        invariants::after_rejection(cx, decision)
    }

    /// Drift without a response has a scheduled check of its own.
    fn next_check(_cx: &Context<'_>, _state: &State) -> Option<Timestamp> {
        None
    }
}

fn observed(cx: &Context<'_>, trigger: &Trigger, seen: &Snapshot) -> Observation {
    cx.policy
        .and_then(|policy| sources::observe(policy, trigger, seen))
        .unwrap_or(Observation::Inconclusive(Reason::UnsupportedEvent))
}

/// The names by which policies refer to an alarm: its own name, and the endpoints and monitoring schedules that its
/// metrics measure.
fn names_of(alarm: &AlarmChanged) -> Vec<Lookup> {
    let mut names = vec![Lookup::new(LookupKind::Alarm, &alarm.alarm)];
    for metric in &alarm.metrics {
        // The pages about Model Monitor disagree about the dimension's name.
        for dimension in ["Endpoint", "EndpointName"] {
            let endpoint = metric.dimensions.get(dimension);
            names.extend(endpoint.map(|name| Lookup::new(LookupKind::Endpoint, name)));
        }
        let schedule = metric.dimensions.get("MonitoringSchedule");
        names.extend(schedule.map(|name| Lookup::new(LookupKind::MonitoringSchedule, name)));
    }
    names
}

/// The models that a monitoring report concerns: a policy names the endpoint or the monitoring schedule.
fn route_of_report(object: &ObjectCreated) -> Route<Trigger> {
    let key = object.key.clone();
    let Some(place) = ReportKey::parse(&object.key) else {
        return Route::NotApplicable(Reason::NotAScheduledReport { key });
    };
    let mut names = vec![Lookup::new(LookupKind::MonitoringSchedule, place.schedule)];
    names.extend(place.endpoint.map(|endpoint| Lookup::new(LookupKind::Endpoint, endpoint)));
    let subject = match place.endpoint {
        Some(endpoint) => format!("endpoint {endpoint} or monitoring schedule {}", place.schedule),
        None => format!("monitoring schedule {}", place.schedule),
    };
    Route::Lookup { names, subject, trigger: Trigger::Report { bucket: object.bucket.clone(), key } }
}
