//! What AWS refuses for good, and what is not safe any more at the last moment, is decided upon like any event.

use std::pin::pin;

use serde_json::json;
use tidegate_engine::{ActionStatus, Class};
use tidegate_testkit::{CallFault, poll_once};

use super::stage::{DEFINITION, HUB, STAGING, Stage, error, said};

const REFUSED: CallFault = CallFault::Rejected(Class::Permanent);
const REQUESTED: &str = "Deployment Requested";

#[test]
fn a_refused_start_is_on_record_and_people_are_told_once() {
    let stage = Stage::new();
    let push = &stage.push(DEFINITION)[0];
    stage.cloud.faults.inject("CreatePipeline", REFUSED);
    assert_eq!(said(&stage.run(&stage.hub, "train", push)), "reject rejected_by_aws");
    let records = stage.hub.ledger.all_decisions();
    let first = records.iter().find(|record| record.reason == "commit").expect("what was decided first");
    let second = records.iter().find(|record| record.reason == "rejected_by_aws").expect("what followed");
    assert_eq!(records, [first.clone(), second.clone()], "what follows comes after");
    assert_eq!(first.outcomes.len(), 1, "the rest of the plan was left");
    assert_eq!(first.outcomes[0].status, ActionStatus::Rejected);
    assert_eq!(second.caused_by.as_ref(), Some(&first.id));
    assert!(second.message.contains("CreatePipeline"), "{}", second.message);
    assert_eq!((stage.executions("churn-train"), stage.account(HUB).alerts().len()), (0, 1));
    assert_eq!(stage.account(HUB).published("Decision Recorded").len(), 2);
    assert_eq!(said(&stage.run(&stage.hub, "train", push)), "duplicate");
    assert_eq!(stage.account(HUB).alerts().len(), 1);
}

#[test]
fn a_deployment_that_sagemaker_refuses_is_reported_as_failed() {
    let stage = Stage::new();
    stage.register(1);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    let request = stage.sent(HUB, REQUESTED).remove(0);
    stage.cloud.faults.inject("CreateEndpoint", REFUSED);
    assert_eq!(said(&stage.run(&stage.staging, "deploy", &request)), "failed rejected_by_aws");
    let report = stage.sent(STAGING, "Deployment Finished").remove(0);
    assert_eq!(said(&stage.run(&stage.hub, "promote", &report)), "stop environment_failed");
    assert_eq!(stage.account(HUB).alerts().len(), 1);
}

#[test]
fn a_courtesy_that_is_refused_after_a_refusal_stops_nothing() {
    let stage = Stage::new();
    stage.register(1);
    let approved = &stage.says("Approved", 1)[0];
    stage.cloud.faults.inject("PutEvents", REFUSED);
    stage.cloud.faults.inject("UpdateModelPackage", REFUSED);
    assert_eq!(said(&stage.run(&stage.hub, "promote", approved)), "stop rejected_by_aws");
    assert!(stage.cloud.faults.are_used_up(), "the note was refused as well");
    let records = stage.hub.ledger.all_decisions();
    let last = records.iter().find(|record| record.caused_by.is_some()).expect("what followed");
    let fates: Vec<ActionStatus> = last.outcomes.iter().map(|outcome| outcome.status).collect();
    assert_eq!(fates, [ActionStatus::Done, ActionStatus::Rejected]);
    assert_eq!(stage.account(HUB).alerts().len(), 1);
}

#[test]
fn an_alert_that_is_refused_fails_so_that_the_queue_has_it() {
    let stage = Stage::new();
    stage.register(1);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    let rejected = &stage.says("Rejected", 1)[0];
    stage.cloud.faults.inject("Publish", REFUSED);
    assert_eq!(error(stage.invoke(&stage.hub, "promote", rejected, "one")), "Permanent");
    assert_eq!(
        said(&stage.invoke(&stage.hub, "promote", rejected, "one").unwrap().unwrap()),
        "stop rejected"
    );
    assert_eq!(stage.account(HUB).alerts().len(), 1);
}

#[test]
fn an_approval_that_is_withdrawn_at_the_last_moment_requests_nothing() {
    let stage = Stage::new();
    stage.register(1);
    let approved = &stage.says("Approved", 1)[0];
    stage.hub.ledger.faults.inject("record", CallFault::Pause);
    let mut slow = pin!(stage.hub.invoke("promote", approved, "slow", stage.now()));
    assert!(poll_once(slow.as_mut()).is_none());
    stage.says("Rejected", 1);
    assert_eq!(said(&poll_once(slow).unwrap().unwrap()), "stop approval_withdrawn");
    assert_eq!(stage.sent(HUB, REQUESTED).len(), 0);
}

#[test]
fn an_endpoint_that_somebody_else_changes_is_left_alone_until_it_is_ready() {
    let stage = Stage::new();
    stage.register(2);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    let first = stage.sent(HUB, REQUESTED).remove(0);
    stage.deploy(&first);
    let running = json!({"EndpointConfigName": stage.config(STAGING, "churn-staging").unwrap()});
    let running = stage.account(STAGING).ask("sagemaker", "DescribeEndpointConfig", &running).unwrap();
    let by_hand =
        json!({"EndpointConfigName": "by-hand", "ProductionVariants": running["ProductionVariants"]});
    stage.account(STAGING).ask("sagemaker", "CreateEndpointConfig", &by_hand).unwrap();
    stage.run(&stage.hub, "promote", &stage.says("Approved", 2)[0]);
    let second = stage.sent(HUB, REQUESTED).remove(0);
    stage.staging.ledger.faults.inject("record", CallFault::Pause);
    let mut slow = pin!(stage.staging.invoke("deploy", &second, "slow", stage.now()));
    assert!(poll_once(slow.as_mut()).is_none());
    let update = json!({"EndpointName": "churn-staging", "EndpointConfigName": "by-hand"});
    stage.account(STAGING).ask("sagemaker", "UpdateEndpoint", &update).unwrap();
    assert_eq!(said(&poll_once(slow).unwrap().unwrap()), "wait endpoint_busy");
    stage.pass(900);
    let look = &stage.account(STAGING).take_due()[0];
    let again = super::stage::fired(&look.input);
    assert_eq!(said(&stage.run(&stage.staging, "deploy", &again)), "apply requested");
}

#[test]
fn a_plan_that_another_invocation_took_over_is_not_carried_out_twice() {
    let stage = Stage::new();
    stage.register(1);
    stage.says("Approved", 1);
    let request = stage.request(1, "r1");
    stage.cloud.faults.inject("CreateEndpointConfig", CallFault::Pause);
    let mut slow = pin!(stage.staging.invoke("deploy", &request, "slow", stage.now()));
    assert!(poll_once(slow.as_mut()).is_none());
    stage.pass(181);
    assert_eq!(said(&stage.run(&stage.staging, "deploy", &request)), "apply requested");
    let Some(Err(failed)) = poll_once(slow) else { panic!("it is another's") };
    assert_eq!(failed.kind(), "LeaseLost");
    assert_eq!(stage.staging.ledger.all_decisions().len(), 1);
}

#[test]
fn a_policy_that_cannot_be_read_is_not_the_others_business() {
    let other =
        super::stage::CHURN.replace("model: churn", "model: other").replace("churn-train", "other-train");
    let parse = |name: &str, text: &str| tidegate_policy::file::parse(name, text).unwrap();
    let stage = Stage::with(&[parse("churn", super::stage::CHURN), parse("other", &other)]);
    stage.push(DEFINITION).iter().for_each(|push| {
        stage.run(&stage.hub, "train", push);
    });
    stage.push(&format!("{DEFINITION}\n"));
    stage.hub.ledger.faults.inject("policy", REFUSED);
    let sweep = super::stage::reconcile(stage.now());
    assert_eq!(error(stage.invoke(&stage.hub, "train", &sweep, "one")), "Permanent");
    assert_eq!((stage.executions("churn-train"), stage.executions("other-train")), (1, 2));
}

#[test]
fn a_policy_that_cannot_be_read_does_not_keep_a_named_event_from_the_others() {
    let other =
        super::stage::CHURN.replace("model: churn", "model: other").replace("churn-train", "other-train");
    let parse = |name: &str, text: &str| tidegate_policy::file::parse(name, text).unwrap();
    let stage = Stage::with(&[parse("churn", super::stage::CHURN), parse("other", &other)]);
    let push = &stage.push(DEFINITION)[0];
    stage.hub.ledger.faults.inject("policy", REFUSED);
    assert_eq!(error(stage.invoke(&stage.hub, "train", push, "one")), "Permanent");
    assert_eq!((stage.executions("churn-train"), stage.executions("other-train")), (0, 1));
    // The retry finds the other one done.
    assert!(stage.invoke(&stage.hub, "train", push, "one").unwrap().is_ok());
    assert_eq!((stage.executions("churn-train"), stage.executions("other-train")), (1, 1));
}

#[test]
fn a_claim_that_is_lost_before_the_decision_is_written_ends_the_invocation() {
    let stage = Stage::new();
    stage.register(1);
    let approved = &stage.says("Approved", 1)[0];
    stage.hub.ledger.faults.inject("record", CallFault::Pause);
    let mut slow = pin!(stage.hub.invoke("promote", approved, "slow", stage.now()));
    assert!(poll_once(slow.as_mut()).is_none());
    stage.pass(181);
    assert_eq!(said(&stage.run(&stage.hub, "promote", approved)), "deploy approved");
    let Some(Err(failed)) = poll_once(slow) else { panic!("it is another's") };
    assert_eq!(failed.kind(), "LeaseLost");
    assert_eq!(stage.hub.ledger.all_decisions().len(), 1);
}
