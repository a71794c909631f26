use serde_json::{Value, json};

use super::TestWorld;

const STATE: &str = "SageMaker Endpoint State Change";
const DEPLOYMENT: &str = "SageMaker Endpoint Deployment State Change";

fn canary() -> Value {
    json!({
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"Type": "CANARY", "WaitIntervalInSeconds": 600,
                                            "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1}},
            "TerminationWaitInSeconds": 300,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "churn-5xx"}]},
    })
}

fn update(aws: &mut TestWorld, deployment: Value) {
    aws.call(
        "UpdateEndpoint",
        json!({"EndpointName": "churn", "EndpointConfigName": "churn-c2", "DeploymentConfig": deployment}),
    );
}

fn described(aws: &mut TestWorld) -> Value {
    aws.call("DescribeEndpoint", json!({"EndpointName": "churn"}))
}

#[test]
fn a_canary_bakes_before_the_remaining_capacity_gets_traffic() {
    let mut aws = TestWorld::new();
    aws.endpoint(3);
    update(&mut aws, canary());
    let began = aws.now;
    aws.run_until_idle();
    let says = aws
        .details(DEPLOYMENT, "/PendingDeploymentSummary/ProductionVariants/0/VariantStatus/0/StatusMessage");
    assert_eq!(
        says,
        [
            "Launching 1 instance(s).",
            "Activating traffic on canary capacity of 1 instance(s).",
            "Baking for 600 seconds (TerminationWaitInSeconds) with traffic enabled on canary capacity of 1 instance(s).",
            "Launching 2 instance(s).",
            "Activating traffic on full capacity of 3 instance(s).",
            "Baking for 300 seconds (TerminationWaitInSeconds) with traffic enabled on full capacity of 3 instance(s).",
        ]
    );
    // Five stages of 90 s that are not the wait for a baking to end, and the two bakings.
    assert_eq!(aws.now.duration_since(began).as_secs(), 90 * 3 + 600 + 90 * 2 + 300);
    // The configuration in an event is the one that runs, so it changes with the last event only.
    assert_eq!(aws.details(STATE, "/EndpointConfigName"), ["churn-c1", "churn-c1", "churn-c1", "churn-c2"]);
    assert_eq!(aws.details(STATE, "/EndpointStatus"), ["UPDATING", "UPDATING", "UPDATING", "IN_SERVICE"]);
    assert_eq!(aws.events(STATE).last().unwrap().copies, 2);
    assert_eq!(described(&mut aws)["EndpointConfigName"], "churn-c2");
}

#[test]
fn an_update_can_roll_back_without_a_reason() {
    let mut aws = TestWorld::new();
    aws.endpoint(2);
    aws.inject_fault(
        json!({"kind": "roll_back_update", "account": null, "endpoint": "churn", "reason": null}),
    );
    update(&mut aws, Value::Null);
    aws.run_until_idle();
    let endpoint = described(&mut aws);
    assert_eq!(
        (&endpoint["EndpointStatus"], &endpoint["EndpointConfigName"]),
        (&json!("InService"), &json!("churn-c1"))
    );
    assert!(endpoint.get("FailureReason").is_none() && endpoint.get("PendingDeploymentSummary").is_none());
    assert_eq!(aws.details(STATE, "/EndpointStatus").last().unwrap(), "IN_SERVICE");
    assert_eq!(aws.details(STATE, "/EndpointConfigName").last().unwrap(), "churn-c1");
    update(&mut aws, Value::Null);
    aws.run_until_idle();
    assert_eq!(described(&mut aws)["EndpointConfigName"], "churn-c2");
}

#[test]
fn an_alarm_rolls_back_the_deployment_that_it_guards() {
    let mut aws = TestWorld::new();
    aws.endpoint(2);
    update(&mut aws, canary());
    aws.wait(400);
    aws.world.alarm_fired(&TestWorld::place(), "another", aws.now);
    assert_eq!(described(&mut aws)["PendingDeploymentSummary"]["EndpointConfigName"], "churn-c2");
    aws.world.alarm_fired(&TestWorld::place(), "churn-5xx", aws.now);
    aws.run_until_idle();
    let endpoint = described(&mut aws);
    assert_eq!(endpoint["EndpointConfigName"], "churn-c1");
    assert_eq!(
        endpoint["FailureReason"],
        "One or more configured alarm(s) went into ALARM state: [churn-5xx]"
    );
}

#[test]
fn invalid_endpoint_requests_are_rejected() {
    let mut aws = TestWorld::new();
    aws.endpoint(1);
    let update_to = |config: &str| json!({"EndpointName": "churn", "EndpointConfigName": config});
    assert!(aws.rejection("UpdateEndpoint", update_to("churn-c1")).contains("already in use"));
    assert!(
        aws.rejection("UpdateEndpoint", update_to("nope")).contains("Could not find endpoint configuration")
    );
    let serverless =
        json!({"ModelName": "churn-1", "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 1}});
    aws.config("less", serverless.clone(), json!({}));
    assert!(aws.rejection("UpdateEndpoint", update_to("less")).contains("serverless"));
    let capture = json!({"DataCaptureConfig": {"EnableCapture": true}});
    assert!(aws.try_config("x", serverless, capture).unwrap_err().message.contains("DataCaptureConfig"));
    let isolated = json!({"VpcConfig": {"Subnets": ["subnet-a"], "SecurityGroupIds": ["sg-a"]}});
    let one = json!({"ModelName": "churn-1", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1});
    let refused = aws.try_config("x", one, isolated).unwrap_err().message;
    assert!(refused.contains("only for endpoints with inference components"), "{refused}");
    let nvme = json!({"ModelName": "churn-1", "InstanceType": "ml.g5.xlarge", "InitialInstanceCount": 1});
    let refused = aws.try_config("x", nvme.clone(), json!({"KmsKeyId": "alias/churn"})).unwrap_err().message;
    assert_eq!(refused, "KMS key is not supported for NVMe instance storage");
    let mut large = nvme;
    large["VolumeSizeInGB"] = json!(100);
    assert!(aws.try_config("x", large, json!({})).unwrap_err().message.contains("VolumeSizeInGB"));
    let none = json!({"ModelName": "churn-1", "InitialInstanceCount": 0});
    assert!(aws.try_config("x", none.clone(), json!({})).unwrap_err().message.contains("at least 1"));
    aws.config("queue", none, json!({"AsyncInferenceConfig": {"OutputConfig": {}}}));
    aws.call("UpdateEndpoint", update_to("churn-c2"));
    assert!(
        aws.rejection("UpdateEndpoint", update_to("queue")).contains("Cannot update in-progress endpoint")
    );
    assert!(aws.rejection("DeleteEndpoint", json!({"EndpointName": "churn"})).contains("in-progress"));
    aws.run_until_idle();
    // A configuration can be deleted under an endpoint; that endpoint can then not be updated.
    aws.call("DeleteEndpointConfig", json!({"EndpointConfigName": "churn-c2"}));
    assert!(aws.rejection("UpdateEndpoint", update_to("churn-c1")).contains("churn-c2"));
}

#[test]
fn a_creation_can_fail_and_the_endpoint_can_then_be_deleted() {
    let mut aws = TestWorld::new();
    aws.endpoint(1);
    aws.inject_fault(
        json!({"kind": "fail_endpoint_creation", "account": null, "endpoint": "b", "reason": "no capacity"}),
    );
    aws.call("CreateEndpoint", json!({"EndpointName": "b", "EndpointConfigName": "churn-c1"}));
    aws.run_until_idle();
    let endpoint = aws.world.snapshot().endpoint(super::STAGING, "b").cloned().unwrap();
    assert_eq!((endpoint.status.as_str(), endpoint.failure.as_deref()), ("Failed", Some("no capacity")));
    let update = json!({"EndpointName": "b", "EndpointConfigName": "churn-c2"});
    assert!(aws.rejection("UpdateEndpoint", update).contains("Cannot update failed endpoint"));
    aws.call("DeleteEndpoint", json!({"EndpointName": "b"}));
    aws.run_until_idle();
    assert_eq!(aws.details(STATE, "/EndpointStatus"), ["CREATING", "FAILED", "DELETING", "DELETED"]);
    assert!(
        aws.rejection("DescribeEndpoint", json!({"EndpointName": "b"})).contains("Could not find endpoint")
    );
}

#[test]
fn a_linear_update_shifts_step_by_step() {
    let mut aws = TestWorld::new();
    aws.endpoint(4);
    let linear = json!({"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {
        "Type": "LINEAR", "WaitIntervalInSeconds": 60, "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 50}}}});
    update(&mut aws, linear);
    aws.run_until_idle();
    let says =
        aws.details(DEPLOYMENT, "/PendingDeploymentSummary/ProductionVariants/0/VariantStatus/0/Status");
    assert_eq!(says, ["Creating", "ActivatingTraffic", "Baking", "Creating", "ActivatingTraffic"]);
}

#[test]
fn a_tag_is_resolved_to_its_digest_when_the_endpoint_is_made() {
    let mut aws = TestWorld::new();
    aws.endpoint(1);
    let resolved = |aws: &mut TestWorld| {
        let found = described(aws);
        let image = found["ProductionVariants"][0]["DeployedImages"][0].clone();
        let name = image["SpecifiedImage"].as_str().unwrap().to_owned();
        (name, image["ResolvedImage"].as_str().unwrap().to_owned())
    };
    let (image, before) = resolved(&mut aws);
    assert!(before.contains("@sha256:"), "{before}");
    aws.inject_fault(json!({"kind": "move_image_tag", "image": image}));
    assert_eq!(resolved(&mut aws).1, before, "what runs stays");
    aws.call("UpdateEndpoint", json!({"EndpointName": "churn", "EndpointConfigName": "churn-c2"}));
    aws.run_until_idle();
    assert_ne!(resolved(&mut aws).1, before, "a new fleet resolves the tag again");
}
