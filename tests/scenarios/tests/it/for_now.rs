//! What AWS rejects only for now is tried again, and fails nothing.

use serde_json::{Value, json};
use tidegate_engine::Class;
use tidegate_testkit::CallFault;

use super::stage::{DEFINITION, HUB, STAGING, Stage, error, fired, said};

const REQUESTED: &str = "Deployment Requested";
const FINISHED: &str = "Deployment Finished";

fn inject(stage: &Stage, fault: Value) {
    stage.cloud.with_world(|world, _| world.inject_fault(serde_json::from_value(fault).unwrap()));
}

/// The next scheduled checks of deploy, until nothing waits any more; what they said.
fn checks(stage: &Stage) -> Vec<String> {
    let mut told = Vec::new();
    for _ in 0..60 {
        stage.pass(60);
        for check in stage.account(STAGING).take_due() {
            told.push(said(&stage.run(&stage.staging, "deploy", &fired(&check.input))));
        }
    }
    told
}

fn requested(stage: &Stage) -> tidegate_events::Event {
    stage.register(1);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    stage.sent(HUB, REQUESTED).remove(0)
}

#[test]
fn a_deployment_waits_until_what_it_made_is_visible() {
    let stage = Stage::new();
    let request = requested(&stage);
    // The model and the configuration; the ports of this test do not retry within the invocation.
    inject(&stage, json!({"kind": "not_visible", "account": STAGING, "name": null, "reads": 2, "times": 2}));
    assert_eq!(said(&stage.run(&stage.staging, "deploy", &request)), "wait not_visible_yet");
    let told = checks(&stage);
    assert_eq!(
        told[..4],
        ["wait not_visible_yet", "wait not_visible_yet", "wait not_visible_yet", "apply requested"]
    );
    assert_eq!(stage.sent(STAGING, FINISHED).len(), 0, "it is under way, and nothing has failed");
    let sweep = super::stage::reconcile(stage.now());
    assert_eq!(said(&stage.run(&stage.staging, "deploy", &sweep)), "succeeded answered");
    assert_eq!((stage.sent(STAGING, FINISHED).len(), stage.account(STAGING).alerts().len()), (1, 0));
}

#[test]
fn what_never_becomes_visible_has_failed_after_ten_minutes() {
    let stage = Stage::new();
    let request = requested(&stage);
    inject(
        &stage,
        json!({"kind": "not_visible", "account": STAGING, "name": null, "reads": 1000, "times": 1}),
    );
    assert_eq!(said(&stage.run(&stage.staging, "deploy", &request)), "wait not_visible_yet");
    let told = checks(&stage);
    assert_eq!(told.len(), 10, "{told:?}");
    assert_eq!(told.last().unwrap(), "failed never_visible");
    let report = stage.sent(STAGING, FINISHED).remove(0);
    assert_eq!(said(&stage.run(&stage.hub, "promote", &report)), "stop environment_failed");
    let alert = stage.account(HUB).alerts().remove(0);
    assert!(alert.message.contains("Could not find model"), "{}", alert.message);
}

#[test]
fn a_deployment_that_meets_another_change_is_made_after_it() {
    let stage = Stage::new();
    stage.register(2);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    let first = stage.sent(HUB, REQUESTED).remove(0);
    stage.deploy(&first);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 2)[0]);
    let second = stage.sent(HUB, REQUESTED).remove(0);
    let message = "Cannot update in-progress endpoint \"arn:aws:sagemaker:us-east-1:444455556666:endpoint/churn-staging\".";
    inject(
        &stage,
        json!({"kind": "reject_call", "account": STAGING, "operation": "UpdateEndpoint", "message": message}),
    );
    assert_eq!(said(&stage.run(&stage.staging, "deploy", &second)), "wait other_change");
    assert_eq!(checks(&stage)[0], "apply requested");
    assert_eq!(stage.sent(STAGING, FINISHED).len(), 0);
}

#[test]
fn a_container_that_loads_its_model_is_asked_again() {
    let stage = Stage::new();
    let request = requested(&stage);
    let slow = json!({"kind": "slow_start", "account": STAGING, "target": "churn-staging", "answer": "timed_out",
        "seconds": 600});
    inject(&stage, slow);
    stage.run(&stage.staging, "deploy", &request);
    stage.pass(300);
    let sweep = super::stage::reconcile(stage.now());
    let told = said(&stage.run(&stage.staging, "deploy", &sweep));
    assert_eq!(told, "wait awaiting_sample");
    let told = checks(&stage);
    assert_eq!(told.last().unwrap(), "succeeded answered", "{told:?}");
}

#[test]
fn a_start_that_comes_too_early_is_repeated_with_its_event() {
    for class in [Class::TooEarly, Class::Busy] {
        let stage = Stage::new();
        let push = &stage.push(DEFINITION)[0];
        stage.cloud.faults.inject("StartPipelineExecution", CallFault::Rejected(class));
        assert_eq!(error(stage.invoke(&stage.hub, "train", push, "one")), format!("{class:?}"));
        assert_eq!((stage.executions("churn-train"), stage.account(HUB).alerts().len()), (0, 0));
        assert_eq!(said(&stage.invoke(&stage.hub, "train", push, "one").unwrap().unwrap()), "start commit");
        assert_eq!(stage.executions("churn-train"), 1);
    }
}
