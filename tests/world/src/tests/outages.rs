//! What becomes of an endpoint that serves: by itself, and by hand.

use serde_json::{Value, json};

use super::TestWorld;
use crate::Outage;

const STATE: &str = "SageMaker Endpoint State Change";

fn described(aws: &mut TestWorld) -> Value {
    aws.call("DescribeEndpoint", json!({"EndpointName": "churn"}))
}

#[test]
fn an_endpoint_that_serves_can_fail_and_then_only_be_deleted() {
    let mut aws = TestWorld::new();
    aws.endpoint(1);
    aws.outage(Outage::Failed, Some("the container exited"));
    assert_eq!(aws.details(STATE, "/EndpointStatus"), ["FAILED"]);
    assert_eq!(aws.details(STATE, "/FailureReason"), ["the container exited"]);
    assert_eq!(described(&mut aws)["EndpointStatus"], "Failed");
    let update = json!({"EndpointName": "churn", "EndpointConfigName": "churn-c2"});
    assert!(aws.rejection("UpdateEndpoint", update).contains("Cannot update failed endpoint"));
    aws.call("DeleteEndpoint", json!({"EndpointName": "churn"}));
    aws.run_until_idle();
    assert_eq!(aws.details(STATE, "/EndpointStatus"), ["FAILED", "DELETING", "DELETED"]);
    assert!(
        aws.rejection("DescribeEndpoint", json!({"EndpointName": "churn"}))
            .contains("Could not find endpoint")
    );
}

#[test]
fn an_outage_and_a_maintenance_end_with_the_same_configuration() {
    for (outage, status) in
        [(Outage::OutOfService, "OUT_OF_SERVICE"), (Outage::Maintenance, "SYSTEM_UPDATING")]
    {
        let mut aws = TestWorld::new();
        aws.endpoint(1);
        let before = described(&mut aws);
        aws.outage(outage, None);
        aws.outage(Outage::Over, None);
        assert_eq!(aws.details(STATE, "/EndpointStatus"), [status, "IN_SERVICE"]);
        let after = described(&mut aws);
        for same in ["EndpointConfigName", "CreationTime", "EndpointStatus"] {
            assert_eq!(before[same], after[same], "{same}");
        }
    }
}

#[test]
fn an_endpoint_in_maintenance_cannot_be_deleted() {
    let mut aws = TestWorld::new();
    aws.endpoint(1);
    aws.outage(Outage::Maintenance, None);
    assert!(aws.rejection("DeleteEndpoint", json!({"EndpointName": "churn"})).contains("in-progress"));
}

#[test]
fn an_update_by_hand_leaves_another_configuration_in_the_events() {
    let mut aws = TestWorld::new();
    aws.endpoint(1);
    aws.call("UpdateEndpoint", json!({"EndpointName": "churn", "EndpointConfigName": "churn-c2"}));
    aws.run_until_idle();
    assert_eq!(aws.details(STATE, "/EndpointConfigName").last().unwrap(), "churn-c2");
    assert_eq!(described(&mut aws)["EndpointConfigName"], "churn-c2");
}

#[test]
fn a_component_that_serves_can_fail_and_no_event_tells() {
    let mut aws = TestWorld::new();
    aws.component();
    aws.run_until_idle();
    let events = aws.emissions.len();
    assert!(aws.world.component_outage(&TestWorld::place(), "churn-ic", "the container exited", aws.now));
    aws.run_until_idle();
    let found = aws.call("DescribeInferenceComponent", json!({"InferenceComponentName": "churn-ic"}));
    assert_eq!(found["InferenceComponentStatus"], "Failed");
    assert_eq!(found["FailureReason"], "the container exited");
    let of_component =
        aws.emissions.iter().skip(events).filter(|told| format!("{told:?}").contains("churn-ic"));
    assert_eq!(of_component.count(), 0);
}
