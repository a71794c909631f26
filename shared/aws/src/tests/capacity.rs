//! The capacity of inference components.

use serde_json::json;
use tidegate_engine::Class;
use tidegate_engine::ports::Capacity;

use super::cloud::{Answer, cbor, cloud, invalid, ok, ok_cbor, refusal};

#[tokio::test]
async fn capacity_limits_are_registered() {
    let (aws, wire) = cloud([ok(json!({})), refusal(400, "ConcurrentUpdateException", "no")]);
    let capacity = aws.capacity();
    assert_eq!(
        capacity.set_capacity_limits("churn", 0, 2).await.unwrap(),
        "component churn may have 0 to 2 copies"
    );
    assert_eq!(capacity.set_capacity_limits("churn", 0, 2).await.unwrap_err().class, Class::Busy);
    let sent = &wire.done()[0];
    assert_eq!(sent.target, "RegisterScalableTarget");
    assert_eq!(
        sent.json(),
        json!({
            "ServiceNamespace": "sagemaker", "ResourceId": "inference-component/churn",
            "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount", "MinCapacity": 0, "MaxCapacity": 2,
        })
    );
}

#[tokio::test]
async fn a_request_without_capacity_scales_from_zero() {
    let (aws, wire) = cloud([ok(json!({ "PolicyARN": "arn:policy" })), ok_cbor(json!({}))]);
    aws.capacity().ensure_scale_from_zero_alarm("churn").await.unwrap();
    let sent = wire.done();
    assert_eq!(sent[0].target, "PutScalingPolicy");
    assert_eq!(
        sent[0].json(),
        json!({
            "PolicyName": "tidegate-wake-churn", "ServiceNamespace": "sagemaker",
            "ResourceId": "inference-component/churn",
            "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount", "PolicyType": "StepScaling",
            "StepScalingPolicyConfiguration": {
                "AdjustmentType": "ExactCapacity",
                "StepAdjustments": [{ "MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1 }],
                "Cooldown": 60, "MetricAggregationType": "Maximum",
            },
        })
    );
    assert!(sent[1].uri.ends_with("/operation/PutMetricAlarm"), "{}", sent[1].uri);
    let mut alarm = sent[1].cbor();
    alarm.as_object_mut().unwrap().remove("AlarmDescription");
    assert_eq!(
        alarm,
        json!({
            "AlarmName": "tidegate-wake-churn", "AlarmActions": ["arn:policy"], "Namespace": "AWS/SageMaker",
            "MetricName": "NoCapacityInvocationFailures",
            "Dimensions": [{ "Name": "InferenceComponentName", "Value": "churn" }], "Statistic": "Maximum", "Period": 30,
            "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "missing",
        })
    );
}

#[tokio::test]
async fn a_policy_without_its_alarm_is_an_error() {
    let limit = json!({ "__type": "LimitExceeded", "message": "too many alarms" });
    let (aws, _) = cloud([ok(json!({ "PolicyARN": "arn:policy" })), cbor(400, limit)]);
    assert_eq!(
        aws.capacity().ensure_scale_from_zero_alarm("churn").await.unwrap_err().operation,
        "PutMetricAlarm"
    );
    let (aws, wire) = cloud([refusal(400, "ObjectNotFoundException", "no target")]);
    assert_eq!(
        aws.capacity().ensure_scale_from_zero_alarm("churn").await.unwrap_err().operation,
        "PutScalingPolicy"
    );
    assert_eq!(wire.done().len(), 1);
}

fn described(copies: i32) -> Answer {
    ok(json!({
        "InferenceComponentName": "churn", "InferenceComponentArn": "a", "EndpointName": "e", "EndpointArn": "a",
        "CreationTime": 1.0, "LastModifiedTime": 1.0, "RuntimeConfig": { "DesiredCopyCount": copies },
    }))
}

#[tokio::test]
async fn copies_are_set_and_a_rejection_is_an_error_unless_they_are_set_already() {
    let refused = || invalid("The desired copy count is the same");
    let (aws, wire) = cloud([
        ok(json!({ "InferenceComponentArn": "a" })),
        refused(),
        described(0),
        refused(),
        described(2),
        refusal(400, "ResourceLimitExceeded", "no"),
        invalid("Cannot update inference component \"arn\" while it is in state UPDATE_RC_IN_PROGRESS"),
        described(2),
    ]);
    let capacity = aws.capacity();
    assert_eq!(capacity.set_copy_count("churn", 0).await.unwrap(), "set component churn to 0 copies");
    assert_eq!(capacity.set_copy_count("churn", 0).await.unwrap(), "component churn has 0 copies already");
    assert_eq!(
        capacity.set_copy_count("churn", 0).await.unwrap_err().operation,
        "UpdateInferenceComponentRuntimeConfig"
    );
    assert_eq!(capacity.set_copy_count("churn", 0).await.unwrap_err().class, Class::Permanent);
    assert_eq!(capacity.set_copy_count("churn", 0).await.unwrap_err().class, Class::Busy);
    assert_eq!(
        wire.done()[0].json(),
        json!({ "InferenceComponentName": "churn", "DesiredRuntimeConfig": { "CopyCount": 0 } })
    );
}
