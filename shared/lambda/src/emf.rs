//! Logs each decision as one line of JSON, from which CloudWatch extracts metrics.

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_engine::{DecisionLog, DecisionRecord, Measured};

/// The namespace of the metrics.
pub const NAMESPACE: &str = "Tidegate";

/// A log that writes decisions to standard output, which Lambda sends to CloudWatch Logs.
pub(crate) struct EmfLog;

impl DecisionLog for EmfLog {
    #[expect(clippy::print_stdout, reason = "a line on standard output is how a function logs")]
    fn log(&self, record: &DecisionRecord, measured: &Measured) {
        println!("{}", line(record, measured, Timestamp::now()));
    }
}

/// The line in CloudWatch's embedded metric format. There are few dimensions, because each combination of their values
/// is a metric with a price. The model is a property, which can be searched and is not a dimension.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
fn line(record: &DecisionRecord, measured: &Measured, at: Timestamp) -> Value {
    json!({
        "_aws": {
            "Timestamp": at.as_millisecond(),
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [["Environment", "Function", "Verdict", "Reason"]],
                    "Metrics": [{ "Name": "Decisions", "Unit": "Count" }],
                },
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [["Environment", "Function"]],
                    "Metrics": [
                        { "Name": "Latency", "Unit": "Milliseconds" },
                        { "Name": "AwsCalls", "Unit": "Count" },
                        { "Name": "Retries", "Unit": "Count" },
                    ],
                },
            ],
        },
        "level": "INFO",
        "Environment": record.environment,
        "Function": record.function,
        "Verdict": record.verdict,
        "Reason": record.reason,
        "Decisions": 1,
        "Latency": u64::try_from(measured.latency.as_millis()).unwrap_or(u64::MAX),
        "AwsCalls": measured.aws_calls,
        "Retries": measured.retries,
        "model": record.model,
        "id": record.id,
        "message": record.message,
        "evidence": record.evidence,
        "actions": record.plan.len(),
        "event": record.event.id,
        "detail_type": record.event.detail_type,
        "policy_version": record.policy_version,
        "function_version": record.function_version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn record() -> DecisionRecord {
        let record = json!({
            "schema": 1, "id": "d1", "at": "2026-03-02T09:10:04Z", "account": "111122223333",
            "environment": "hub", "function": "promote", "function_version": "0.1.0", "model": "churn",
            "verdict": "deploy", "reason": "approved", "message": "version 7 was approved",
            "evidence": [], "plan": [{}, {}], "policy_version": "p1",
            "event": { "id": "e1", "source": "aws.sagemaker", "detail_type": "t", "idempotency_key": "m" },
        });
        serde_json::from_value(record).unwrap()
    }

    #[test]
    fn every_metric_and_dimension_that_is_announced_is_in_the_line() {
        let measured = Measured { latency: Duration::from_millis(87), aws_calls: 9, retries: 1 };
        let line = line(&record(), &measured, Timestamp::UNIX_EPOCH);
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
            for dimension in directive["Dimensions"][0].as_array().unwrap() {
                assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension}");
            }
            for metric in directive["Metrics"].as_array().unwrap() {
                assert!(line[metric["Name"].as_str().unwrap()].is_u64(), "{metric}");
            }
        }
        assert_eq!(
            (&line["Latency"], &line["AwsCalls"], &line["Retries"]),
            (&json!(87), &json!(9), &json!(1))
        );
        assert_eq!((&line["model"], &line["actions"]), (&json!("churn"), &json!(2)));
        assert!(!line.to_string().contains('\n'), "one line");
    }
}
