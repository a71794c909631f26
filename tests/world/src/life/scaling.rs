use serde_json::{Value, json};

use super::{Life, STAGING};

fn scaling(life: &mut Life, operation: &str, target: &Value, more: Value) -> Result<Value, crate::ApiError> {
    let mut request = target.clone();
    request.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    life.call_in(STAGING, "application-autoscaling", operation, request)
}

fn instances(name: &str) -> Value {
    json!({"ServiceNamespace": "sagemaker", "ResourceId": format!("endpoint/{name}/variant/main"),
           "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"})
}

fn copies() -> Value {
    json!({"ServiceNamespace": "sagemaker", "ResourceId": "inference-component/churn-ic",
           "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount"})
}

fn running(life: &Life, name: &str) -> i64 {
    life.world.snapshot().endpoint(STAGING, name).unwrap().instances
}

fn invoke(life: &mut Life, request: Value) -> Result<Value, crate::ApiError> {
    life.call_in(STAGING, "sagemaker-runtime", "InvokeEndpoint", request)
}

#[test]
fn bounds_move_what_lies_outside_them() {
    let mut life = Life::new();
    life.endpoint(1);
    let target = instances("churn");
    let bounds = |min: i64, max: i64| json!({"MinCapacity": min, "MaxCapacity": max});
    let refused = scaling(&mut life, "RegisterScalableTarget", &target, bounds(0, 2)).unwrap_err();
    assert!(refused.message.contains("Minimum capacity cannot be less than 1"), "{refused}");
    scaling(&mut life, "RegisterScalableTarget", &target, bounds(3, 5)).unwrap();
    // While it scales out, the next wish waits its turn.
    scaling(&mut life, "RegisterScalableTarget", &target, bounds(1, 2)).unwrap();
    life.settle();
    assert_eq!(running(&life, "churn"), 2);
    let kind = "SageMaker Endpoint Deployment State Change";
    let says = life.details(kind, "/ProductionVariants/0/VariantStatus/0/StatusMessage");
    assert_eq!(says, ["Scaling out desired instance count to 3.", "Scaling in desired instance count to 2."]);
}

#[test]
fn an_asynchronous_endpoint_may_go_to_zero() {
    let mut life = Life::new();
    life.endpoint(1);
    life.config(
        "q",
        json!({"ModelName": "churn-1", "InitialInstanceCount": 1}),
        json!({"AsyncInferenceConfig": {"OutputConfig": {}}}),
    );
    life.call("CreateEndpoint", json!({"EndpointName": "queue", "EndpointConfigName": "q"}));
    life.settle();
    scaling(
        &mut life,
        "RegisterScalableTarget",
        &instances("queue"),
        json!({"MinCapacity": 0, "MaxCapacity": 0}),
    )
    .unwrap();
    life.settle();
    assert_eq!(running(&life, "queue"), 0);
}

#[test]
fn a_component_sleeps_and_is_woken_by_an_alarm() {
    let mut life = Life::new();
    life.component();
    let target = copies();
    let ask = json!({"EndpointName": "shared", "InferenceComponentName": "churn-ic"});
    scaling(&mut life, "RegisterScalableTarget", &target, json!({"MinCapacity": 0, "MaxCapacity": 2}))
        .unwrap();
    let step = json!({"PolicyName": "wake", "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": {
        "AdjustmentType": "ChangeInCapacity", "Cooldown": 600,
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]}});
    let wake = scaling(&mut life, "PutScalingPolicy", &target, step).unwrap()["PolicyARN"]
        .as_str()
        .unwrap()
        .to_owned();
    let track = json!({"PolicyName": "track", "PolicyType": "TargetTrackingScaling",
                       "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 5.0}});
    let track = scaling(&mut life, "PutScalingPolicy", &target, track).unwrap();
    let (track, high) =
        (track["PolicyARN"].as_str().unwrap(), track["Alarms"][0]["AlarmName"].as_str().unwrap());
    assert!(invoke(&mut life, ask.clone()).is_ok());
    let zero = json!({"InferenceComponentName": "churn-ic", "DesiredRuntimeConfig": {"CopyCount": 0}});
    life.call("UpdateInferenceComponentRuntimeConfig", zero);
    life.settle();
    assert_eq!(running(&life, "shared"), 0);
    let refused = invoke(&mut life, ask.clone()).unwrap_err();
    assert_eq!((refused.code.as_str(), refused.http_status), ("ValidationError", 400));
    assert!(refused.message.contains("no capacity to process this request"));
    life.settle();
    assert_eq!(life.metrics("NoCapacityInvocationFailures"), 1);
    let current = |life: &Life| life.world.snapshot().component(STAGING, "churn-ic").unwrap().current;
    // Target tracking cannot leave zero; the step policy can, and then cools down.
    life.world.alarm_action(&Life::place(), track, high, 0.0, life.now).unwrap();
    life.settle();
    assert_eq!(current(&life), 0);
    life.world.alarm_action(&Life::place(), &wake, "alarm", 0.0, life.now).unwrap();
    life.settle();
    assert_eq!(current(&life), 1);
    assert_eq!(running(&life, "shared"), 1);
    life.world.alarm_action(&Life::place(), &wake, "alarm", 0.0, life.now).unwrap();
    life.settle();
    assert_eq!(current(&life), 1);
    assert!(invoke(&mut life, ask).is_ok());
}

#[test]
fn a_component_update_can_fail_or_be_taken_back() {
    let mut life = Life::new();
    life.component();
    let update = json!({"InferenceComponentName": "churn-ic", "Specification": {"ModelName": "churn-2"}});
    for (failed, status, model) in [(true, "Failed", "churn-1"), (false, "InService", "churn-1")] {
        life.mischief(json!({"kind": "fail_component_update", "account": null, "component": "churn-ic",
                             "reason": "no", "failed": failed}));
        life.call("UpdateInferenceComponent", update.clone());
        assert!(life.refusal("UpdateInferenceComponent", update.clone()).contains("cannot be changed now"));
        life.settle();
        let component = life.world.snapshot().component(STAGING, "churn-ic").cloned().unwrap();
        assert_eq!((component.status.as_str(), component.model.as_deref()), (status, Some(model)));
    }
    life.call("UpdateInferenceComponent", update);
    life.settle();
    assert_eq!(
        life.world.snapshot().component(STAGING, "churn-ic").unwrap().model.as_deref(),
        Some("churn-2")
    );
}

#[test]
fn a_broken_container_answers_for_itself_and_is_counted() {
    let mut life = Life::new();
    life.endpoint(1);
    life.mischief(json!({"kind": "container_error", "account": null, "target": "churn-1", "status": 500, "message": "boom"}));
    let error = invoke(&mut life, json!({"EndpointName": "churn"})).unwrap_err();
    assert_eq!((error.code.as_str(), error.http_status), ("ModelError", 424));
    assert_eq!(error.fields["OriginalStatusCode"], 500);
    life.mischief(json!({"kind": "clear"}));
    assert!(invoke(&mut life, json!({"EndpointName": "churn"})).is_ok());
    life.settle();
    assert_eq!((life.metrics("Invocations"), life.metrics("Invocation5XXErrors")), (2, 1));
}

#[test]
fn an_endpoint_with_components_cannot_be_deleted() {
    let mut life = Life::new();
    life.component();
    assert!(
        life.refusal("DeleteEndpoint", json!({"EndpointName": "shared"})).contains("inference components")
    );
    life.call("DeleteInferenceComponent", json!({"InferenceComponentName": "churn-ic"}));
    life.settle();
    life.call("DeleteEndpoint", json!({"EndpointName": "shared"}));
}
