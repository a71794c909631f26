//! Asynchronous endpoints: their configuration, their sample, and the way to zero and back.

use serde_json::{Value, json};
use tidegate_engine::Class;
use tidegate_engine::ports::{Capacity, Endpoints, Sampler};
use tidegate_policy::deploy::{Probe, QueuedSample, SettingKind};
use tidegate_policy::endpoint::{AsyncSettings, ConfigSettings, EndpointConfigSpec, ProductionVariant};
use tidegate_policy::scale::{ScalableResource, TargetMetric, TargetTracking};

use super::cloud::{Answer, cloud, invalid, ok, ok_cbor, plain, refusal};
use super::observe::sample;

fn config(settings: ConfigSettings) -> EndpointConfigSpec {
    let variant = ProductionVariant::RealTime {
        model: "m".to_owned(),
        instance_type: "ml.m5.large".to_owned(),
        instances: 2,
    };
    EndpointConfigSpec { name: "c".to_owned(), variant, tags: Vec::new(), settings }
}

fn queue(settings: Value) -> ConfigSettings {
    let queue: AsyncSettings = serde_json::from_value(settings).unwrap();
    ConfigSettings { async_inference: Some(queue), ..ConfigSettings::default() }
}

#[tokio::test]
async fn a_configuration_has_every_setting_of_the_queue() {
    let least = queue(json!({ "output": "s3://acme-ml/answers/" }));
    let all = queue(json!({
        "output": "s3://acme-ml/answers/", "failures": "s3://acme-ml/failures/", "maxConcurrentPerInstance": 4,
        "notify": { "success": "arn:aws:sns:eu-west-1:777788889999:done",
            "error": "arn:aws:sns:eu-west-1:777788889999:failed", "includeResponseIn": ["error", "success"] },
    }));
    let all = ConfigSettings { output_key: Some("alias/churn".parse().unwrap()), ..all };
    let sent_all = json!({
        "ClientConfig": { "MaxConcurrentInvocationsPerInstance": 4 },
        "OutputConfig": {
            "S3OutputPath": "s3://acme-ml/answers/", "S3FailurePath": "s3://acme-ml/failures/",
            "KmsKeyId": "alias/churn",
            "NotificationConfig": {
                "SuccessTopic": "arn:aws:sns:eu-west-1:777788889999:done",
                "ErrorTopic": "arn:aws:sns:eu-west-1:777788889999:failed",
                "IncludeInferenceResponseIn": ["ERROR_NOTIFICATION_TOPIC", "SUCCESS_NOTIFICATION_TOPIC"],
            },
        },
    });
    let sent_least = json!({ "OutputConfig": { "S3OutputPath": "s3://acme-ml/answers/" } });
    for (settings, wanted) in
        [(ConfigSettings::default(), None), (least, Some(sent_least)), (all, Some(sent_all))]
    {
        let (aws, wire) = cloud([ok(json!({ "EndpointConfigArn": "arn" }))]);
        aws.endpoints("arn:role", Vec::new()).create_config(&config(settings)).await.unwrap();
        assert_eq!(wire.only().json().get("AsyncInferenceConfig"), wanted.as_ref());
    }
}

#[tokio::test]
async fn what_an_update_would_lose_is_read() {
    let found = json!({
        "EndpointConfigName": "c", "EndpointConfigArn": "arn", "CreationTime": 1.0,
        "ProductionVariants": [{ "VariantName": "AllTraffic", "InstanceType": "ml.m5.large" }],
        "AsyncInferenceConfig": {
            "ClientConfig": { "MaxConcurrentInvocationsPerInstance": 4 },
            "OutputConfig": { "S3OutputPath": "s3://b/o", "S3FailurePath": "s3://b/f", "KmsKeyId": "key",
                "NotificationConfig": { "SuccessTopic": "done", "ErrorTopic": "failed" } },
        },
    });
    let (aws, _) = cloud([ok(found), ok(json!({ "ScalableTargets": [] }))]);
    let endpoint = super::adoption::endpoint();
    let endpoints = aws.endpoints("arn:role", Vec::new());
    let running = endpoints.running_config("churn", &endpoint).await.unwrap();
    let read: Vec<_> = running.settings.iter().map(|s| (s.kind, s.value.as_str())).collect();
    assert_eq!(
        read,
        [
            (SettingKind::AsyncInference, "s3://b/o"),
            (SettingKind::AsyncFailures, "s3://b/f"),
            (SettingKind::AsyncNotifications, "done, failed"),
            (SettingKind::AsyncOutputKey, "key"),
            (SettingKind::AsyncConcurrency, "4"),
        ]
    );
}

fn accepted(failure: Option<&str>) -> Answer {
    let mut headers = vec![("x-amzn-sagemaker-outputlocation", "s3://b/o/1.out".to_owned())];
    headers.extend(failure.map(|place| ("x-amzn-sagemaker-failurelocation", place.to_owned())));
    Answer::Http { status: 202, headers, body: br#"{"InferenceId": "1"}"#.to_vec() }
}

#[tokio::test]
async fn a_sample_goes_into_the_queue_without_an_object() {
    for failure in [None, Some("s3://b/f/1-error.out")] {
        let (aws, wire) = cloud([accepted(failure)]);
        let probe = aws.sampler().enqueue("churn", &sample("1,2")).await.unwrap();
        let failure = failure.map(str::to_owned);
        assert_eq!(probe, Probe::Queued(QueuedSample { output: "s3://b/o/1.out".to_owned(), failure }));
        let sent = wire.only();
        assert!(sent.uri.ends_with("/endpoints/churn/async-invocations"), "{}", sent.uri);
        assert_eq!(sent.text(), "1,2");
        assert_eq!(sent.header("x-amzn-sagemaker-content-type"), Some("text/csv"));
        assert_eq!(sent.header("x-amzn-sagemaker-requestttlseconds"), Some("3600"));
        assert_eq!(sent.header("x-amzn-sagemaker-inputlocation"), None);
    }
}

#[tokio::test]
async fn a_refused_sample_is_a_finding_and_a_denied_one_is_not() {
    let refused = refusal(400, "ValidationError", "1 validation error detected: Value at 'body'");
    let (aws, _) = cloud([refused]);
    let probe = aws.sampler().enqueue("churn", &sample("1")).await.unwrap();
    assert!(matches!(probe, Probe::Failed(ref error) if error.contains("Value at 'body'")), "{probe:?}");
    let (aws, _) = cloud([refusal(403, "AccessDeniedException", "not authorized")]);
    let error = aws.sampler().enqueue("churn", &sample("1")).await.unwrap_err();
    assert_eq!(error.class, Class::Denied);
}

fn listed(keys: &[&str]) -> Answer {
    let entries: String = keys.iter().map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect();
    plain(format!("<ListBucketResult><Name>b</Name>{entries}</ListBucketResult>"))
}

#[tokio::test]
async fn an_answer_is_the_object_itself_and_not_one_with_a_longer_name() {
    let sample = QueuedSample {
        output: "s3://b/o/1.out".to_owned(),
        failure: Some("s3://b/f/1-error.out".to_owned()),
    };
    for (answers, probe) in [
        (vec![listed(&["o/1.out"])], Probe::Answered(200)),
        (vec![listed(&["o/1.out.tmp"]), listed(&[])], Probe::Silent),
        (
            vec![listed(&[]), listed(&["f/1-error.out"])],
            Probe::Failed("SageMaker wrote why to s3://b/f/1-error.out".to_owned()),
        ),
    ] {
        let (aws, wire) = cloud(answers);
        assert_eq!(aws.sampler().find_answer(&sample).await.unwrap(), probe);
        let first = &wire.done()[0];
        assert!(first.uri.contains("list-type=2") && first.uri.contains("prefix=o%2F1.out"), "{}", first.uri);
    }
    let (aws, _) = cloud([listed(&[])]);
    let without = QueuedSample { failure: None, ..sample };
    assert_eq!(aws.sampler().find_answer(&without).await.unwrap(), Probe::Silent);
}

#[tokio::test]
async fn target_tracking_follows_the_queue() {
    let target = TargetTracking {
        resource: ScalableResource::Variant { endpoint: "churn".to_owned() },
        metric: TargetMetric::Backlog(5),
        min: 0,
        max: 3,
        scale_in_cooldown: Some(600),
        scale_out_cooldown: Some(300),
    };
    let (aws, wire) = cloud([ok(json!({})), ok(json!({ "PolicyARN": "arn" }))]);
    aws.capacity().set_target_tracking(&target).await.unwrap();
    let sent = wire.done();
    assert_eq!((&sent[0].json()["MinCapacity"], &sent[0].json()["MaxCapacity"]), (&json!(0), &json!(3)));
    assert_eq!(
        sent[1].json()["TargetTrackingScalingPolicyConfiguration"],
        json!({ "TargetValue": 5.0, "ScaleInCooldown": 600, "ScaleOutCooldown": 300,
            "CustomizedMetricSpecification": {
                "Namespace": "AWS/SageMaker", "MetricName": "ApproximateBacklogSizePerInstance",
                "Statistic": "Average", "Dimensions": [{ "Name": "EndpointName", "Value": "churn" }] } })
    );
}

fn registered() -> Answer {
    ok(json!({ "ScalableTargets": [{
        "ServiceNamespace": "sagemaker", "ResourceId": "endpoint/churn/variant/AllTraffic", "MinCapacity": 1,
        "MaxCapacity": 3, "ScalableDimension": "sagemaker:variant:DesiredInstanceCount", "RoleARN": "arn",
        "CreationTime": 1.0,
    }] }))
}

#[tokio::test]
async fn the_alarm_on_the_queue_invokes_a_policy_that_sets_one_instance() {
    let alarm = || ok_cbor(json!({}));
    let policy = || ok(json!({ "PolicyARN": "arn:policy" }));
    let unregistered = ok(json!({ "ScalableTargets": [] }));
    let (aws, wire) = cloud([unregistered, ok(json!({})), policy(), alarm()]);
    aws.capacity().ensure_backlog_alarm("churn", 3).await.unwrap();
    let sent = wire.done();
    assert_eq!((&sent[1].json()["MinCapacity"], &sent[1].json()["MaxCapacity"]), (&json!(0), &json!(3)));
    let put = sent[2].json();
    assert_eq!(
        (&put["PolicyName"], &put["PolicyType"]),
        (&json!("tidegate-wake-churn"), &json!("StepScaling"))
    );
    assert_eq!(put["ResourceId"], "endpoint/churn/variant/AllTraffic");
    let steps = &put["StepScalingPolicyConfiguration"];
    assert_eq!(steps["AdjustmentType"], "ExactCapacity");
    assert_eq!(
        steps["StepAdjustments"],
        json!([{ "MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1 }])
    );
    let alarm_sent = sent[3].cbor();
    for (member, value) in [
        ("AlarmName", json!("tidegate-wake-churn")),
        ("MetricName", json!("HasBacklogWithoutCapacity")),
        ("Dimensions", json!([{ "Name": "EndpointName", "Value": "churn" }])),
        ("Period", json!(60)),
        ("EvaluationPeriods", json!(2)),
        ("AlarmActions", json!(["arn:policy"])),
    ] {
        assert_eq!(alarm_sent[member], value, "{member}");
    }
    // What is registered keeps its limits until the alarm exists.
    let (aws, wire) = cloud([registered(), policy(), alarm()]);
    aws.capacity().ensure_backlog_alarm("churn", 3).await.unwrap();
    assert_eq!(wire.targets()[..2], ["DescribeScalableTargets", "PutScalingPolicy"]);
}

fn described(status: &str, desired: i64) -> Answer {
    ok(json!({ "EndpointName": "churn", "EndpointArn": "arn", "EndpointStatus": status, "CreationTime": 1.0,
        "LastModifiedTime": 1.0,
        "ProductionVariants": [{ "VariantName": "AllTraffic", "DesiredInstanceCount": desired }] }))
}

#[tokio::test]
async fn only_an_endpoint_at_zero_gets_instances() {
    let (aws, wire) = cloud([described("InService", 3)]);
    aws.capacity().ensure_instances("churn", 2).await.unwrap();
    assert_eq!(wire.done().len(), 1);
    let (aws, wire) = cloud([described("InService", 0), ok(json!({ "EndpointArn": "arn" }))]);
    aws.capacity().ensure_instances("churn", 2).await.unwrap();
    assert_eq!(
        wire.done()[1].json(),
        json!({ "EndpointName": "churn",
            "DesiredWeightsAndCapacities": [{ "VariantName": "AllTraffic", "DesiredInstanceCount": 2 }] })
    );
    let (aws, _) = cloud([described("Updating", 0), invalid("Cannot update in-progress endpoint")]);
    assert_eq!(aws.capacity().ensure_instances("churn", 2).await.unwrap_err().class, Class::Busy);
}

#[tokio::test]
async fn the_way_back_is_removed_with_the_target() {
    let policy = json!({ "PolicyARN": "arn", "PolicyName": "tidegate-wake-churn", "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/churn/variant/AllTraffic", "PolicyType": "StepScaling", "CreationTime": 1.0,
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount" });
    let alarm = ok_cbor(json!({}));
    let resource = ScalableResource::Variant { endpoint: "churn".to_owned() };
    let (aws, wire) = cloud([
        ok(json!({})),
        ok(json!({ "ScalingPolicies": [policy] })),
        alarm,
        ok(json!({})),
        ok(json!({})),
    ]);
    aws.capacity().remove_target_tracking(&resource).await.unwrap();
    let sent = wire.done();
    assert_eq!(sent[2].cbor()["AlarmNames"], json!(["tidegate-wake-churn"]));
    assert_eq!(sent[3].json()["PolicyName"], "tidegate-wake-churn");
    assert_eq!(sent[4].target, "DeregisterScalableTarget");
}
