//! CloudWatch alarms.

use tidegate_events::{AlarmChanged, AlarmMetric, AlarmState};

use crate::file::{CheckMeaning, Policy};
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
    let meaning = meaning(policy, alarm);
    if meaning == CheckMeaning::Ignore {
        return Observation::Inconclusive(Reason::NotADriftAlarm { alarm: name() });
    }
    match &alarm.state {
        // Where values are missing no longer, the model may have drifted all the same.
        AlarmState::Ok if meaning == CheckMeaning::Alert => {
            Observation::Inconclusive(Reason::AlarmOk { alarm: name() })
        }
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
        AlarmState::Alarm if meaning == CheckMeaning::Alert => Observation::BrokenFeed {
            source: source(&alarm.alarm),
            at: alarm.changed_at,
            reason: Reason::BrokenFeedAlarm { alarm: name() },
        },
        AlarmState::Alarm => Observation::Drift {
            source: source(&alarm.alarm),
            at: alarm.changed_at,
            alarm: Some(name()),
            reason: Reason::DriftAlarm { alarm: name() },
            numbers: alarm.observed.zip(alarm.threshold),
            feed_is_broken: false,
        },
    }
}

/// The endings of the namespaces of Model Monitor's and Clarify's metrics, under `aws/sagemaker/Endpoints/` and, for
/// batch transform, `aws/sagemaker/ModelMonitoring/`.
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-cloudwatch.html>,
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-model-monitor-bias-drift-cw.html>,
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-feature-attribute-drift-cw.html>
const NAMESPACE_ENDINGS: [&str; 5] =
    ["/data-metrics", "/data-metric", "/bias-metrics", "/model-metrics", "/explainability-metrics"];

fn source(name: &str) -> String {
    format!("alarm {name}")
}

/// The beginning of the names of Model Monitor's metrics that count the values that are not missing.
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-cloudwatch.html>
const COMPLETENESS_METRIC: &str = "feature_non_null_";

/// What an alarm means: drift, if the policy lists it or it uses one of Model Monitor's own metrics; what the policy
/// says about completeness, if it only uses metrics of completeness; otherwise nothing.
fn meaning(policy: &Policy, alarm: &AlarmChanged) -> CheckMeaning {
    let listed =
        policy.drift.iter().flat_map(|d| &d.alarms).any(|name| name.eq_ignore_ascii_case(&alarm.alarm));
    // AWS's pages disagree about the exact namespaces, so only their endings are compared.
    let of_monitor = |metric: &&AlarmMetric| {
        let namespace = metric.namespace.to_lowercase();
        namespace.contains("aws/sagemaker/")
            && NAMESPACE_ENDINGS.iter().any(|ending| namespace.ends_with(ending))
    };
    let of_completeness = |metric: &AlarmMetric| metric.name.starts_with(COMPLETENESS_METRIC);
    let mut metrics = alarm.metrics.iter().filter(of_monitor).peekable();
    if listed {
        CheckMeaning::Drift
    } else if metrics.peek().is_none() {
        CheckMeaning::Ignore
    } else if metrics.all(of_completeness) {
        let checks = policy.drift.as_ref().map(|drift| drift.checks.clone()).unwrap_or_default();
        checks.completeness.unwrap_or(CheckMeaning::Alert)
    } else {
        CheckMeaning::Drift
    }
}
