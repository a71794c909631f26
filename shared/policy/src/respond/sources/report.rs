//! Model Monitor's reports in S3.

use jiff::Timestamp;

use crate::file::Policy;
use crate::reason::Reason;
use crate::respond::{Observation, Snapshot, Trigger};

pub(super) fn observe(_policy: &Policy, trigger: &Trigger, seen: &Snapshot) -> Option<Observation> {
    let Trigger::Report { key, .. } = trigger else { return None };
    Some(match &seen.report {
        Some(report) => of_report(key, report),
        None => {
            let error = "it was not read".to_owned();
            Observation::Inconclusive(Reason::SourceFailed { source: key.clone(), error })
        }
    })
}

/// A monitoring report as it was read from S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MonitorReport {
    /// The violations, as `check on feature`.
    Read(Vec<String>),
    /// The report is missing, damaged, or has another structure.
    Unreadable(String),
}

impl MonitorReport {
    /// Reads a `constraint_violations.json`. Every field except the check type is optional; the description is free
    /// text and never affects a decision.
    /// <https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-violations.html>
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

/// The observation that a monitoring report contains.
fn of_report(key: &str, report: &MonitorReport) -> Observation {
    match report {
        MonitorReport::Unreadable(error) => {
            Observation::Inconclusive(Reason::SourceFailed { source: key.to_owned(), error: error.clone() })
        }
        MonitorReport::Read(violations) => match violations.first() {
            None => {
                Observation::NoDrift { source: source(key), at: hour_of(key), reason: Reason::NoViolations }
            }
            Some(first) => Observation::Drift {
                source: source(key),
                at: hour_of(key),
                alarm: None,
                reason: Reason::Violations { count: violations.len(), first: first.clone() },
                numbers: None,
            },
        },
    }
}

/// The schedule that wrote a report: its key is `<prefix>/<endpoint>/<schedule>/YYYY/MM/DD/HH/<file>`.
fn source(key: &str) -> String {
    let place = key.rsplitn(6, '/').nth(5).unwrap_or(key);
    format!("reports {place}")
}

/// The hour that a report covers.
fn hour_of(key: &str) -> Option<Timestamp> {
    let mut parts = key.rsplit('/').skip(1);
    let (hour, day, month, year) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    format!("{year}-{month}-{day}T{hour}:00:00Z").parse().ok()
}
