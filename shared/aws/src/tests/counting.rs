//! The count of requests to AWS.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use serde_json::json;
use tidegate_engine::ports::Bus;

use super::cloud::{cloud_for, ok, refusal};

#[tokio::test]
async fn requests_and_retries_of_the_sdk_are_counted() {
    let retry = RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(1));
    let slower = || refusal(400, "ThrottlingException", "slower");
    let done = || ok(json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "e" }] }));
    let (aws, wire) = cloud_for(retry, [done(), slower(), slower(), done()]);
    let (bus, meter) = (aws.bus("tidegate"), aws.meter());
    bus.publish("Drift Observed", &json!({})).await.unwrap();
    assert_eq!((meter.calls(), meter.retries()), (1, 0));
    bus.publish("Drift Observed", &json!({})).await.unwrap();
    assert_eq!((meter.calls(), meter.retries()), (4, 2));
    assert_eq!(wire.done().len(), 4);
}
