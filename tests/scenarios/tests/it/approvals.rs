//! People's approvals, in every order, and requests that nobody answers.

use serde_json::json;
use tidegate_events::Event;
use tidegate_policy::file::parse;
use tidegate_scenarios::Published;
use tidegate_testkit::CallFault;

use super::stage::{CHURN, HUB, PRODUCTION, Stage, error, fired, reconcile, said};

const REQUESTED: &str = "Deployment Requested";

/// Production soaks for half an hour and needs two people.
fn two_people() -> Stage {
    let gates = CHURN.replace("soak: 30m", "soak: 30m\n      approvals: { required: 2 }");
    let stage = Stage::with(&[parse("churn", &gates).unwrap()]);
    stage.register(2);
    stage
}

fn approves(stage: &Stage, by: &str, version: u64) -> Event {
    stage.pass(1);
    let detail = json!({"schema": 1, "model": "churn", "environment": "production", "version": version,
        "by": by, "at": stage.now()});
    stage.own(HUB, &Published { at: stage.now(), detail_type: "Approval Given".to_owned(), detail })
}

fn promote(stage: &Stage, event: &Event) -> String {
    said(&stage.run(&stage.hub, "promote", event))
}

/// A version is approved in the registry and deployed to staging.
fn to_staging(stage: &Stage, version: u64) {
    promote(stage, &stage.says("Approved", version)[0]);
    let request = stage.sent(HUB, REQUESTED).pop().expect("a request");
    assert_eq!(promote(stage, &stage.deploy(&request)), "wait soaking");
}

fn soak_ends(stage: &Stage) -> String {
    stage.pass(1_801);
    let due = stage.account(HUB).take_due();
    promote(stage, &fired(&due[0].input))
}

fn asked(stage: &Stage) -> usize {
    stage.account(HUB).alerts().iter().filter(|alert| alert.subject.contains("waits for approval")).count()
}

#[test]
fn two_different_people_are_two_and_people_are_asked_once() {
    let stage = two_people();
    to_staging(&stage, 1);
    assert_eq!(soak_ends(&stage), "wait approval_required");
    let ana = approves(&stage, "ana", 1);
    assert_eq!(promote(&stage, &ana), "wait approval_required");
    assert_eq!(promote(&stage, &ana), "duplicate");
    assert_eq!(promote(&stage, &approves(&stage, " Ana", 1)), "ignore duplicate_approval");
    for _ in 0..3 {
        stage.pass(3_600);
        assert_eq!(promote(&stage, &reconcile(stage.now())), "unchanged nothing_overdue");
    }
    assert_eq!((asked(&stage), stage.sent(HUB, REQUESTED).len()), (1, 0));
    assert_eq!(promote(&stage, &approves(&stage, "bo", 1)), "deploy approvals_complete");
    let sent = stage.sent(HUB, REQUESTED);
    assert_eq!(sent.len(), 1);
    assert!(sent[0].idempotency_key().contains("churn-production-1-"), "{}", sent[0].idempotency_key());
    assert_eq!(promote(&stage, &approves(&stage, "cy", 1)), "ignore approval_not_required");
    assert_eq!(stage.sent(HUB, REQUESTED).len(), 0);
}

#[test]
fn approvals_before_anything_is_due_are_remembered() {
    let stage = two_people();
    promote(&stage, &stage.says("Approved", 1)[0]);
    assert_eq!(promote(&stage, &approves(&stage, "ana", 1)), "wait awaiting_previous");
    let request = stage.sent(HUB, REQUESTED).remove(0);
    assert_eq!(promote(&stage, &stage.deploy(&request)), "wait soaking");
    assert_eq!(promote(&stage, &approves(&stage, "bo", 1)), "wait soaking");
    assert_eq!((asked(&stage), stage.sent(HUB, REQUESTED).len()), (0, 0));
    assert_eq!(soak_ends(&stage), "deploy soak_ended");
    assert_eq!((asked(&stage), stage.sent(HUB, REQUESTED).len()), (0, 1));
}

#[test]
fn approvals_do_not_count_for_the_next_version_nor_for_the_next_time() {
    let stage = two_people();
    to_staging(&stage, 1);
    for by in ["ana", "bo"] {
        assert_eq!(promote(&stage, &approves(&stage, by, 1)), "wait soaking");
    }
    let late = approves(&stage, "cy", 1);
    // Another version takes its place.
    to_staging(&stage, 2);
    assert_eq!(promote(&stage, &approves(&stage, "ana", 1)), "ignore not_promoting");
    assert_eq!(soak_ends(&stage), "ignore superseded", "the soak of version 1");
    assert_eq!(promote(&stage, &reconcile(stage.now())), "wait approval_required");
    // And version 1 again: what was said about it before does not count, however late it is told.
    assert_eq!(promote(&stage, &stage.says("Rejected", 1)[0]), "ignore rejected_not_promoting");
    to_staging(&stage, 1);
    assert_eq!(promote(&stage, &late), "ignore older_than_promotion");
    stage.pass(1_801);
    assert_eq!(promote(&stage, &reconcile(stage.now())), "wait approval_required");
    assert_eq!(stage.sent(HUB, REQUESTED).len(), 0);
}

#[test]
fn people_are_asked_though_the_end_of_the_soak_was_lost() {
    let stage = two_people();
    to_staging(&stage, 1);
    stage.pass(1_801);
    assert_eq!(promote(&stage, &reconcile(stage.now())), "wait approval_required");
    assert_eq!(asked(&stage), 1);
    assert_eq!(soak_ends(&stage), "wait approval_required");
    assert_eq!(asked(&stage), 1, "its wake-up came late after all");
}

#[test]
fn a_question_that_was_lost_on_the_way_is_asked_by_the_retry() {
    let stage = two_people();
    to_staging(&stage, 1);
    stage.pass(1_801);
    let ended = fired(&stage.account(HUB).take_due()[0].input);
    stage.cloud.faults.inject("Publish", CallFault::CrashBefore);
    assert_eq!(error(stage.invoke(&stage.hub, "promote", &ended, "dead")), "Died");
    stage.pass(200);
    assert_eq!(promote(&stage, &ended), "wait approval_required");
    assert_eq!(asked(&stage), 1);
}

#[test]
fn people_of_another_account_approve_nothing() {
    let stage = two_people();
    to_staging(&stage, 1);
    let mut given = approves(&stage, "ana", 1);
    given.envelope.account = PRODUCTION.to_owned();
    assert_eq!(promote(&stage, &given), "reject not_from_hub");
}

#[test]
fn a_request_without_an_answer_is_sent_every_hour_and_people_are_told_once() {
    let stage = Stage::new();
    stage.register(1);
    promote(&stage, &stage.says("Approved", 1)[0]);
    for hour in 1..=6 {
        stage.pass(3_601);
        assert_eq!(promote(&stage, &reconcile(stage.now())), "deploy no_report", "{hour}");
        let told = stage.account(HUB).alerts().len();
        assert_eq!(told, usize::from(hour >= 3), "{hour}");
    }
    assert_eq!(stage.sent(HUB, REQUESTED).len(), 7);
}
