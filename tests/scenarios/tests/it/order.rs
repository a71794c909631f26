//! Events in any order, decisions that were left behind, and what overtook them.

use serde_json::json;
use tidegate_engine::{ActionStatus, Class};
use tidegate_events::{Event, parse};
use tidegate_testkit::CallFault;

use super::stage::{DEFINITION, HUB, PRODUCTION, STAGING, Stage, arn, error, fired, reconcile, said};

const REQUESTED: &str = "Deployment Requested";
const FINISHED: &str = "Deployment Finished";

#[test]
fn a_plan_left_behind_does_not_undo_the_deployment_that_came_after() {
    let stage = Stage::new();
    stage.register(2);
    stage.says("Approved", 1);
    stage.says("Approved", 2);
    stage.deploy(&stage.request(1, "first"));
    // Version 2 is requested, decided and not carried out; then people want version 1 again, and get it.
    let left_behind = stage.request(2, "second");
    stage.cloud.faults.inject("UpdateEndpoint", CallFault::CrashBefore);
    assert_eq!(error(stage.invoke(&stage.staging, "deploy", &left_behind, "dead")), "Died");
    stage.pass(30);
    let wanted = stage.request(1, "third");
    stage.deploy(&wanted);
    let running = stage.config(STAGING, "churn-staging").unwrap();
    assert!(running.contains("-v1-"), "{running}");
    // Out of the dead-letter queue, much later.
    stage.pass(86_400);
    let outcomes = stage.run(&stage.staging, "deploy", &left_behind);
    stage.pass(3_600);
    assert_eq!(stage.config(STAGING, "churn-staging").unwrap(), running, "{}", said(&outcomes));
    let record = &stage.staging.ledger.all_decisions();
    let resumed = record.iter().find(|record| record.event.idempotency_key.contains("second")).unwrap();
    assert!(resumed.outcomes.last().unwrap().detail.starts_with("not done"), "{:?}", resumed.outcomes);
}

#[test]
fn a_failed_deployment_is_not_tried_again_by_a_plan_left_behind() {
    let stage = Stage::new();
    stage.register(1);
    stage.says("Approved", 1);
    let request = stage.request(1, "first");
    stage.cloud.faults.inject("CreateEndpoint", CallFault::CrashBefore);
    assert_eq!(error(stage.invoke(&stage.staging, "deploy", &request, "dead")), "Died");
    stage.says("Rejected", 1);
    let outcomes = stage.run(&stage.staging, "deploy", &reconcile(stage.now()));
    assert_eq!(said(&outcomes), "failed not_approved");
    stage.pass(86_400);
    stage.run(&stage.staging, "deploy", &request);
    assert_eq!(stage.config(STAGING, "churn-staging"), None);
}

#[test]
fn a_request_left_behind_is_not_sent_once_another_version_was_approved() {
    let stage = Stage::new();
    stage.register(2);
    let first = stage.says("Approved", 2).remove(0);
    stage.cloud.faults.inject("PutEvents", CallFault::CrashBefore);
    assert_eq!(error(stage.invoke(&stage.hub, "promote", &first, "dead")), "Died");
    let second = stage.says("Approved", 1).remove(0);
    stage.run(&stage.hub, "promote", &second);
    stage.pass(86_400);
    stage.run(&stage.hub, "promote", &first);
    let sent: Vec<Event> = stage.sent(HUB, REQUESTED);
    assert_eq!(sent.len(), 1);
    assert!(sent[0].idempotency_key().contains("churn-staging-1-"), "{}", sent[0].idempotency_key());
}

#[test]
fn a_request_left_behind_is_sent_if_it_still_stands() {
    let stage = Stage::new();
    stage.register(1);
    let approved = stage.says("Approved", 1).remove(0);
    stage.cloud.faults.inject("PutEvents", CallFault::CrashBefore);
    assert_eq!(error(stage.invoke(&stage.hub, "promote", &approved, "dead")), "Died");
    // Another decision about the model in between, one that changes nothing.
    let request = json!({"ModelPackageArn": arn(1), "CustomerMetadataProperties": {"a": "b"}});
    stage.account(HUB).ask("sagemaker", "UpdateModelPackage", &request).unwrap();
    let metadata = stage.aws("SageMaker Model Package State Change").remove(0);
    assert_eq!(said(&stage.run(&stage.hub, "promote", &metadata)), "ignore metadata_only");
    stage.pass(200);
    assert_eq!(said(&stage.run(&stage.hub, "promote", &approved)), "deploy approved");
    assert_eq!(stage.sent(HUB, REQUESTED).len(), 1);
}

#[test]
fn going_to_zero_is_not_caught_up_with_after_a_wake() {
    let stage = Stage::new();
    component(&stage);
    stage.pass(3 * 86_400);
    let tick = parse(include_bytes!("../../../../events/schedule/scheduled-event.rule.json")).unwrap();
    stage.cloud.faults.inject("RegisterScalableTarget", CallFault::CrashBefore);
    assert_eq!(error(stage.invoke(&stage.production, "scale", &tick, "dead")), "Died");
    let text = include_str!("../../../../events/cloudwatch/alarm.no-capacity-invocation-failures.alarm.json");
    let alarm = parse(text.replace("churn-ic", "churn").as_bytes()).unwrap();
    assert_eq!(said(&stage.run(&stage.production, "scale", &alarm)), "scale_from_zero no_capacity");
    stage.pass(600);
    stage.run(&stage.production, "scale", &tick);
    stage.pass(3_600);
    let copies = stage.cloud.with_world(|world, _| {
        world.snapshot().component(PRODUCTION, "churn").map(|component| component.desired)
    });
    assert_eq!(copies, Some(1));
}

/// A component in production that serves, has served, and is idle.
fn component(stage: &Stage) {
    stage.register(1);
    stage.says("Approved", 1);
    let mut request = stage.request(1, "p1");
    if let tidegate_events::Body::DeploymentRequested(body) = &mut request.body {
        body.environment = "production".to_owned();
        body.environment_account = PRODUCTION.to_owned();
    }
    stage.run(&stage.production, "deploy", &request);
    for _ in 0..4 {
        stage.pass(600);
        stage.run(&stage.production, "deploy", &reconcile(stage.now()));
    }
    let invoke = json!({"EndpointName": "churn", "InferenceComponentName": "churn", "Body": "1"});
    stage.account(PRODUCTION).ask("sagemaker-runtime", "InvokeEndpoint", &invoke).unwrap();
    stage.pass(1);
}

#[test]
fn a_report_that_was_lost_is_given_again_when_the_hub_asks_again() {
    let stage = Stage::new();
    stage.register(1);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    let request = stage.sent(HUB, REQUESTED).remove(0);
    stage.deploy(&request);
    stage.pass(3_600);
    let outcomes = stage.run(&stage.hub, "promote", &reconcile(stage.now()));
    assert_eq!(said(&outcomes), "deploy no_report");
    let again = stage.sent(HUB, REQUESTED).remove(0);
    assert_eq!(said(&stage.run(&stage.staging, "deploy", &again)), "ignore already_reported");
    assert_eq!(said(&stage.run(&stage.staging, "deploy", &again)), "duplicate");
    let reports = stage.sent(STAGING, FINISHED);
    assert_eq!(reports.len(), 1);
    assert_eq!(said(&stage.run(&stage.hub, "promote", &reports[0])), "wait soaking");
}

#[test]
fn an_older_request_that_arrives_last_changes_nothing() {
    let stage = Stage::new();
    stage.register(2);
    stage.says("Approved", 1);
    stage.says("Approved", 2);
    let older = stage.request(2, "older");
    stage.pass(60);
    let newer = stage.request(1, "newer");
    stage.deploy(&newer);
    assert_eq!(said(&stage.run(&stage.staging, "deploy", &older)), "ignore older_request");
    stage.pass(3_600);
    assert!(stage.config(STAGING, "churn-staging").unwrap().contains("-v1-"));
}

#[test]
fn the_same_version_soaks_a_second_time() {
    let stage = Stage::new();
    stage.register(1);
    for (round, approval) in [(1, "Approved"), (2, "Rejected"), (3, "Approved")] {
        let told = stage.says(approval, 1).remove(0);
        stage.run(&stage.hub, "promote", &told);
        if approval == "Rejected" {
            continue;
        }
        let request = stage.sent(HUB, REQUESTED).pop().expect("a request");
        let report = stage.deploy(&request);
        assert_eq!(said(&stage.run(&stage.hub, "promote", &report)), "wait soaking", "{round}");
        stage.pass(1_801);
        let due = stage.account(HUB).take_due();
        assert_eq!(due.len(), 1, "{round}");
        let ended = fired(&due[0].input);
        assert_eq!(said(&stage.run(&stage.hub, "promote", &ended)), "deploy soak_ended", "{round}");
    }
}

#[test]
fn a_rejection_that_arrives_before_the_approval_it_follows_wins() {
    let stage = Stage::new();
    stage.register(1);
    let approved = stage.says("Approved", 1).remove(0);
    let rejected = stage.says("Rejected", 1).remove(0);
    assert_eq!(said(&stage.run(&stage.hub, "promote", &rejected)), "ignore rejected_not_promoting");
    assert_eq!(said(&stage.run(&stage.hub, "promote", &approved)), "ignore approval_withdrawn");
    assert_eq!(stage.sent(HUB, REQUESTED).len(), 0);
}

#[test]
fn an_update_that_rolls_back_silently_stops_the_promotion() {
    let stage = Stage::new();
    stage.register(2);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    let request = stage.sent(HUB, REQUESTED).remove(0);
    stage.run(&stage.hub, "promote", &stage.deploy(&request));
    let fault =
        json!({"kind": "roll_back_update", "account": null, "endpoint": "churn-staging", "reason": null});
    stage.cloud.with_world(|world, _| world.inject_fault(serde_json::from_value(fault).unwrap()));
    stage.run(&stage.hub, "promote", &stage.says("Approved", 2)[0]);
    let request = stage.sent(HUB, REQUESTED).remove(0);
    let report = stage.deploy(&request);
    assert_eq!(said(&stage.run(&stage.hub, "promote", &report)), "stop environment_rolled_back");
    let alert = &stage.account(HUB).alerts()[0];
    assert!(alert.message.contains("-v1-") && alert.message.contains("-v2-"), "{}", alert.message);
}

#[test]
fn a_commit_left_behind_does_not_bring_its_definition_back() {
    let stage = Stage::new();
    let push = stage.push(DEFINITION).remove(0);
    stage.cloud.faults.inject("CreatePipeline", CallFault::CrashBefore);
    assert_eq!(error(stage.invoke(&stage.hub, "train", &push, "dead")), "Died");
    let newer = DEFINITION.replacen('{', "{ ", 1).replace("ml.t3.medium", "ml.m5.large");
    assert_eq!(said(&stage.run(&stage.hub, "train", &stage.push(&newer)[0])), "start commit");
    stage.pass(86_400);
    stage.run(&stage.hub, "train", &push);
    let describe = json!({"PipelineName": "churn-train"});
    let found = stage.account(HUB).ask("sagemaker", "DescribePipeline", &describe).unwrap();
    assert_eq!(found["PipelineDefinition"], newer);
    assert_eq!(stage.executions("churn-train"), 1);
}

#[test]
fn pushes_in_the_wrong_order_leave_the_newest_definition() {
    let stage = Stage::new();
    stage.run(&stage.hub, "train", &stage.push(DEFINITION)[0]);
    let older = stage.push(&DEFINITION.replacen('{', "{ ", 1)).remove(0);
    let newest = DEFINITION.replacen('{', "{  ", 1);
    stage.run(&stage.hub, "train", &stage.push(&newest)[0]);
    assert_eq!(said(&stage.run(&stage.hub, "train", &older)), "skip older_commit");
    assert_eq!(stage.executions("churn-train"), 2);
}

#[test]
fn a_retraining_left_behind_is_started_without_cause_once_the_drift_is_gone() {
    let stage = Stage::new();
    let drift = parse(include_bytes!("../../../../events/cloudwatch/alarm.drift.alarm.json")).unwrap();
    let calm = parse(include_bytes!("../../../../events/cloudwatch/alarm.drift.ok.json")).unwrap();
    stage.cloud.faults.inject("PutEvents", CallFault::CrashBefore);
    assert_eq!(error(stage.invoke(&stage.staging, "respond", &drift, "dead")), "Died");
    assert_eq!(said(&stage.run(&stage.staging, "respond", &calm)), "ignore alarm_ok");
    stage.pass(86_400);
    stage.run(&stage.staging, "respond", &drift);
    assert_eq!(stage.account(STAGING).published("Retraining Requested").len(), 0);
}

#[test]
fn a_drift_that_is_told_after_its_end_retrains_nothing() {
    let stage = Stage::new();
    let drift = parse(include_bytes!("../../../../events/cloudwatch/alarm.drift.alarm.json")).unwrap();
    let calm = parse(include_bytes!("../../../../events/cloudwatch/alarm.drift.ok.json")).unwrap();
    // To the day after the events.
    stage.pass(2 * 86_400);
    assert_eq!(said(&stage.run(&stage.staging, "respond", &calm)), "ignore alarm_ok");
    assert_eq!(said(&stage.run(&stage.staging, "respond", &drift)), "ignore older_observation");
    assert_eq!(said(&stage.run(&stage.staging, "respond", &drift)), "duplicate");
    assert_eq!(stage.account(STAGING).published("Retraining Requested").len(), 0);
}

#[test]
fn people_are_told_even_if_the_registry_takes_no_note() {
    let stage = Stage::new();
    stage.register(1);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    let request = stage.sent(HUB, REQUESTED).remove(0);
    let broken = json!({"kind": "container_error", "account": null, "target": "churn-staging", "status": 400,
        "message": "no"});
    stage.cloud.with_world(|world, _| world.inject_fault(serde_json::from_value(broken).unwrap()));
    let report = stage.deploy(&request);
    stage.cloud.faults.inject("UpdateModelPackage", CallFault::Rejected(Class::Permanent));
    assert_eq!(said(&stage.run(&stage.hub, "promote", &report)), "stop environment_not_verified");
    assert_eq!(stage.account(HUB).alerts().len(), 1);
    let stopped = stage.hub.ledger.all_decisions().pop().expect("the last decision");
    let fates: Vec<ActionStatus> = stopped.outcomes.iter().map(|outcome| outcome.status).collect();
    assert_eq!(fates, [ActionStatus::Done, ActionStatus::Rejected], "the note was a courtesy");
}
