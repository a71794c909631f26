//! CloudWatch alarms.

use serde_json::{Value, json};
use tidegate_engine::ports::Alarms;
use tidegate_events::{AlarmState, Body};

use super::cloud::{cloud, ok_cbor};

fn metric_alarm() -> Value {
    json!({
        "AlarmName": "churn-drift", "AlarmArn": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:churn-drift",
        "StateValue": "ALARM", "StateReason": "Threshold Crossed",
        "StateReasonData": "{\"version\":\"1.0\",\"recentDatapoints\":[0.1,0.7],\"threshold\":0.5}",
        "StateUpdatedTimestamp": { "@time": 1_772_449_999.5 },
        "StateTransitionedTimestamp": { "@time": 1_592_419_992.203 },
        "Namespace": "aws/sagemaker/Endpoints/data-metrics", "MetricName": "feature_baseline_drift_age",
        "Dimensions": [{ "Name": "Endpoint", "Value": "churn" }],
    })
}

#[tokio::test]
async fn an_alarm_is_parsed_like_its_event() {
    let (aws, wire) = cloud([ok_cbor(json!({ "MetricAlarms": [metric_alarm()], "CompositeAlarms": [] }))]);
    let found = aws.alarms().in_alarm(&["churn-drift".to_owned()]).await.unwrap();
    let event = json!({
        "id": "1", "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "account": "111122223333",
        "region": "eu-west-1", "time": "2020-06-17T18:53:13Z", "version": "0",
        "resources": ["arn:aws:cloudwatch:eu-west-1:111122223333:alarm:churn-drift"],
        "detail": {
            "alarmName": "churn-drift",
            "state": {
                "value": "ALARM", "reason": "Threshold Crossed", "timestamp": "2020-06-17T18:53:12.203+0000",
                "reasonData": "{\"version\":\"1.0\",\"recentDatapoints\":[0.1,0.7],\"threshold\":0.5}",
            },
            "configuration": { "metrics": [{ "id": "m", "metricStat": { "metric": {
                "namespace": "aws/sagemaker/Endpoints/data-metrics", "name": "feature_baseline_drift_age",
                "dimensions": { "Endpoint": "churn" },
            }, "period": 300, "stat": "Average" } }] },
        },
    });
    let Body::AlarmChanged(told) = tidegate_events::parse_value(event).unwrap().body else {
        panic!("an alarm")
    };
    assert_eq!(found, [told]);

    let sent = wire.only();
    assert!(sent.uri.ends_with("/operation/DescribeAlarms"), "{}", sent.uri);
    assert_eq!(
        sent.cbor(),
        json!({
            "AlarmNames": ["churn-drift"], "AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "StateValue": "ALARM",
            "MaxRecords": 100,
        })
    );
}

#[tokio::test]
async fn every_kind_of_alarm_is_read() {
    let composite = json!({
        "AlarmName": "both", "AlarmArn": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:both", "StateValue": "ALARM",
        "StateUpdatedTimestamp": { "@time": 1_772_442_602.0 }, "ActionsSuppressedBy": "Alarm",
    });
    let query = json!({
        "AlarmName": "rate", "AlarmArn": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:rate", "StateValue": "ALARM",
        "Metrics": [
            { "Id": "e", "Expression": "a/b" },
            { "Id": "a", "MetricStat": { "Period": 60, "Stat": "Sum", "Metric": {
                "Namespace": "AWS/SageMaker", "MetricName": "Invocation5XXErrors",
                "Dimensions": [{ "Name": "EndpointName", "Value": "churn" }],
            } } },
        ],
    });
    let (aws, wire) = cloud([
        ok_cbor(json!({ "MetricAlarms": [query], "NextToken": "n" })),
        ok_cbor(json!({ "CompositeAlarms": [composite] })),
    ]);
    let found = aws.alarms().in_alarm(&["rate".to_owned(), "both".to_owned()]).await.unwrap();
    assert_eq!(found[0].metrics.len(), 1);
    assert_eq!(found[0].metrics[0].name, "Invocation5XXErrors");
    assert_eq!(found[0].changed_at, None);
    assert!(!found[0].muted);
    assert_eq!((found[1].alarm.as_str(), &found[1].state), ("both", &AlarmState::Alarm));
    assert_eq!(found[1].changed_at, Some("2026-03-02T09:10:02Z".parse().unwrap()));
    assert!(found[1].muted && found[1].metrics.is_empty());
    assert_eq!(wire.done()[1].cbor()["NextToken"], "n");
}

#[tokio::test]
async fn names_are_split_into_calls_and_no_names_make_no_call() {
    let (aws, wire) = cloud([]);
    assert!(aws.alarms().in_alarm(&[]).await.unwrap().is_empty());
    assert!(wire.done().is_empty());
    let names: Vec<String> = (0..101).map(|n| format!("a{n}")).collect();
    let (aws, wire) = cloud([ok_cbor(json!({})), ok_cbor(json!({}))]);
    assert!(aws.alarms().in_alarm(&names).await.unwrap().is_empty());
    assert_eq!(wire.done()[1].cbor()["AlarmNames"], json!(["a100"]));
}

#[tokio::test]
async fn an_alarm_that_cannot_be_parsed_is_an_error() {
    let (aws, _) = cloud([ok_cbor(json!({ "MetricAlarms": [{ "AlarmName": "x", "StateValue": "ALARM" }] }))]);
    assert!(aws.alarms().in_alarm(&["x".to_owned()]).await.is_err());
}
