//! Instance types, quotas, and the copies that instances hold.

use serde_json::{Value, json};

use super::{STAGING, TestWorld};
use crate::services::sagemaker::placement::NO_ROOM;

/// Calls `CreateInferenceComponent` on an endpoint with at most two instances of a type, and waits for the end.
fn component(aws: &mut TestWorld, instance_type: &str, needs: Value, copies: i64) -> Result<(), String> {
    aws.call("CreateModel", json!({"ModelName": "llm", "PrimaryContainer": {"Image": "image"}}));
    aws.call("CreateModel", json!({"ModelName": "llm-2", "PrimaryContainer": {"Image": "image"}}));
    let scaling = json!({"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 2});
    let role = json!({"ExecutionRoleArn": "arn:aws:iam::444455556666:role/llm"});
    let variant =
        json!({"InitialInstanceCount": 1, "InstanceType": instance_type, "ManagedInstanceScaling": scaling});
    aws.config("gpu-c1", variant, role);
    aws.call("CreateEndpoint", json!({"EndpointName": "gpu", "EndpointConfigName": "gpu-c1"}));
    aws.run_until_idle();
    let create = json!({
        "InferenceComponentName": "llm", "EndpointName": "gpu", "VariantName": "main",
        "Specification": {"ModelName": "llm", "ComputeResourceRequirements": needs}, "RuntimeConfig": {"CopyCount": copies},
    });
    aws.try_call("CreateInferenceComponent", create).map_err(|error| error.message)?;
    aws.run_until_idle();
    Ok(())
}

fn described(aws: &mut TestWorld) -> (String, i64, String) {
    let found = aws.call("DescribeInferenceComponent", json!({"InferenceComponentName": "llm"}));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let copies = found["RuntimeConfig"]["CurrentCopyCount"].as_i64().unwrap();
    (text(&found["InferenceComponentStatus"]), copies, text(&found["FailureReason"]))
}

#[test]
fn an_instance_has_less_room_than_memory() {
    for (memory, expected) in [(1024, ("InService", 1, "")), (4096, ("Failed", 0, NO_ROOM))] {
        let mut aws = TestWorld::new();
        let needs = json!({"MinMemoryRequiredInMb": memory, "NumberOfAcceleratorDevicesRequired": 1});
        component(&mut aws, "ml.g5.xlarge", needs, 1).unwrap();
        let (status, copies, failure) = described(&mut aws);
        assert_eq!((status.as_str(), copies, failure.as_str()), expected, "{memory}");
    }
}

#[test]
fn copies_share_the_accelerators() {
    let mut aws = TestWorld::new();
    let needs = json!({"MinMemoryRequiredInMb": 1024, "NumberOfAcceleratorDevicesRequired": 1});
    component(&mut aws, "ml.g5.xlarge", needs, 2).unwrap();
    assert_eq!(described(&mut aws), ("InService".to_owned(), 2, String::new()));
    assert_eq!(aws.world.snapshot().endpoint(STAGING, "gpu").unwrap().instances, 2);
    // A third copy finds no GPU, and an update none for a second copy of the fleet.
    let more = json!({"InferenceComponentName": "llm", "DesiredRuntimeConfig": {"CopyCount": 3}});
    aws.call("UpdateInferenceComponentRuntimeConfig", more);
    aws.run_until_idle();
    assert_eq!(described(&mut aws), ("InService".to_owned(), 2, NO_ROOM.to_owned()));
    let update = json!({"InferenceComponentName": "llm", "Specification": {"ModelName": "llm-2"}, "RuntimeConfig": {"CopyCount": 1}});
    aws.call("UpdateInferenceComponent", update.clone());
    aws.run_until_idle();
    let model =
        |aws: &TestWorld| aws.world.snapshot().component(STAGING, "llm").unwrap().model.clone().unwrap();
    assert_eq!((described(&mut aws).2.as_str(), model(&aws).as_str()), ("", "llm-2"));
    let again = json!({"InferenceComponentName": "llm", "Specification": {"ModelName": "llm"}, "RuntimeConfig": {"CopyCount": 2}});
    aws.call("UpdateInferenceComponent", again);
    aws.run_until_idle();
    assert_eq!((described(&mut aws).2.as_str(), model(&aws).as_str()), (NO_ROOM, "llm-2"));
}

#[test]
fn accelerators_are_given_where_there_are_some() {
    let without = json!({"MinMemoryRequiredInMb": 1024});
    let with = json!({"MinMemoryRequiredInMb": 1024, "NumberOfAcceleratorDevicesRequired": 1});
    for (instance_type, needs, part) in
        [("ml.g5.xlarge", without, "is required on"), ("ml.m5.large", with, "is not supported on")]
    {
        let refused = component(&mut TestWorld::new(), instance_type, needs, 1).unwrap_err();
        assert!(refused.contains(part), "{refused}");
    }
    let none = component(&mut TestWorld::new(), "ml.m5.large", json!({"MinMemoryRequiredInMb": 1024}), 0);
    assert_eq!(none.unwrap_err(), "Inference components copy count an integer larger than 0");
}

#[test]
fn a_configuration_is_checked_against_the_type_and_the_region() {
    let mut aws = TestWorld::new();
    aws.endpoint(1);
    let refused = |aws: &mut TestWorld, variant: Value| {
        let role = json!({"ExecutionRoleArn": "arn:aws:iam::444455556666:role/llm"});
        aws.try_config("c", variant, role).unwrap_err().message
    };
    let told = refused(
        &mut aws,
        json!({"ModelName": "churn-1", "InstanceType": "ml.t3.medium", "InitialInstanceCount": 1}),
    );
    assert!(told.contains("Value 'ml.t3.medium' at 'productionVariants.1.member.instanceType'"), "{told}");
    let scaling = |min: i64| json!({"Status": "ENABLED", "MinInstanceCount": min, "MaxInstanceCount": 2});
    let with_model =
        json!({"ModelName": "churn-1", "InitialInstanceCount": 1, "ManagedInstanceScaling": scaling(1)});
    let told = refused(&mut aws, with_model);
    assert_eq!(told, "ManagedInstanceScaling is only supported for inference component endpoints.");
    aws.inject_fault(json!({"kind": "no_zero_instances", "region": "us-east-1"}));
    let told = refused(&mut aws, json!({"InitialInstanceCount": 1, "ManagedInstanceScaling": scaling(0)}));
    assert_eq!(told, "Min instance count needs to be greater than 0 for enabled managed instance scaling");
}

#[test]
fn an_update_needs_a_second_fleet_of_the_quota() {
    let mut aws = TestWorld::new();
    aws.endpoint(4);
    aws.inject_fault(
        json!({"kind": "instance_quota", "account": null, "instance_type": "ml.m5.large", "instances": 7}),
    );
    let update = json!({"EndpointName": "churn", "EndpointConfigName": "churn-c2"});
    let told = aws.rejection("UpdateEndpoint", update.clone());
    let expected = "ResourceLimitExceeded: The account-level service limit 'ml.m5.large for endpoint usage' is 7 Instances, \
                    with current utilization of 4 Instances and a request delta of 4 Instances.";
    assert!(told.starts_with(expected), "{told}");
    aws.inject_fault(json!({"kind": "clear"}));
    aws.call("UpdateEndpoint", update);
}

/// An endpoint with two copies of a component, an update of it in batches of one, and the time of the update.
fn updated_in_batches(aws: &mut TestWorld) {
    let needs = json!({"MinMemoryRequiredInMb": 1024});
    component(aws, "ml.m5.large", needs, 2).unwrap();
    aws.call(
        "UpdateInferenceComponent",
        json!({"InferenceComponentName": "llm", "Specification": {"ModelName": "llm-2"}, "DeploymentConfig": {
            "RollingUpdatePolicy": {
                "MaximumBatchSize": {"Type": "COPY_COUNT", "Value": 1}, "WaitIntervalInSeconds": 600,
            },
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
        }}),
    );
}

#[test]
fn batches_of_copies_bake_and_an_alarm_rolls_them_back() {
    for (alarm, model, failure) in [
        (None, "llm-2", ""),
        (Some("other"), "llm-2", ""),
        (Some("errors"), "llm", "One or more configured alarm(s) went into ALARM state: [errors]"),
    ] {
        let mut aws = TestWorld::new();
        updated_in_batches(&mut aws);
        aws.wait(1_000);
        assert_eq!(described(&mut aws).0, "Updating");
        if let Some(alarm) = alarm {
            aws.world.alarm_fired(&TestWorld::place(), alarm, aws.now);
        }
        aws.run_until_idle();
        assert_eq!(described(&mut aws), ("InService".to_owned(), 2, failure.to_owned()));
        let running = aws.world.snapshot().component(STAGING, "llm").unwrap().model.clone();
        assert_eq!(running.as_deref(), Some(model));
    }
}

#[test]
fn a_rolling_update_of_instances_needs_room_for_a_batch() {
    let update = |percent: i64| {
        let size = json!({"Type": "CAPACITY_PERCENT", "Value": percent});
        json!({"EndpointName": "churn", "EndpointConfigName": "churn-c2", "DeploymentConfig": {
            "RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 60},
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}})
    };
    let mut aws = TestWorld::new();
    aws.endpoint(4);
    aws.inject_fault(
        json!({"kind": "instance_quota", "account": null, "instance_type": "ml.m5.large", "instances": 5}),
    );
    assert!(aws.rejection("UpdateEndpoint", update(50)).contains("a request delta of 2 Instances"));
    assert!(aws.rejection("UpdateEndpoint", update(60)).contains("MaximumBatchSize is outside its range"));
    aws.call("UpdateEndpoint", update(25));
    aws.wait(400);
    aws.world.alarm_fired(&TestWorld::place(), "errors", aws.now);
    aws.run_until_idle();
    let endpoint = aws.world.snapshot().endpoint(STAGING, "churn").cloned().unwrap();
    assert_eq!((endpoint.status.as_str(), endpoint.config.as_str()), ("InService", "churn-c1"));
    assert!(endpoint.failure.unwrap().contains("[errors]"));
    aws.call("UpdateEndpoint", update(25));
    aws.run_until_idle();
    assert_eq!(aws.world.snapshot().endpoint(STAGING, "churn").unwrap().config, "churn-c2");
}
