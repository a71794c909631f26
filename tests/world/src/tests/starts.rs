//! Resources that are not visible, busy, or slow to start.

use serde_json::{Value, json};

use super::{IMAGE, STAGING, TestWorld};

fn hide(aws: &mut TestWorld, name: &str, reads: u32) {
    aws.inject_fault(
        json!({"kind": "not_visible", "account": null, "name": name, "reads": reads, "times": 1}),
    );
}

fn invoke(aws: &mut TestWorld, request: Value) -> String {
    aws.call_in(STAGING, "sagemaker-runtime", "InvokeEndpoint", request).unwrap_err().to_string()
}

fn endpoint_status(aws: &TestWorld, name: &str) -> String {
    aws.world.snapshot().endpoint(STAGING, name).map(|e| e.status.clone()).unwrap_or_default()
}

#[test]
fn a_new_resource_is_found_after_some_reads() {
    let mut aws = TestWorld::new();
    hide(&mut aws, "churn-1", 2);
    aws.call("CreateModel", json!({"ModelName": "churn-1", "PrimaryContainer": {"Image": IMAGE}}));
    let config = |aws: &mut TestWorld| {
        aws.try_config("churn-c1", json!({"ModelName": "churn-1", "InitialInstanceCount": 1}), json!({}))
    };
    for _ in 0..2 {
        let error = config(&mut aws).unwrap_err().to_string();
        assert!(
            error.starts_with("ValidationException: Could not find model \"arn:aws:sagemaker:"),
            "{error}"
        );
    }
    hide(&mut aws, "churn-c1", 1);
    config(&mut aws).unwrap();
    let create = json!({"EndpointName": "churn", "EndpointConfigName": "churn-c1"});
    let error = aws.rejection("CreateEndpoint", create.clone());
    assert!(error.contains("Could not find endpoint configuration"), "{error}");
    hide(&mut aws, "churn", 2);
    aws.call("CreateEndpoint", create.clone());
    let error = aws.rejection("DescribeEndpoint", json!({"EndpointName": "churn"}));
    assert!(error.contains("Could not find endpoint \"arn"), "{error}");
    // A name is taken from the beginning.
    assert!(aws.rejection("CreateEndpoint", create).contains("Cannot create already existing endpoint"));
    assert!(invoke(&mut aws, json!({"EndpointName": "churn"})).contains("not found"));
    aws.call("DescribeEndpoint", json!({"EndpointName": "churn"}));
}

#[test]
fn a_busy_component_says_its_state() {
    let mut aws = TestWorld::new();
    aws.component();
    let copies =
        |n: i64| json!({"InferenceComponentName": "churn-ic", "DesiredRuntimeConfig": {"CopyCount": n}});
    aws.call("UpdateInferenceComponentRuntimeConfig", copies(2));
    let state = "while it is in state UPDATE_RC_IN_PROGRESS";
    let error = aws.rejection("UpdateInferenceComponentRuntimeConfig", copies(1));
    assert!(error.contains("Cannot update inference component") && error.ends_with(state), "{error}");
    let name = json!({"InferenceComponentName": "churn-ic"});
    let error = aws.rejection("DeleteInferenceComponent", name.clone());
    assert!(error.contains("Cannot delete inference component") && error.ends_with(state), "{error}");
    aws.run_until_idle();
    aws.call("DeleteInferenceComponent", name.clone());
    assert!(aws.rejection("DeleteInferenceComponent", name).ends_with("DELETE_IN_PROGRESS"));
}

#[test]
fn a_variant_is_registered_only_in_service() {
    let mut aws = TestWorld::new();
    aws.endpoint(1);
    aws.call("UpdateEndpoint", json!({"EndpointName": "churn", "EndpointConfigName": "churn-c2"}));
    let target = json!({"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/churn/variant/main",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount", "MinCapacity": 1, "MaxCapacity": 2});
    let register = |aws: &mut TestWorld| {
        aws.call_in(STAGING, "application-autoscaling", "RegisterScalableTarget", target.clone())
    };
    assert!(
        register(&mut aws).unwrap_err().message.contains("The status should be in 'InService' to register")
    );
    aws.run_until_idle();
    register(&mut aws).unwrap();
}

#[test]
fn a_container_that_never_starts_fails_late_and_without_a_reason_before() {
    let mut aws = TestWorld::new();
    aws.endpoint(1);
    aws.inject_fault(json!({"kind": "container_never_starts", "account": null, "target": "late"}));
    aws.call("CreateEndpoint", json!({"EndpointName": "late", "EndpointConfigName": "churn-c1"}));
    aws.wait(24 * 60);
    let described = aws.call("DescribeEndpoint", json!({"EndpointName": "late"}));
    assert_eq!((&described["EndpointStatus"], described.get("FailureReason")), (&json!("Creating"), None));
    aws.wait(6 * 60);
    let described = aws.call("DescribeEndpoint", json!({"EndpointName": "late"}));
    assert_eq!(described["EndpointStatus"], "Failed");
    assert!(described["FailureReason"].as_str().unwrap().contains("did not pass the ping health check"));
}

#[test]
fn a_component_that_never_starts_is_creating_until_its_timeout() {
    let mut aws = TestWorld::new();
    aws.component();
    aws.inject_fault(json!({"kind": "container_never_starts", "account": null, "target": "late"}));
    let startup = json!({"ContainerStartupHealthCheckTimeoutInSeconds": 600});
    aws.call(
        "CreateInferenceComponent",
        json!({"InferenceComponentName": "late", "EndpointName": "shared", "VariantName": "main",
            "Specification": {"ModelName": "churn-1", "StartupParameters": startup}, "RuntimeConfig": {"CopyCount": 1}}),
    );
    let status = |aws: &TestWorld| aws.world.snapshot().component(STAGING, "late").unwrap().status.clone();
    aws.wait(599);
    assert_eq!(status(&aws), "Creating");
    aws.wait(1);
    assert_eq!(status(&aws), "Failed");
}

#[test]
fn instances_outlive_their_copies_and_the_endpoint_is_updating_while_they_change() {
    let mut aws = TestWorld::new();
    aws.component();
    let copies =
        |n: i64| json!({"InferenceComponentName": "churn-ic", "DesiredRuntimeConfig": {"CopyCount": n}});
    let running = |aws: &TestWorld| aws.world.snapshot().endpoint(STAGING, "shared").unwrap().instances;
    aws.call("UpdateInferenceComponentRuntimeConfig", copies(0));
    aws.wait(560);
    assert_eq!((running(&aws), endpoint_status(&aws, "shared").as_str()), (1, "InService"));
    aws.wait(660);
    assert_eq!(endpoint_status(&aws, "shared"), "Updating");
    aws.wait(90);
    assert_eq!((running(&aws), endpoint_status(&aws, "shared").as_str()), (0, "InService"));
    aws.call("UpdateInferenceComponentRuntimeConfig", copies(1));
    assert_eq!(endpoint_status(&aws, "shared"), "Updating");
    aws.wait(560);
    assert_eq!((running(&aws), endpoint_status(&aws, "shared").as_str()), (1, "InService"));
}

#[test]
fn a_container_that_still_loads_does_not_answer() {
    let mut aws = TestWorld::new();
    aws.endpoint(1);
    let ask = json!({"EndpointName": "churn"});
    let answers = [
        ("timed_out", "Received server error (0) from primary with message \"Your invocation timed out"),
        ("unavailable", "Received server error (503) from primary"),
        ("not_ready", "ModelNotReadyException"),
        ("no_capacity", "has no capacity to process this request"),
    ];
    for (answer, text) in answers {
        aws.inject_fault(json!({"kind": "clear"}));
        aws.inject_fault(json!({"kind": "slow_start", "account": null, "target": "churn", "answer": answer,
            "seconds": 300}));
        let error = invoke(&mut aws, ask.clone());
        assert!(error.contains(text), "{error}");
    }
    aws.wait(300);
    aws.call_in(STAGING, "sagemaker-runtime", "InvokeEndpoint", ask).unwrap();
}

#[test]
fn components_outlive_their_endpoint() {
    let mut aws = TestWorld::new();
    aws.component();
    let ask = json!({"EndpointName": "shared", "InferenceComponentName": "churn-ic"});
    aws.call("DeleteEndpoint", json!({"EndpointName": "shared"}));
    aws.run_until_idle();
    let name = json!({"InferenceComponentName": "churn-ic"});
    assert_eq!(aws.call("DescribeInferenceComponent", name.clone())["InferenceComponentStatus"], "InService");
    assert!(invoke(&mut aws, ask.clone()).contains("Endpoint shared of account"));
    aws.call("CreateEndpoint", json!({"EndpointName": "shared", "EndpointConfigName": "shared-c1"}));
    aws.run_until_idle();
    assert!(invoke(&mut aws, ask).contains("churn-ic not found"));
    let again = json!({"InferenceComponentName": "churn-ic", "EndpointName": "shared", "VariantName": "main",
        "Specification": {"ModelName": "churn-1"}, "RuntimeConfig": {"CopyCount": 1}});
    assert!(aws.rejection("CreateInferenceComponent", again.clone()).contains("already existing"));
    aws.call("DeleteInferenceComponent", name);
    aws.run_until_idle();
    aws.call("CreateInferenceComponent", again);
}

#[test]
fn an_alarm_in_alarm_brings_a_copy_back() {
    let mut aws = TestWorld::new();
    aws.component();
    let target = json!({"ServiceNamespace": "sagemaker", "ResourceId": "inference-component/churn-ic",
        "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount"});
    let ask = |aws: &mut TestWorld, operation: &str, more: Value| {
        let mut request = target.clone();
        request.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        aws.call_in(STAGING, "application-autoscaling", operation, request).unwrap()
    };
    ask(&mut aws, "RegisterScalableTarget", json!({"MinCapacity": 0, "MaxCapacity": 1}));
    let step = json!({"PolicyName": "wake", "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": {
        "AdjustmentType": "ExactCapacity", "Cooldown": 60,
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]}});
    let arn = ask(&mut aws, "PutScalingPolicy", step)["PolicyARN"].as_str().unwrap().to_owned();
    let zero = json!({"InferenceComponentName": "churn-ic", "DesiredRuntimeConfig": {"CopyCount": 0}});
    let desired = |aws: &TestWorld| aws.world.snapshot().component(STAGING, "churn-ic").unwrap().desired;
    aws.world.alarm_action(&TestWorld::place(), &arn, "wake", 0.0, aws.now).unwrap();
    aws.call("UpdateInferenceComponentRuntimeConfig", zero.clone());
    aws.wait(9 * 60);
    assert_eq!(desired(&aws), 0);
    aws.wait(4 * 60);
    assert_eq!(desired(&aws), 1, "the alarm was still in ALARM");
    aws.run_until_idle();
    aws.call("UpdateInferenceComponentRuntimeConfig", zero);
    aws.run_until_idle();
    assert_eq!(desired(&aws), 0);
}

#[test]
fn a_package_is_described_in_its_region_with_one_of_three_approvals() {
    let mut aws = TestWorld::new();
    let arn = "arn:aws:sagemaker:eu-west-1:444455556666:model-package/churn/1";
    let error = aws.rejection("DescribeModelPackage", json!({"ModelPackageName": arn}));
    assert!(error.contains("ARN should be scoped to correct region: us-east-1"), "{error}");
    let error = aws
        .rejection("UpdateModelPackage", json!({"ModelPackageArn": arn, "ModelApprovalStatus": "approved"}));
    assert!(error.contains("[PendingManualApproval, Approved, Rejected]"), "{error}");
}
