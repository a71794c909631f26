//! What a source says about drift, whatever the source.

use jiff::Timestamp;
use tidegate_events::{AlarmChanged, AlarmState, DriftObserved, DriftVerdict};

use crate::file::Policy;
use crate::reason::Reason;

/// What a source says about drift.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// Drift, and how it was seen.
    Drift {
        /// Who saw it: calm counts only from the same source.
        source: String,
        /// When, by its own clock; `None` if it is as of now.
        at: Option<Timestamp>,
        /// The alarm that can be looked at again later, if it is one.
        alarm: Option<String>,
        /// The reason that a response will carry.
        reason: Reason,
        /// The observed value and the threshold, where the source tells them.
        numbers: Option<(f64, f64)>,
    },
    /// Looked at, and no drift: whatever was wrong there is over.
    Calm {
        /// Who looked.
        source: String,
        /// When, as for drift.
        at: Option<Timestamp>,
        /// What it says.
        reason: Reason,
    },
    /// Nothing to act on: not drift, or not known.
    Nothing(Reason),
}

impl Finding {
    /// Who said whether there is drift, and when.
    pub(super) fn said(&self) -> Option<(&str, Option<Timestamp>)> {
        match self {
            Self::Drift { source, at, .. } | Self::Calm { source, at, .. } => Some((source, *at)),
            Self::Nothing(_) => None,
        }
    }
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

/// What an alarm says.
#[must_use]
pub fn finding_of_alarm(policy: &Policy, alarm: &AlarmChanged) -> Finding {
    let name = || alarm.alarm.clone();
    if !measures_drift(policy, alarm) {
        return Finding::Nothing(Reason::NotADriftAlarm { alarm: name() });
    }
    match &alarm.state {
        AlarmState::Ok => Finding::Calm {
            source: of_alarm(&alarm.alarm),
            at: alarm.changed_at,
            reason: Reason::AlarmOk { alarm: name() },
        },
        AlarmState::InsufficientData => {
            Finding::Nothing(Reason::InsufficientData { source: format!("alarm {}", name()) })
        }
        AlarmState::Unknown(state) => Finding::Nothing(Reason::UnknownState { state: state.clone() }),
        AlarmState::Alarm if alarm.muted => Finding::Nothing(Reason::AlarmMuted { alarm: name() }),
        AlarmState::Alarm if alarm.previous == Some(AlarmState::Alarm) => {
            Finding::Nothing(Reason::StillInAlarm { alarm: name() })
        }
        AlarmState::Alarm => Finding::Drift {
            source: of_alarm(&alarm.alarm),
            at: alarm.changed_at,
            alarm: Some(name()),
            reason: Reason::DriftAlarm { alarm: name() },
            numbers: alarm.observed.zip(alarm.threshold),
        },
    }
}

/// What it means that an alarm was looked at again: `now` is the alarm if it is in ALARM.
#[must_use]
pub fn finding_of_look(policy: &Policy, name: &str, now: Option<&AlarmChanged>) -> Finding {
    match now {
        // That it was in ALARM before is why it is looked at, and since when does not matter.
        Some(alarm) => {
            finding_of_alarm(policy, &AlarmChanged { previous: None, changed_at: None, ..alarm.clone() })
        }
        // Not in ALARM may be too little data, so it is not the end of drift.
        None => Finding::Nothing(Reason::NoLongerInAlarm { alarm: name.to_owned() }),
    }
}

fn of_alarm(name: &str) -> String {
    format!("alarm {name}")
}

/// What a monitoring report says.
#[must_use]
pub fn finding_of_report(key: &str, report: &MonitorReport) -> Finding {
    match report {
        MonitorReport::Unreadable(error) => {
            Finding::Nothing(Reason::SourceFailed { source: key.to_owned(), error: error.clone() })
        }
        MonitorReport::Read(violations) => match violations.first() {
            None => Finding::Calm { source: of_report(key), at: hour_of(key), reason: Reason::NoViolations },
            Some(first) => Finding::Drift {
                source: of_report(key),
                at: hour_of(key),
                alarm: None,
                reason: Reason::Violations { count: violations.len(), first: first.clone() },
                numbers: None,
            },
        },
    }
}

/// The schedule that wrote a report: its key is `<prefix>/<endpoint>/<schedule>/YYYY/MM/DD/HH/<file>`.
fn of_report(key: &str) -> String {
    let place = key.rsplitn(6, '/').nth(5).unwrap_or(key);
    format!("reports {place}")
}

/// The hour that a report is about.
fn hour_of(key: &str) -> Option<Timestamp> {
    let mut parts = key.rsplit('/').skip(1);
    let (hour, day, month, year) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    format!("{year}-{month}-{day}T{hour}:00:00Z").parse().ok()
}

/// What our own drift event says.
#[must_use]
pub fn finding_of_observation(seen: &DriftObserved) -> Finding {
    let metric = || seen.metric.clone().unwrap_or_else(|| "the model".to_owned());
    let source = || format!("{} on {}", seen.source, metric());
    match seen.verdict {
        DriftVerdict::Drift => Finding::Drift {
            source: source(),
            at: Some(seen.observed_at),
            alarm: None,
            reason: Reason::DriftObserved { metric: metric() },
            numbers: seen.observed.zip(seen.threshold),
        },
        DriftVerdict::NoDrift => {
            let (source, at) = (source(), Some(seen.observed_at));
            Finding::Calm { source, at, reason: Reason::NoViolations }
        }
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
