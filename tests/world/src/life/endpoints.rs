use serde_json::{Value, json};

use super::Life;

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

fn update(life: &mut Life, deployment: Value) {
    life.call(
        "UpdateEndpoint",
        json!({"EndpointName": "churn", "EndpointConfigName": "churn-c2", "DeploymentConfig": deployment}),
    );
}

fn described(life: &mut Life) -> Value {
    life.call("DescribeEndpoint", json!({"EndpointName": "churn"}))
}

#[test]
fn a_canary_bakes_then_the_rest_follows() {
    let mut life = Life::new();
    life.endpoint(3);
    update(&mut life, canary());
    let began = life.now;
    life.settle();
    let says = life
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
    assert_eq!(life.now.duration_since(began).as_secs(), 90 * 3 + 600 + 90 * 2 + 300);
    // The configuration in an event is the one that runs, so it changes with the last event only.
    assert_eq!(life.details(STATE, "/EndpointConfigName"), ["churn-c1", "churn-c1", "churn-c1", "churn-c2"]);
    assert_eq!(life.details(STATE, "/EndpointStatus"), ["UPDATING", "UPDATING", "UPDATING", "IN_SERVICE"]);
    assert_eq!(life.events(STATE).last().unwrap().copies, 2);
    assert_eq!(described(&mut life)["EndpointConfigName"], "churn-c2");
}

#[test]
fn an_update_can_roll_back_without_a_word() {
    let mut life = Life::new();
    life.endpoint(2);
    life.mischief(json!({"kind": "roll_back_update", "account": null, "endpoint": "churn", "reason": null}));
    update(&mut life, Value::Null);
    life.settle();
    let endpoint = described(&mut life);
    assert_eq!(
        (&endpoint["EndpointStatus"], &endpoint["EndpointConfigName"]),
        (&json!("InService"), &json!("churn-c1"))
    );
    assert!(endpoint.get("FailureReason").is_none() && endpoint.get("PendingDeploymentSummary").is_none());
    assert_eq!(life.details(STATE, "/EndpointStatus").last().unwrap(), "IN_SERVICE");
    assert_eq!(life.details(STATE, "/EndpointConfigName").last().unwrap(), "churn-c1");
    update(&mut life, Value::Null);
    life.settle();
    assert_eq!(described(&mut life)["EndpointConfigName"], "churn-c2");
}

#[test]
fn an_alarm_rolls_back_the_deployment_that_it_guards() {
    let mut life = Life::new();
    life.endpoint(2);
    update(&mut life, canary());
    life.pass(400);
    life.world.alarm_fired(&Life::place(), "another", life.now);
    assert_eq!(described(&mut life)["PendingDeploymentSummary"]["EndpointConfigName"], "churn-c2");
    life.world.alarm_fired(&Life::place(), "churn-5xx", life.now);
    life.settle();
    let endpoint = described(&mut life);
    assert_eq!(endpoint["EndpointConfigName"], "churn-c1");
    assert_eq!(
        endpoint["FailureReason"],
        "One or more configured alarm(s) went into ALARM state: [churn-5xx]"
    );
}

#[test]
fn what_sagemaker_refuses_is_refused() {
    let mut life = Life::new();
    life.endpoint(1);
    let update_to = |config: &str| json!({"EndpointName": "churn", "EndpointConfigName": config});
    assert!(life.refusal("UpdateEndpoint", update_to("churn-c1")).contains("already in use"));
    assert!(
        life.refusal("UpdateEndpoint", update_to("nope")).contains("Could not find endpoint configuration")
    );
    let serverless =
        json!({"ModelName": "churn-1", "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 1}});
    life.config("less", serverless.clone(), json!({}));
    assert!(life.refusal("UpdateEndpoint", update_to("less")).contains("serverless"));
    let capture = json!({"DataCaptureConfig": {"EnableCapture": true}});
    assert!(life.try_config("x", serverless, capture).unwrap_err().message.contains("DataCaptureConfig"));
    let none = json!({"ModelName": "churn-1", "InitialInstanceCount": 0});
    assert!(life.try_config("x", none.clone(), json!({})).unwrap_err().message.contains("at least 1"));
    life.config("queue", none, json!({"AsyncInferenceConfig": {"OutputConfig": {}}}));
    life.call("UpdateEndpoint", update_to("churn-c2"));
    assert!(
        life.refusal("UpdateEndpoint", update_to("queue")).contains("Cannot update in-progress endpoint")
    );
    assert!(life.refusal("DeleteEndpoint", json!({"EndpointName": "churn"})).contains("in-progress"));
    life.settle();
    // A configuration can be deleted under an endpoint; that endpoint can then not be updated.
    life.call("DeleteEndpointConfig", json!({"EndpointConfigName": "churn-c2"}));
    assert!(life.refusal("UpdateEndpoint", update_to("churn-c1")).contains("churn-c2"));
}

#[test]
fn a_creation_can_fail_and_the_endpoint_can_then_be_deleted() {
    let mut life = Life::new();
    life.endpoint(1);
    life.mischief(
        json!({"kind": "fail_endpoint_creation", "account": null, "endpoint": "b", "reason": "no capacity"}),
    );
    life.call("CreateEndpoint", json!({"EndpointName": "b", "EndpointConfigName": "churn-c1"}));
    life.settle();
    let endpoint = life.world.snapshot().endpoint(super::STAGING, "b").cloned().unwrap();
    assert_eq!((endpoint.status.as_str(), endpoint.failure.as_deref()), ("Failed", Some("no capacity")));
    let update = json!({"EndpointName": "b", "EndpointConfigName": "churn-c2"});
    assert!(life.refusal("UpdateEndpoint", update).contains("Cannot update failed endpoint"));
    life.call("DeleteEndpoint", json!({"EndpointName": "b"}));
    life.settle();
    assert_eq!(life.details(STATE, "/EndpointStatus"), ["CREATING", "FAILED", "DELETING", "DELETED"]);
    assert!(
        life.refusal("DescribeEndpoint", json!({"EndpointName": "b"})).contains("Could not find endpoint")
    );
}

#[test]
fn a_linear_update_shifts_step_by_step() {
    let mut life = Life::new();
    life.endpoint(4);
    let linear = json!({"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {
        "Type": "LINEAR", "WaitIntervalInSeconds": 60, "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 50}}}});
    update(&mut life, linear);
    life.settle();
    let says =
        life.details(DEPLOYMENT, "/PendingDeploymentSummary/ProductionVariants/0/VariantStatus/0/Status");
    assert_eq!(says, ["Creating", "ActivatingTraffic", "Baking", "Creating", "ActivatingTraffic"]);
}
