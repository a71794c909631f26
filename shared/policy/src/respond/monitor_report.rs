//! The content of a monitoring report.

use std::fmt;

/// A monitoring report as it was read from S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MonitorReport {
    /// The violations.
    Read(Vec<Violation>),
    /// The report is missing, damaged, or has another structure.
    Unreadable(String),
}

/// A violation in a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The check type, such as `baseline_drift_check`.
    pub check: String,
    /// The feature, facet, metric or label that violates it, if the report names one.
    pub subject: Option<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Some(subject) => write!(f, "{} on {subject}", self.check),
            None => f.write_str(&self.check),
        }
    }
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
            read.push(Violation { check, subject });
        }
        Self::Read(read)
    }
}
