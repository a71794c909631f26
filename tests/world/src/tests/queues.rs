//! Asynchronous endpoints: the queue, its metrics and its scaling.

use serde_json::{Value, json};

use super::{STAGING, TestWorld};
use crate::{ApiError, Emission};

const OUTPUT: &str = "s3://acme-ml/answers";

fn settings() -> Value {
    json!({"AsyncInferenceConfig": {"OutputConfig":
        {"S3OutputPath": format!("{OUTPUT}/"), "S3FailurePath": "s3://acme-ml/failures/"}}})
}

fn variant() -> Value {
    json!({"ModelName": "churn-1", "InitialInstanceCount": 1})
}

/// An asynchronous endpoint `queue` with one instance, beside the real-time endpoint `churn`.
fn world() -> TestWorld {
    let mut aws = TestWorld::new();
    aws.endpoint(1);
    aws.config("q1", variant(), settings());
    aws.call("CreateEndpoint", json!({"EndpointName": "queue", "EndpointConfigName": "q1"}));
    aws.run_until_idle();
    aws.emissions.clear();
    aws
}

fn ask(aws: &mut TestWorld, endpoint: &str, more: Value) -> Result<Value, ApiError> {
    let mut request = json!({"EndpointName": endpoint, "ContentType": "text/csv"});
    request.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    aws.call_in(STAGING, "sagemaker-runtime", "InvokeEndpointAsync", request)
}

fn body(aws: &mut TestWorld) -> Value {
    ask(aws, "queue", json!({"Body": "1,2"})).unwrap()
}

fn objects(aws: &TestWorld) -> Vec<&str> {
    let written = aws.emissions.iter().filter_map(|told| match told {
        Emission::Object(object) => Some(object.uri.as_str()),
        _ => None,
    });
    written.collect()
}

/// The values of a metric of the queue.
fn measured(aws: &TestWorld, name: &str) -> Vec<f64> {
    let values = aws.emissions.iter().filter_map(|told| match told {
        Emission::Metric(metric) if metric.name == name => Some(metric.value),
        _ => None,
    });
    values.collect()
}

fn scaling(aws: &mut TestWorld, operation: &str, more: Value) -> Value {
    let mut request = json!({"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/queue/variant/main",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"});
    request.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    aws.call_in(STAGING, "application-autoscaling", operation, request).unwrap()
}

fn instances(aws: &TestWorld) -> i64 {
    aws.world.snapshot().endpoint(STAGING, "queue").unwrap().instances
}

/// Target tracking on the queue with a minimum of zero.
fn track(aws: &mut TestWorld) {
    scaling(aws, "RegisterScalableTarget", json!({"MinCapacity": 0, "MaxCapacity": 3}));
    let metric = json!({"MetricName": "ApproximateBacklogSizePerInstance", "Namespace": "AWS/SageMaker",
        "Statistic": "Average", "Dimensions": [{"Name": "EndpointName", "Value": "queue"}]});
    let target = json!({"TargetValue": 5.0, "CustomizedMetricSpecification": metric});
    let policy = json!({"PolicyName": "track", "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": target});
    scaling(aws, "PutScalingPolicy", policy);
}

#[test]
fn an_answer_or_a_failure_is_an_object() {
    let mut aws = world();
    let asked = body(&mut aws);
    aws.run_until_idle();
    assert_eq!(objects(&aws), [asked["OutputLocation"].as_str().unwrap()]);
    assert!(objects(&aws)[0].starts_with(OUTPUT), "{asked}");
    aws.emissions.clear();
    aws.inject_fault(json!({"kind": "container_error", "account": null, "target": "churn-1", "status": 500, "message": "boom"}));
    let asked = body(&mut aws);
    aws.run_until_idle();
    assert_eq!(objects(&aws), [asked["FailureLocation"].as_str().unwrap()]);
    // SageMaker publishes no metric of the invocations of an asynchronous endpoint.
    assert_eq!(aws.metrics("Invocations"), 0);
}

#[test]
fn an_endpoint_takes_one_kind_of_requests() {
    let mut aws = world();
    let invoke = |aws: &mut TestWorld, name: &str| {
        aws.call_in(STAGING, "sagemaker-runtime", "InvokeEndpoint", json!({"EndpointName": name}))
    };
    assert!(invoke(&mut aws, "queue").unwrap_err().to_string().starts_with("ValidationError: "));
    assert!(invoke(&mut aws, "churn").is_ok());
    assert_eq!(ask(&mut aws, "churn", json!({"Body": "1"})).unwrap_err().code, "ValidationError");
    for both_or_none in [json!({}), json!({"Body": "1", "InputLocation": "s3://acme-ml/in"})] {
        assert_eq!(ask(&mut aws, "queue", both_or_none).unwrap_err().code, "ValidationError");
    }
}

#[test]
fn an_endpoint_neither_becomes_asynchronous_nor_ceases_to_be() {
    let mut aws = world();
    aws.config("q2", variant(), settings());
    let update = |name: &str, config: &str| json!({"EndpointName": name, "EndpointConfigName": config});
    let removed = aws.rejection("UpdateEndpoint", update("queue", "churn-c2"));
    assert!(removed.contains("cannot be removed from this endpoint queue"), "{removed}");
    let added = aws.rejection("UpdateEndpoint", update("churn", "q2"));
    assert!(added.contains("cannot be added to this endpoint churn"), "{added}");
    aws.call("UpdateEndpoint", update("queue", "q2"));
}

#[test]
fn a_configuration_has_nothing_that_a_queue_excludes() {
    let mut aws = world();
    let serverless =
        json!({"ModelName": "churn-1", "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 1}});
    let refused = aws.try_config("q3", serverless, settings()).unwrap_err();
    assert!(refused.message.contains("ServerlessConfig is not supported"), "{refused}");
    let mut captured = settings();
    captured["DataCaptureConfig"] = json!({"DestinationS3Uri": "s3://b/c"});
    let refused = aws.try_config("q3", variant(), captured).unwrap_err();
    assert!(refused.message.contains("DataCaptureConfig is not supported"), "{refused}");
}

#[test]
fn an_empty_queue_goes_to_zero_and_an_alarm_brings_it_back() {
    let mut aws = world();
    track(&mut aws);
    let step = json!({"PolicyName": "wake", "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": {
        "AdjustmentType": "ExactCapacity", "Cooldown": 60,
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]}});
    let wake = scaling(&mut aws, "PutScalingPolicy", step)["PolicyARN"].as_str().unwrap().to_owned();
    // A request within the quarter of an hour keeps the instance.
    aws.wait(600);
    body(&mut aws);
    aws.wait(600);
    assert_eq!(instances(&aws), 1);
    aws.run_until_idle();
    assert_eq!(instances(&aws), 0);
    aws.emissions.clear();

    // The request waits; there is a backlog without capacity, and no quotient.
    let asked = body(&mut aws);
    aws.wait(300);
    assert!(objects(&aws).is_empty());
    assert_eq!(measured(&aws, "HasBacklogWithoutCapacity"), [1.0; 5]);
    assert!(measured(&aws, "ApproximateBacklogSizePerInstance").is_empty());
    aws.world.alarm_action(&TestWorld::place(), &wake, "alarm", 0.0, aws.now).unwrap();
    aws.wait(240);
    assert!(objects(&aws).is_empty(), "an instance does not start within four minutes");
    aws.wait(600);
    assert_eq!((instances(&aws), objects(&aws)), (1, vec![asked["OutputLocation"].as_str().unwrap()]));
    assert_eq!(measured(&aws, "HasBacklogWithoutCapacity").last(), Some(&0.0));
}

#[test]
fn a_request_that_waits_for_too_long_expires() {
    let mut aws = world();
    track(&mut aws);
    aws.run_until_idle();
    assert_eq!(instances(&aws), 0);
    ask(&mut aws, "queue", json!({"Body": "1", "RequestTTLSeconds": 3_600})).unwrap();
    aws.wait(3_500);
    assert_eq!(aws.metrics("ExpiredRequests"), 0);
    aws.wait(200);
    assert_eq!(aws.metrics("ExpiredRequests"), 1);
    aws.run_until_idle();
    assert!(objects(&aws).is_empty());
}
