//! What AWS never told is healed by the next sweep, and a sweep that finds nothing leaves nothing behind.

use serde_json::json;
use tidegate_engine::Class;
use tidegate_policy::file::parse;
use tidegate_testkit::{CallFault, Runtime};
use tidegate_world::Outage;

use super::stage::{CHURN, DEFINITION, HUB, STAGING, Stage, error, reconcile, said};

fn sweep(stage: &Stage, site: &Runtime, function: &'static str) -> String {
    stage.pass(1);
    said(&stage.run(site, function, &reconcile(stage.now())))
}

#[test]
fn a_lost_commit_is_found_and_its_late_event_is_a_duplicate() {
    let stage = Stage::new();
    stage.run(&stage.hub, "train", &stage.push(DEFINITION)[0]);
    let lost = stage.push(&format!("{DEFINITION}\n"));
    assert_eq!(sweep(&stage, &stage.hub, "train"), "start commit");
    assert_eq!(stage.executions("churn-train"), 2);
    assert_eq!(said(&stage.run(&stage.hub, "train", &lost[0])), "duplicate");
    assert_eq!(sweep(&stage, &stage.hub, "train"), "pass nothing_overdue");
}

#[test]
fn a_sweep_that_dies_over_a_lost_commit_is_finished_by_the_next() {
    let stage = Stage::new();
    stage.run(&stage.hub, "train", &stage.push(DEFINITION)[0]);
    stage.push(&format!("{DEFINITION}\n"));
    stage.cloud.faults.inject("StartPipelineExecution", CallFault::CrashBefore);
    let sweeping = reconcile(stage.now());
    assert_eq!(error(stage.invoke(&stage.hub, "train", &sweeping, "dead")), "Died");
    assert_eq!(stage.executions("churn-train"), 1);
    stage.pass(3_600);
    let answers = "succeeded execution_succeeded, start commit";
    assert_eq!(sweep(&stage, &stage.hub, "train"), answers);
    assert_eq!(stage.executions("churn-train"), 2);
    assert_eq!(sweep(&stage, &stage.hub, "train"), "pass nothing_overdue");
}

#[test]
fn a_lost_approval_is_found_and_its_late_event_changes_nothing() {
    let stage = Stage::new();
    stage.register(2);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    let lost = stage.says("Approved", 2);
    assert_eq!(sweep(&stage, &stage.hub, "promote"), "deploy approved, unchanged nothing_overdue");
    assert_eq!(stage.sent(HUB, "Deployment Requested").len(), 2);
    stage.run(&stage.hub, "promote", &lost[0]);
    assert_eq!(stage.sent(HUB, "Deployment Requested").len(), 0);
}

#[test]
fn a_lost_approval_after_a_rejection_is_found() {
    let stage = Stage::new();
    stage.register(1);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    let request = stage.sent(HUB, "Deployment Requested").remove(0);
    let broken = json!({"kind": "container_error", "account": null, "target": "churn-staging", "status": 400,
        "message": "no"});
    stage.cloud.with_world(|world, _| world.inject_fault(serde_json::from_value(broken).unwrap()));
    let outcomes = stage.run(&stage.hub, "promote", &stage.deploy(&request));
    assert_eq!(said(&outcomes), "stop environment_not_verified");
    assert_eq!(sweep(&stage, &stage.hub, "promote"), "unchanged nothing_overdue");
    // As people were told to: "reject and approve this one again".
    let rejected = stage.says("Rejected", 1).remove(0);
    assert_eq!(said(&stage.run(&stage.hub, "promote", &rejected)), "ignore rejected_not_promoting");
    assert_eq!(sweep(&stage, &stage.hub, "promote"), "unchanged nothing_overdue");
    let lost = stage.says("Approved", 1);
    assert_eq!(sweep(&stage, &stage.hub, "promote"), "deploy approved, unchanged nothing_overdue");
    assert_eq!(stage.sent(HUB, "Deployment Requested").len(), 1);
    stage.run(&stage.hub, "promote", &lost[0]);
    assert_eq!(sweep(&stage, &stage.hub, "promote"), "unchanged nothing_overdue");
    assert_eq!(stage.sent(HUB, "Deployment Requested").len(), 0);
}

#[test]
fn a_lost_rejection_stops_the_promotion_and_people_are_told_once() {
    for word in ["Rejected", "PendingManualApproval"] {
        let stage = Stage::new();
        stage.register(1);
        stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
        stage.pass(60);
        let lost = stage.says(word, 1);
        let reason = if word == "Rejected" { "rejected" } else { "approval_withdrawn" };
        let found = format!("stop {reason}, unchanged nothing_overdue");
        assert_eq!(sweep(&stage, &stage.hub, "promote"), found);
        assert_eq!(sweep(&stage, &stage.hub, "promote"), "unchanged nothing_overdue");
        // It says how far the promotion is, which the sweep does not.
        let late = said(&stage.run(&stage.hub, "promote", &lost[0]));
        assert!(late.starts_with("ignore "), "{late}");
    }
}

#[test]
fn a_lost_rejection_and_a_lost_approval_of_the_next_version_are_both_found() {
    let stage = Stage::new();
    stage.register(2);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    stage.pass(60);
    stage.says("Rejected", 1);
    stage.says("Approved", 2);
    let found = "stop rejected, deploy approved, unchanged nothing_overdue";
    assert_eq!(sweep(&stage, &stage.hub, "promote"), found);
}

#[test]
fn a_lost_end_of_a_soak_is_found() {
    let stage = Stage::new();
    stage.register(1);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    let request = stage.sent(HUB, "Deployment Requested").remove(0);
    stage.run(&stage.hub, "promote", &stage.deploy(&request));
    assert_eq!(sweep(&stage, &stage.hub, "promote"), "unchanged nothing_overdue");
    stage.pass(1_800);
    assert_eq!(sweep(&stage, &stage.hub, "promote"), "deploy soak_ended");
}

#[test]
fn a_lost_endpoint_event_is_found() {
    let stage = Stage::new();
    stage.register(1);
    stage.says("Approved", 1);
    stage.run(&stage.staging, "deploy", &stage.request(1, "r"));
    assert_eq!(sweep(&stage, &stage.staging, "deploy"), "unchanged endpoint_busy");
    stage.pass(900);
    assert_eq!(sweep(&stage, &stage.staging, "deploy"), "succeeded answered");
    let events = stage.aws("SageMaker Endpoint State Change");
    let late = events.last().expect("the event that came late");
    assert_eq!(said(&stage.run(&stage.staging, "deploy", late)), "ignore nothing_in_flight");
    assert_eq!(stage.account(STAGING).published("Deployment Finished").len(), 1);
}

#[test]
fn a_call_that_never_was_made_is_made_by_the_sweep() {
    let stage = Stage::new();
    stage.register(1);
    stage.says("Approved", 1);
    let request = stage.request(1, "r");
    stage.cloud.faults.inject("CreateEndpoint", CallFault::CrashBefore);
    assert_eq!(error(stage.invoke(&stage.staging, "deploy", &request, "dead")), "Died");
    assert_eq!(sweep(&stage, &stage.staging, "deploy"), "apply requested");
    stage.pass(900);
    assert_eq!(sweep(&stage, &stage.staging, "deploy"), "succeeded answered");
}

#[test]
fn a_sweep_without_news_leaves_no_record() {
    let stage = Stage::new();
    stage.register(1);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    for _ in 0..3 {
        sweep(&stage, &stage.hub, "promote");
        sweep(&stage, &stage.hub, "train");
        sweep(&stage, &stage.staging, "deploy");
        sweep(&stage, &stage.staging, "respond");
        sweep(&stage, &stage.staging, "scale");
        sweep(&stage, &stage.production, "scale");
    }
    assert_eq!(stage.hub.ledger.all_decisions().len(), 1);
    assert_eq!(stage.staging.ledger.all_decisions().len(), 0);
    // That nothing was deployed yet is news once.
    assert_eq!(stage.production.ledger.all_decisions().len(), 1);
}

#[test]
fn a_version_that_waits_for_people_is_not_on_record_at_every_sweep() {
    let text = CHURN.replace("soak: 30m", "approvals: { required: 1 }");
    let stage = Stage::with(&[parse("churn", &text).unwrap()]);
    stage.register(1);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    let request = stage.sent(HUB, "Deployment Requested").remove(0);
    let outcomes = stage.run(&stage.hub, "promote", &stage.deploy(&request));
    assert_eq!(said(&outcomes), "wait approval_required");
    let before = stage.hub.ledger.all_decisions().len();
    for _ in 0..3 {
        assert_eq!(sweep(&stage, &stage.hub, "promote"), "unchanged nothing_overdue");
    }
    assert_eq!(stage.hub.ledger.all_decisions().len(), before);
}

/// Two models that share the repository, the group and the alarm.
fn two() -> Stage {
    let text = CHURN.replace("escalateAfter: 2", "escalateAfter: 2\n  alarms: [drift]");
    let other = text
        .replace("model: churn", "model: other")
        .replace("churn-train", "other-train")
        .replace("name: churn-staging", "name: other-staging")
        .replace("name: churn,", "name: other,");
    Stage::with(&[parse("churn", &text).unwrap(), parse("other", &other).unwrap()])
}

#[test]
fn a_model_whose_branch_cannot_be_read_does_not_end_the_sweep() {
    let stage = two();
    stage.run(&stage.hub, "train", &stage.push(DEFINITION)[0]);
    stage.push(&format!("{DEFINITION}\n"));
    stage.cloud.faults.inject("GetBranch", CallFault::Rejected(Class::Denied));
    let event = reconcile(stage.now());
    assert_eq!(error(stage.invoke(&stage.hub, "train", &event, "one")), "Denied");
    assert_eq!((stage.executions("churn-train"), stage.executions("other-train")), (1, 2));
}

#[test]
fn a_model_whose_registry_cannot_be_read_does_not_end_the_sweep() {
    let stage = two();
    stage.register(2);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    stage.says("Approved", 2);
    assert_eq!(stage.sent(HUB, "Deployment Requested").len(), 2);
    stage.cloud.faults.inject("ListModelPackages", CallFault::Rejected(Class::Denied));
    let event = reconcile(stage.now());
    assert_eq!(error(stage.invoke(&stage.hub, "promote", &event, "one")), "Denied");
    assert_eq!(stage.sent(HUB, "Deployment Requested").len(), 1);
}

#[test]
fn a_model_whose_alarms_cannot_be_read_does_not_end_the_sweep() {
    let stage = two();
    let text = include_str!("../../../../events/cloudwatch/alarm.drift.alarm.json");
    let text = text.replace("churn-staging-feature-drift-tenure_months", "drift");
    let event = tidegate_events::parse(text.as_bytes()).unwrap();
    let tidegate_events::Body::AlarmChanged(alarm) = &event.body else { panic!("an alarm") };
    stage.account(STAGING).raise_alarm(alarm);
    stage.cloud.faults.inject("DescribeAlarms", CallFault::Rejected(Class::Throttled));
    let event = reconcile(stage.now());
    assert_eq!(error(stage.invoke(&stage.staging, "respond", &event, "one")), "Throttled");
    assert_eq!(stage.account(STAGING).published("Retraining Requested").len(), 1);
}

#[test]
fn a_state_that_cannot_be_read_does_not_end_the_sweep() {
    let stage = two();
    stage.production.ledger.put_state("deploy", "churn", &json!({"live": "nonsense"}));
    let event = reconcile(stage.now());
    let kind = error(stage.invoke(&stage.production, "scale", &event, "one"));
    assert_eq!(kind, "UnreadableLedger");
    let records = stage.production.ledger.all_decisions();
    assert_eq!(records.iter().map(|r| r.model.as_str()).collect::<Vec<_>>(), ["other"]);
}

/// Version 1 is live in staging; what AWS told of it has been forgotten.
fn live() -> Stage {
    let stage = Stage::new();
    stage.register(1);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    let request = stage.sent(HUB, "Deployment Requested").remove(0);
    let finished = stage.deploy(&request);
    stage.run(&stage.hub, "promote", &finished);
    stage.told.take();
    assert_eq!(sweep(&stage, &stage.staging, "deploy"), "unchanged nothing_in_flight");
    stage
}

pub(crate) fn outage(stage: &Stage, outage: Outage) -> Vec<tidegate_events::Event> {
    let place = stage.account(STAGING).place().clone();
    stage.cloud.with_world(|world, now| {
        assert!(world.endpoint_outage(&place, "churn-staging", outage, Some("the container exited"), now));
    });
    stage.aws("SageMaker Endpoint State Change")
}

#[test]
fn a_lost_failure_of_a_live_endpoint_is_found_and_its_late_event_is_a_duplicate() {
    let stage = live();
    let lost = outage(&stage, Outage::Failed);
    assert_eq!(sweep(&stage, &stage.staging, "deploy"), "alert live_failed");
    assert_eq!(said(&stage.run(&stage.staging, "deploy", &lost[0])), "duplicate");
    assert_eq!(sweep(&stage, &stage.staging, "deploy"), "unchanged nothing_in_flight");
    // The version soaks there, so it goes no further.
    let health = stage.sent(STAGING, "Endpoint Health Changed");
    assert_eq!(health.len(), 1);
    assert_eq!(said(&stage.run(&stage.hub, "promote", &health[0])), "stop soak_broken");
    stage.pass(3_600);
    assert_eq!(sweep(&stage, &stage.hub, "promote"), "unchanged nothing_overdue");
}

#[test]
fn an_outage_that_ends_by_itself_is_told_once_and_recorded_twice() {
    let stage = live();
    let began = outage(&stage, Outage::OutOfService);
    assert_eq!(said(&stage.run(&stage.staging, "deploy", &began[0])), "alert live_failed");
    stage.pass(60);
    let ended = outage(&stage, Outage::Over);
    assert_eq!(said(&stage.run(&stage.staging, "deploy", &ended[0])), "no_change live_recovered");
    assert_eq!(sweep(&stage, &stage.staging, "deploy"), "unchanged nothing_in_flight");
    let maintenance = outage(&stage, Outage::Maintenance);
    assert_eq!(said(&stage.run(&stage.staging, "deploy", &maintenance[0])), "ignore nothing_in_flight");
}

#[test]
fn a_deletion_by_hand_is_told_once_with_or_without_its_events() {
    for told in [true, false] {
        let stage = live();
        stage
            .account(STAGING)
            .ask("sagemaker", "DeleteEndpoint", &json!({"EndpointName": "churn-staging"}))
            .unwrap();
        let deleting = stage.aws("SageMaker Endpoint State Change").remove(0);
        let mut answers = Vec::new();
        if told {
            answers.push(said(&stage.run(&stage.staging, "deploy", &deleting)));
        }
        stage.pass(900);
        let deleted = stage.aws("SageMaker Endpoint State Change").remove(0);
        if told {
            answers.push(said(&stage.run(&stage.staging, "deploy", &deleted)));
        }
        answers.push(sweep(&stage, &stage.staging, "deploy"));
        let expected: &[&str] = if told {
            &["alert live_gone", "no_change live_gone", "unchanged nothing_in_flight"]
        } else {
            &["alert live_gone"]
        };
        assert_eq!(answers, expected);
        assert_eq!(sweep(&stage, &stage.staging, "deploy"), "unchanged nothing_in_flight");
    }
}

#[test]
fn a_sweep_that_dies_before_it_tells_of_a_failure_is_finished_by_its_retry() {
    let stage = live();
    outage(&stage, Outage::Failed);
    stage.cloud.faults.inject("Publish", CallFault::CrashBefore);
    let sweeping = reconcile(stage.now());
    assert_eq!(error(stage.invoke(&stage.staging, "deploy", &sweeping, "dead")), "Died");
    stage.pass(60);
    let again = stage.invoke(&stage.staging, "deploy", &sweeping, "dead").unwrap().unwrap();
    assert_eq!(said(&again), "alert live_failed");
    assert_eq!(sweep(&stage, &stage.staging, "deploy"), "unchanged nothing_in_flight");
}
