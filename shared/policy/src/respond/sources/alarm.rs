//! CloudWatch alarms.

use tidegate_events::{AlarmChanged, AlarmState};

use crate::file::Policy;
use crate::reason::Reason;
use crate::respond::{Observation, Snapshot, Trigger};

pub(super) fn observe(policy: &Policy, trigger: &Trigger, _seen: &Snapshot) -> Option<Observation> {
    match trigger {
        Trigger::Alarm(alarm) => Some(of_alarm(policy, alarm)),
        Trigger::Recheck { .. } | Trigger::Report { .. } | Trigger::Observed(_) | Trigger::Finished(_) => {
            None
        }
    }
}

/// The observation that an alarm contains.
pub(super) fn of_alarm(policy: &Policy, alarm: &AlarmChanged) -> Observation {
    let name = || alarm.alarm.clone();
    if !measures_drift(policy, alarm) {
        return Observation::Inconclusive(Reason::NotADriftAlarm { alarm: name() });
    }
    match &alarm.state {
        AlarmState::Ok => Observation::NoDrift {
            source: source(&alarm.alarm),
            at: alarm.changed_at,
            reason: Reason::AlarmOk { alarm: name() },
        },
        AlarmState::InsufficientData => {
            Observation::Inconclusive(Reason::InsufficientData { source: format!("alarm {}", name()) })
        }
        AlarmState::Unknown(state) => {
            Observation::Inconclusive(Reason::UnknownState { state: state.clone() })
        }
        AlarmState::Alarm if alarm.muted => Observation::Inconclusive(Reason::AlarmMuted { alarm: name() }),
        AlarmState::Alarm if alarm.previous == Some(AlarmState::Alarm) => {
            Observation::Inconclusive(Reason::StillInAlarm { alarm: name() })
        }
        AlarmState::Alarm => Observation::Drift {
            source: source(&alarm.alarm),
            at: alarm.changed_at,
            alarm: Some(name()),
            reason: Reason::DriftAlarm { alarm: name() },
            numbers: alarm.observed.zip(alarm.threshold),
        },
    }
}

fn source(name: &str) -> String {
    format!("alarm {name}")
}

/// Whether an alarm measures drift: the policy lists it, or it uses one of Model Monitor's own metrics.
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
