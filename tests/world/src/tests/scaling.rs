use serde_json::{Value, json};

use super::{STAGING, TestWorld};

fn scaling(
    aws: &mut TestWorld,
    operation: &str,
    target: &Value,
    more: Value,
) -> Result<Value, crate::ApiError> {
    let mut request = target.clone();
    request.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    aws.call_in(STAGING, "application-autoscaling", operation, request)
}

fn instances(name: &str) -> Value {
    json!({"ServiceNamespace": "sagemaker", "ResourceId": format!("endpoint/{name}/variant/main"),
           "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"})
}

fn copies() -> Value {
    json!({"ServiceNamespace": "sagemaker", "ResourceId": "inference-component/churn-ic",
           "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount"})
}

fn running(aws: &TestWorld, name: &str) -> i64 {
    aws.world.snapshot().endpoint(STAGING, name).unwrap().instances
}

fn invoke(aws: &mut TestWorld, request: Value) -> Result<Value, crate::ApiError> {
    aws.call_in(STAGING, "sagemaker-runtime", "InvokeEndpoint", request)
}

#[test]
fn new_bounds_change_a_capacity_outside_them() {
    let mut aws = TestWorld::new();
    aws.endpoint(1);
    let target = instances("churn");
    let bounds = |min: i64, max: i64| json!({"MinCapacity": min, "MaxCapacity": max});
    let refused = scaling(&mut aws, "RegisterScalableTarget", &target, bounds(0, 2)).unwrap_err();
    assert!(refused.message.contains("Minimum capacity cannot be less than 1"), "{refused}");
    scaling(&mut aws, "RegisterScalableTarget", &target, bounds(3, 5)).unwrap();
    aws.run_until_idle();
    scaling(&mut aws, "RegisterScalableTarget", &target, bounds(1, 2)).unwrap();
    aws.run_until_idle();
    assert_eq!(running(&aws, "churn"), 2);
    let kind = "SageMaker Endpoint Deployment State Change";
    let says = aws.details(kind, "/ProductionVariants/0/VariantStatus/0/StatusMessage");
    assert_eq!(says, ["Scaling out desired instance count to 3.", "Scaling in desired instance count to 2."]);
}

#[test]
fn a_new_target_is_visible_late_and_only_of_a_variant_that_may_scale() {
    let mut aws = TestWorld::new();
    aws.endpoint(1);
    let target = instances("churn");
    let policy = json!({"PolicyName": "track", "PolicyType": "TargetTrackingScaling",
                        "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 5.0}});
    let unknown = scaling(&mut aws, "PutScalingPolicy", &target, policy.clone()).unwrap_err();
    assert_eq!(unknown.code, "ObjectNotFoundException");
    let resource = "endpoint/churn/variant/main".to_owned();
    aws.world.inject_fault(crate::Fault::LateTarget { account: None, resource, calls: 1 });
    let bounds = json!({"MinCapacity": 1, "MaxCapacity": 2});
    scaling(&mut aws, "RegisterScalableTarget", &target, bounds.clone()).unwrap();
    let listed = scaling(&mut aws, "DescribeScalableTargets", &target, json!({})).unwrap();
    assert_eq!(listed["ScalableTargets"], json!([]));
    let late = scaling(&mut aws, "PutScalingPolicy", &target, policy.clone()).unwrap_err();
    assert_eq!(late.message, unknown.message);
    scaling(&mut aws, "PutScalingPolicy", &target, policy).unwrap();
    aws.config(
        "burst",
        json!({"ModelName": "churn-1", "InitialInstanceCount": 1, "InstanceType": "ml.t2.medium"}),
        json!({}),
    );
    aws.call("CreateEndpoint", json!({"EndpointName": "burst", "EndpointConfigName": "burst"}));
    let busy = scaling(&mut aws, "RegisterScalableTarget", &instances("burst"), bounds.clone()).unwrap_err();
    assert!(busy.message.contains("The status should be in 'InService'"), "{busy}");
    aws.run_until_idle();
    let refused = scaling(&mut aws, "RegisterScalableTarget", &instances("burst"), bounds).unwrap_err();
    assert!(refused.message.contains("burstable"), "{refused}");
}

#[test]
fn an_asynchronous_endpoint_may_go_to_zero() {
    let mut aws = TestWorld::new();
    aws.endpoint(1);
    aws.config(
        "q",
        json!({"ModelName": "churn-1", "InitialInstanceCount": 1}),
        json!({"AsyncInferenceConfig": {"OutputConfig": {}}}),
    );
    aws.call("CreateEndpoint", json!({"EndpointName": "queue", "EndpointConfigName": "q"}));
    aws.run_until_idle();
    scaling(
        &mut aws,
        "RegisterScalableTarget",
        &instances("queue"),
        json!({"MinCapacity": 0, "MaxCapacity": 0}),
    )
    .unwrap();
    aws.run_until_idle();
    assert_eq!(running(&aws, "queue"), 0);
}

#[test]
fn a_component_scales_to_zero_and_an_alarm_scales_it_out() {
    let mut aws = TestWorld::new();
    aws.component();
    let target = copies();
    let ask = json!({"EndpointName": "shared", "InferenceComponentName": "churn-ic"});
    scaling(&mut aws, "RegisterScalableTarget", &target, json!({"MinCapacity": 0, "MaxCapacity": 2}))
        .unwrap();
    let step = json!({"PolicyName": "wake", "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": {
        "AdjustmentType": "ChangeInCapacity", "Cooldown": 1_300,
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]}});
    let wake = scaling(&mut aws, "PutScalingPolicy", &target, step).unwrap()["PolicyARN"]
        .as_str()
        .unwrap()
        .to_owned();
    let track = json!({"PolicyName": "track", "PolicyType": "TargetTrackingScaling",
                       "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 5.0}});
    let track = scaling(&mut aws, "PutScalingPolicy", &target, track).unwrap();
    let (track, high) =
        (track["PolicyARN"].as_str().unwrap(), track["Alarms"][0]["AlarmName"].as_str().unwrap());
    assert!(invoke(&mut aws, ask.clone()).is_ok());
    let zero = json!({"InferenceComponentName": "churn-ic", "DesiredRuntimeConfig": {"CopyCount": 0}});
    aws.call("UpdateInferenceComponentRuntimeConfig", zero);
    aws.run_until_idle();
    assert_eq!(running(&aws, "shared"), 0);
    let refused = invoke(&mut aws, ask.clone()).unwrap_err();
    assert_eq!((refused.code.as_str(), refused.http_status), ("ValidationError", 400));
    assert!(refused.message.contains("no capacity to process this request"));
    aws.run_until_idle();
    assert_eq!(aws.metrics("NoCapacityInvocationFailures"), 1);
    let current = |aws: &TestWorld| aws.world.snapshot().component(STAGING, "churn-ic").unwrap().current;
    // Target tracking cannot leave zero; the step policy can, and then cools down.
    aws.world.alarm_action(&TestWorld::place(), track, high, 0.0, aws.now).unwrap();
    aws.run_until_idle();
    assert_eq!(current(&aws), 0);
    aws.world.alarm_action(&TestWorld::place(), &wake, "alarm", 0.0, aws.now).unwrap();
    aws.run_until_idle();
    assert_eq!(current(&aws), 1);
    assert_eq!(running(&aws, "shared"), 1);
    aws.world.alarm_action(&TestWorld::place(), &wake, "alarm", 0.0, aws.now).unwrap();
    aws.run_until_idle();
    assert_eq!(current(&aws), 1);
    assert!(invoke(&mut aws, ask).is_ok());
}

#[test]
fn a_component_update_can_fail_or_roll_back() {
    let mut aws = TestWorld::new();
    aws.component();
    let update = json!({"InferenceComponentName": "churn-ic", "Specification": {"ModelName": "churn-2"}});
    for (failed, status, model) in [(true, "Failed", "churn-1"), (false, "InService", "churn-1")] {
        aws.inject_fault(json!({"kind": "fail_component_update", "account": null, "component": "churn-ic",
                             "reason": "no", "failed": failed}));
        aws.call("UpdateInferenceComponent", update.clone());
        assert!(
            aws.rejection("UpdateInferenceComponent", update.clone())
                .ends_with("while it is in state UPDATE_IN_PROGRESS")
        );
        aws.run_until_idle();
        let component = aws.world.snapshot().component(STAGING, "churn-ic").cloned().unwrap();
        assert_eq!((component.status.as_str(), component.model.as_deref()), (status, Some(model)));
    }
    aws.call("UpdateInferenceComponent", update);
    aws.run_until_idle();
    assert_eq!(
        aws.world.snapshot().component(STAGING, "churn-ic").unwrap().model.as_deref(),
        Some("churn-2")
    );
}

#[test]
fn a_failing_container_returns_its_own_error_and_is_counted() {
    let mut aws = TestWorld::new();
    aws.endpoint(1);
    aws.inject_fault(json!({"kind": "container_error", "account": null, "target": "churn-1", "status": 500, "message": "boom"}));
    let error = invoke(&mut aws, json!({"EndpointName": "churn"})).unwrap_err();
    assert_eq!((error.code.as_str(), error.http_status), ("ModelError", 424));
    assert_eq!(error.fields["OriginalStatusCode"], 500);
    aws.inject_fault(json!({"kind": "clear"}));
    assert!(invoke(&mut aws, json!({"EndpointName": "churn"})).is_ok());
    aws.run_until_idle();
    assert_eq!((aws.metrics("Invocations"), aws.metrics("Invocation5XXErrors")), (2, 1));
}
