//! One event, however often it is told and whatever happens to the invocation, has its effect once.

use std::pin::pin;

use tidegate_engine::{Class, LEASE};
use tidegate_policy::file::parse;
use tidegate_testkit::{CallFault, poll_once};

use super::stage::{CHURN, DEFINITION, HUB, STAGING, Stage, error, reconcile, said};

const REQUESTED: &str = "Deployment Requested";
const TRAIN: &str = "train";
const PROMOTE: &str = "promote";

#[test]
fn an_approval_told_three_times_is_one_request() {
    let stage = Stage::new();
    stage.register(1);
    let told = stage.says("Approved", 1);
    assert_eq!(told.len(), 2, "SageMaker tells an approval twice");
    assert_eq!(said(&stage.run(&stage.hub, PROMOTE, &told[0])), "deploy approved");
    assert_eq!(said(&stage.run(&stage.hub, PROMOTE, &told[1])), "duplicate");
    stage.pass(3_000);
    assert_eq!(said(&stage.run(&stage.hub, PROMOTE, &told[0])), "duplicate");
    assert_eq!(stage.sent(HUB, REQUESTED).len(), 1);
    assert_eq!(stage.hub.ledger.all_decisions().len(), 1);
}

#[test]
fn a_push_told_twice_is_one_execution() {
    let stage = Stage::new();
    let push = &stage.push(DEFINITION)[0];
    assert_eq!(said(&stage.run(&stage.hub, TRAIN, push)), "start commit");
    assert_eq!(said(&stage.run(&stage.hub, TRAIN, push)), "duplicate");
    assert_eq!(stage.executions("churn-train"), 1);
}

#[test]
fn a_call_that_fails_is_made_by_the_retry_under_the_same_decision() {
    for (operation, fault) in [
        ("CreatePipeline", CallFault::Rejected(Class::Retryable)),
        ("CreatePipeline", CallFault::ResponseLost),
        ("StartPipelineExecution", CallFault::Rejected(Class::Throttled)),
        ("StartPipelineExecution", CallFault::ResponseLost),
        ("PutEvents", CallFault::Rejected(Class::Retryable)),
        ("PutEvents", CallFault::ResponseLost),
    ] {
        let stage = Stage::new();
        let push = &stage.push(DEFINITION)[0];
        stage.cloud.faults.inject(operation, fault);
        error(stage.invoke(&stage.hub, TRAIN, push, "one"));
        assert!(stage.cloud.faults.are_used_up());
        let before = stage.hub.ledger.all_decisions();
        stage.pass(60);
        let outcomes = stage.invoke(&stage.hub, TRAIN, push, "one").unwrap().unwrap();
        assert_eq!(said(&outcomes), "start commit", "{operation} {fault:?}");
        let after = stage.hub.ledger.all_decisions();
        assert_eq!((before.len(), after.len()), (1, 1), "it was not decided again");
        assert_eq!((&before[0].id, before[0].at), (&after[0].id, after[0].at));
        assert_eq!((before[0].outcomes.len(), after[0].outcomes.len()), (0, 2));
        assert_eq!(stage.executions("churn-train"), 1, "{operation} {fault:?}");
        assert_eq!(said(&stage.run(&stage.hub, TRAIN, push)), "duplicate");
    }
}

#[test]
fn a_ledger_that_fails_is_tried_again() {
    for (operation, fault) in [
        ("claim", CallFault::ResponseLost),
        ("state", CallFault::Rejected(Class::Retryable)),
        ("record", CallFault::Rejected(Class::Retryable)),
        ("record", CallFault::ResponseLost),
        ("finish", CallFault::Rejected(Class::Throttled)),
        ("finish", CallFault::ResponseLost),
    ] {
        let stage = Stage::new();
        let push = &stage.push(DEFINITION)[0];
        stage.hub.ledger.faults.inject(operation, fault);
        error(stage.invoke(&stage.hub, TRAIN, push, "one"));
        stage.pass(60);
        stage.invoke(&stage.hub, TRAIN, push, "one").unwrap().unwrap();
        assert_eq!(said(&stage.run(&stage.hub, TRAIN, push)), "duplicate", "{operation} {fault:?}");
        assert_eq!(stage.executions("churn-train"), 1, "{operation} {fault:?}");
        assert_eq!(stage.hub.ledger.all_decisions().len(), 1, "{operation} {fault:?}");
    }
}

#[test]
fn a_dead_invocations_claim_is_taken_over_after_its_lease_and_not_before() {
    for (ledger, operation) in [(true, "state"), (true, "record"), (false, "StartPipelineExecution")] {
        for fault in [CallFault::CrashBefore, CallFault::CrashAfter] {
            let stage = Stage::new();
            let push = &stage.push(DEFINITION)[0];
            let faults = if ledger { &stage.hub.ledger.faults } else { &stage.cloud.faults };
            faults.inject(operation, fault);
            assert_eq!(error(stage.invoke(&stage.hub, TRAIN, push, "dead")), "Died");
            stage.pass(LEASE.as_secs() - 1);
            assert_eq!(error(stage.invoke(&stage.hub, TRAIN, push, "early")), "LeaseHeldElsewhere");
            stage.pass(1);
            assert_eq!(said(&stage.run(&stage.hub, TRAIN, push)), "start commit", "{operation} {fault:?}");
            assert_eq!(stage.executions("churn-train"), 1, "{operation} {fault:?}");
            assert_eq!(stage.hub.ledger.all_decisions().len(), 1, "{operation} {fault:?}");
        }
    }
}

#[test]
fn lambdas_retry_of_a_dead_invocation_need_not_wait() {
    let stage = Stage::new();
    let push = &stage.push(DEFINITION)[0];
    stage.cloud.faults.inject("StartPipelineExecution", CallFault::CrashBefore);
    assert_eq!(error(stage.invoke(&stage.hub, TRAIN, push, "one")), "Died");
    let outcomes = stage.invoke(&stage.hub, TRAIN, push, "one").unwrap().unwrap();
    assert_eq!(said(&outcomes), "start commit");
    assert_eq!(stage.executions("churn-train"), 1);
}

#[test]
fn of_two_decisions_at_once_the_slower_is_made_again() {
    let stage = Stage::new();
    stage.register(2);
    let (first, second) = (&stage.says("Approved", 1)[0], &stage.says("Approved", 2)[0]);
    stage.hub.ledger.faults.inject("record", CallFault::Pause);
    let mut slow = pin!(stage.hub.invoke(PROMOTE, first, "slow", stage.now()));
    assert!(poll_once(slow.as_mut()).is_none());
    assert_eq!(said(&stage.run(&stage.hub, PROMOTE, second)), "deploy approved");
    let outcomes = poll_once(slow).unwrap().unwrap();
    assert_eq!(said(&outcomes), "ignore older_approval");
    let requests = stage.sent(HUB, REQUESTED);
    assert_eq!(requests.len(), 1);
    assert!(requests[0].idempotency_key().contains("churn-staging-2-"), "{}", requests[0].idempotency_key());
}

#[test]
fn one_model_that_fails_does_not_keep_the_other_from_being_dealt_with() {
    let other = CHURN.replace("model: churn", "model: other").replace("churn-train", "other-train");
    let policies = [parse("churn", CHURN).unwrap(), parse("other", &other).unwrap()];
    let stage = Stage::with(&policies);
    let push = &stage.push(DEFINITION)[0];
    stage.cloud.faults.inject("StartPipelineExecution", CallFault::Rejected(Class::Throttled));
    assert_eq!(error(stage.invoke(&stage.hub, TRAIN, push, "one")), "Throttled");
    assert_eq!((stage.executions("churn-train"), stage.executions("other-train")), (0, 1));
    let outcomes = stage.invoke(&stage.hub, TRAIN, push, "one").unwrap().unwrap();
    assert_eq!(said(&outcomes), "start commit, duplicate");
    assert_eq!((stage.executions("churn-train"), stage.executions("other-train")), (1, 1));
}

#[test]
fn what_is_suppressed_is_on_record_and_on_the_bus() {
    let stage = Stage::new();
    let drift = |hour: u32| {
        let text = include_str!("../../../../events/contract/drift-observed.json");
        let text = text.replace("2026-03-03T08:14:", &format!("2026-03-03T{hour:02}:14:"));
        tidegate_events::parse(text.as_bytes()).unwrap()
    };
    assert_eq!(said(&stage.run(&stage.staging, "respond", &drift(8))), "retrain drift_observed");
    stage.pass(3_600);
    let outcomes = stage.run(&stage.staging, "respond", &drift(9));
    assert_eq!(said(&outcomes), "suppress retraining_in_flight");
    let records = stage.staging.ledger.all_decisions();
    assert_eq!(records.len(), 2);
    assert!(records[1].message.contains("the next one is possible from"), "{}", records[1].message);
    let told = stage.account(STAGING).published("Decision Recorded");
    let reasons: Vec<&str> = told.iter().filter_map(|record| record["reason"].as_str()).collect();
    assert_eq!(reasons, ["drift_observed", "retraining_in_flight"]);
    assert_eq!(stage.account(STAGING).published("Retraining Requested").len(), 1);
}

#[test]
fn a_plan_that_stopped_half_way_goes_on_where_it_stopped() {
    let stage = Stage::new();
    stage.register(1);
    stage.says("Approved", 1);
    let request = stage.request(1, "r1");
    stage.cloud.faults.inject("CreateEndpoint", CallFault::CrashBefore);
    assert_eq!(error(stage.invoke(&stage.staging, "deploy", &request, "dead")), "Died");
    stage.pass(200);
    assert_eq!(said(&stage.run(&stage.staging, "deploy", &request)), "apply requested");
    let record = &stage.staging.ledger.all_decisions()[0];
    let done: Vec<&str> = record.outcomes.iter().map(|outcome| outcome.detail.as_str()).collect();
    assert!(done[0].starts_with("created model") && done[1].starts_with("created"), "not again: {done:?}");
    assert!(done[2].starts_with("created endpoint"), "{done:?}");
    stage.pass(900);
    let outcomes = stage.run(&stage.staging, "deploy", &reconcile(stage.now()));
    assert_eq!(said(&outcomes), "succeeded answered");
}
