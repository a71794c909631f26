//! A person's hold, in every order: nothing automatic undoes it until it is released.

use std::pin::pin;

use serde_json::{Value, json};
use tidegate_events::{Event, parse};
use tidegate_scenarios::Published;
use tidegate_testkit::{CallFault, poll_once};

use super::stage::{DEFINITION, HUB, PRODUCTION, STAGING, Stage, error, fired, reconcile, said};

const REQUESTED: &str = "Deployment Requested";

/// What a person of the hub says now. The same event reaches promote and, over the bus, every environment.
fn says(stage: &Stage, detail_type: &str, environment: Option<&str>) -> Event {
    let mut detail = json!({"schema": 1, "model": "churn", "by": "ana", "at": stage.now()});
    if let Some(environment) = environment {
        detail["environment"] = Value::from(environment);
    }
    if detail_type == "Hold Placed" {
        detail["reason"] = Value::from("looking into it");
    }
    stage.own(HUB, &Published { at: stage.now(), detail_type: detail_type.to_owned(), detail })
}

fn hold(stage: &Stage, environment: Option<&str>) -> Event {
    says(stage, "Hold Placed", environment)
}

fn release(stage: &Stage, environment: Option<&str>) -> Event {
    stage.pass(1);
    says(stage, "Hold Released", environment)
}

fn promote(stage: &Stage, event: &Event) -> String {
    said(&stage.run(&stage.hub, "promote", event))
}

fn deploy(stage: &Stage, event: &Event) -> String {
    said(&stage.run(&stage.staging, "deploy", event))
}

/// Version 1 runs in staging and soaks.
fn soaking(stage: &Stage) {
    stage.register(1);
    promote(stage, &stage.says("Approved", 1)[0]);
    let request = stage.sent(HUB, REQUESTED).remove(0);
    assert_eq!(promote(stage, &stage.deploy(&request)), "wait soaking");
}

#[test]
fn a_soak_that_ends_under_a_hold_goes_on_with_the_release_and_not_before() {
    let stage = Stage::new();
    soaking(&stage);
    assert_eq!(promote(&stage, &hold(&stage, Some("production"))), "wait held");
    stage.pass(1_801);
    let due = stage.account(HUB).take_due();
    assert_eq!(promote(&stage, &fired(&due[0].input)), "wait held");
    let before = stage.hub.ledger.all_decisions().len();
    for _ in 0..3 {
        stage.pass(3_600);
        assert_eq!(promote(&stage, &reconcile(stage.now())), "unchanged nothing_overdue");
    }
    assert_eq!(stage.hub.ledger.all_decisions().len(), before, "it is on record once");
    assert_eq!(stage.sent(HUB, REQUESTED).len(), 0);
    assert_eq!(promote(&stage, &release(&stage, Some("production"))), "deploy hold_released");
    assert_eq!(stage.sent(HUB, REQUESTED).len(), 1);
}

#[test]
fn a_soak_whose_end_is_lost_under_a_hold_is_recorded_once_by_the_sweep() {
    let stage = Stage::new();
    soaking(&stage);
    promote(&stage, &hold(&stage, None));
    stage.pass(1_801);
    assert_eq!(promote(&stage, &reconcile(stage.now())), "wait held");
    stage.pass(900);
    assert_eq!(promote(&stage, &reconcile(stage.now())), "unchanged nothing_overdue");
}

#[test]
fn a_hold_that_is_told_after_its_release_holds_nothing_anywhere() {
    let stage = Stage::new();
    let (placed, released) = (hold(&stage, None), release(&stage, None));
    // The hub tells the person; the environments need not.
    for (function, site, verdict) in [("promote", &stage.hub, "alert"), ("deploy", &stage.staging, "ignore")]
    {
        assert_eq!(said(&stage.run(site, function, &released)), "ignore not_held");
        assert_eq!(said(&stage.run(site, function, &placed)), format!("{verdict} older_hold"));
        assert_eq!(said(&stage.run(site, function, &placed)), "duplicate");
    }
    stage.register(1);
    assert_eq!(promote(&stage, &stage.says("Approved", 1)[0]), "deploy approved");
    assert_eq!(deploy(&stage, &stage.request(1, "r")), "apply requested");
}

#[test]
fn an_approval_under_a_hold_takes_its_place_and_waits() {
    let stage = Stage::new();
    stage.register(2);
    promote(&stage, &stage.says("Approved", 1)[0]);
    assert_eq!(stage.sent(HUB, REQUESTED).len(), 1);
    promote(&stage, &hold(&stage, None));
    assert_eq!(promote(&stage, &stage.says("Approved", 2)[0]), "wait held");
    stage.pass(7_200);
    assert_eq!(promote(&stage, &reconcile(stage.now())), "unchanged nothing_overdue", "1 is over, 2 waits");
    assert_eq!(promote(&stage, &release(&stage, None)), "deploy hold_released");
    let sent = stage.sent(HUB, REQUESTED);
    assert_eq!(sent.len(), 1);
    assert!(sent[0].idempotency_key().contains("churn-staging-2-"), "{}", sent[0].idempotency_key());
}

#[test]
fn a_person_who_rolls_back_and_holds_is_not_undone_by_a_late_duplicate() {
    let stage = Stage::new();
    stage.register(2);
    let newer = stage.says("Approved", 2);
    promote(&stage, &newer[0]);
    stage.deploy(&stage.sent(HUB, REQUESTED)[0]);
    // Back to version 1, and then nothing more.
    promote(&stage, &stage.says("Approved", 1)[0]);
    stage.deploy(&stage.sent(HUB, REQUESTED)[0]);
    for (function, site) in [("promote", &stage.hub), ("deploy", &stage.staging)] {
        assert_eq!(said(&stage.run(site, function, &hold(&stage, None))), "wait held");
    }
    let mut again = newer[0].clone();
    again.envelope.id = "another".to_owned();
    assert_eq!(promote(&stage, &again), "duplicate");
    stage.hub.ledger.expire_claims(stage.now().checked_add(jiff::SignedDuration::from_hours(1_000)).unwrap());
    assert_eq!(promote(&stage, &again), "ignore older_approval", "the claim is long gone");
    stage.pass(86_400);
    promote(&stage, &reconcile(stage.now()));
    assert_eq!(stage.sent(HUB, REQUESTED).len(), 0);
    assert!(stage.config(STAGING, "churn-staging").unwrap().contains("-v1-"));
}

#[test]
fn a_request_and_a_hold_in_either_order() {
    // The hold first: the request waits until the release, and no sweep begins it.
    let stage = Stage::new();
    stage.register(1);
    stage.says("Approved", 1);
    assert_eq!(deploy(&stage, &hold(&stage, Some("staging"))), "wait held");
    assert_eq!(deploy(&stage, &stage.request(1, "r")), "wait held");
    stage.pass(3_600);
    assert_eq!(deploy(&stage, &reconcile(stage.now())), "unchanged held");
    assert_eq!(stage.config(STAGING, "churn-staging"), None);
    assert_eq!(deploy(&stage, &release(&stage, Some("staging"))), "apply requested");
    stage.pass(900);
    assert_eq!(deploy(&stage, &reconcile(stage.now())), "succeeded answered");
    // The request first: what SageMaker has begun ends as it would, and is reported.
    let stage = Stage::new();
    stage.register(1);
    stage.says("Approved", 1);
    assert_eq!(deploy(&stage, &stage.request(1, "r")), "apply requested");
    assert_eq!(deploy(&stage, &hold(&stage, None)), "wait held");
    stage.pass(900);
    assert_eq!(deploy(&stage, &reconcile(stage.now())), "succeeded answered");
    assert_eq!(stage.account(STAGING).published("Deployment Finished").len(), 1);
}

#[test]
fn a_component_is_not_put_on_its_endpoint_under_a_hold() {
    let stage = Stage::new();
    stage.register(1);
    stage.says("Approved", 1);
    let mut request = stage.request(1, "r");
    if let tidegate_events::Body::DeploymentRequested(body) = &mut request.body {
        (body.environment, body.environment_account) = ("production".to_owned(), PRODUCTION.to_owned());
    }
    let run = |event: &Event| said(&stage.run(&stage.production, "deploy", event));
    assert_eq!(run(&request), "apply requested");
    assert_eq!(run(&hold(&stage, None)), "wait held");
    stage.pass(900);
    assert_eq!(run(&reconcile(stage.now())), "unchanged held");
    let components =
        || stage.cloud.with_world(|world, _| world.snapshot().component(PRODUCTION, "churn").is_some());
    assert!(!components());
    assert_eq!(run(&release(&stage, None)), "apply endpoint_ready");
    assert!(components());
}

#[test]
fn a_plan_left_behind_is_not_carried_out_under_a_hold() {
    let stage = Stage::new();
    stage.register(1);
    stage.says("Approved", 1);
    let request = stage.request(1, "r");
    stage.cloud.faults.inject("CreateEndpoint", CallFault::CrashBefore);
    assert_eq!(error(stage.invoke(&stage.staging, "deploy", &request, "dead")), "Died");
    deploy(&stage, &hold(&stage, None));
    stage.pass(86_400);
    // Out of the dead-letter queue.
    stage.run(&stage.staging, "deploy", &request);
    stage.pass(900);
    assert_eq!(stage.config(STAGING, "churn-staging"), None);
    assert_eq!(deploy(&stage, &release(&stage, None)), "apply requested");
}

#[test]
fn a_request_left_behind_is_not_sent_under_a_hold_and_not_forgotten() {
    let stage = Stage::new();
    stage.register(1);
    let approved = stage.says("Approved", 1).remove(0);
    stage.cloud.faults.inject("PutEvents", CallFault::CrashBefore);
    assert_eq!(error(stage.invoke(&stage.hub, "promote", &approved, "dead")), "Died");
    promote(&stage, &hold(&stage, Some("staging")));
    stage.pass(3_700);
    promote(&stage, &approved);
    promote(&stage, &reconcile(stage.now()));
    assert_eq!(stage.sent(HUB, REQUESTED).len(), 0);
    assert_eq!(promote(&stage, &release(&stage, Some("staging"))), "deploy no_report");
    assert_eq!(stage.sent(HUB, REQUESTED).len(), 1);
}

#[test]
fn a_hold_between_the_decision_and_the_call_is_heeded() {
    let stage = Stage::new();
    stage.register(1);
    stage.says("Approved", 1);
    let request = stage.request(1, "r");
    stage.cloud.faults.inject("CreateModel", CallFault::Pause);
    let mut slow = pin!(stage.staging.invoke("deploy", &request, "slow", stage.now()));
    assert!(poll_once(slow.as_mut()).is_none());
    assert_eq!(deploy(&stage, &hold(&stage, Some("staging"))), "wait held");
    poll_once(slow).unwrap().unwrap();
    stage.pass(900);
    assert_eq!(stage.config(STAGING, "churn-staging"), None);
    assert_eq!(deploy(&stage, &release(&stage, Some("staging"))), "apply requested");
    stage.pass(900);
    assert_eq!(deploy(&stage, &reconcile(stage.now())), "succeeded answered");
}

#[test]
fn drift_under_a_hold_is_answered_when_the_hold_is_gone() {
    let stage = Stage::new();
    let text = include_str!("../../../../events/cloudwatch/alarm.drift.alarm.json");
    let event = parse(text.as_bytes()).unwrap();
    let tidegate_events::Body::AlarmChanged(alarm) = &event.body else { panic!("an alarm") };
    deploy(&stage, &hold(&stage, None));
    let respond = |event: &Event| said(&stage.run(&stage.staging, "respond", event));
    assert_eq!(respond(&event), "suppress held");
    stage.account(STAGING).raise_alarm(alarm);
    stage.pass(86_401);
    let due = stage.account(STAGING).take_due();
    assert_eq!(due.len(), 1);
    assert_eq!(respond(&fired(&due[0].input)), "suppress held", "it is held still");
    deploy(&stage, &release(&stage, None));
    stage.pass(86_401);
    let due = stage.account(STAGING).take_due();
    assert_eq!(respond(&fired(&due[0].input)), "retrain drift_alarm");
    let request = stage.sent(STAGING, "Retraining Requested").remove(0);
    // The hub's hold counts there as well.
    stage.run(&stage.hub, "train", &stage.push(DEFINITION)[0]);
    stage.pass(7_200);
    promote(&stage, &hold(&stage, Some("staging")));
    assert_eq!(said(&stage.run(&stage.hub, "train", &request)), "skip held");
    assert_eq!(stage.executions("churn-train"), 1, "the commit's own");
}

#[test]
fn a_drift_that_stays_is_answered_until_a_person_has_it() {
    let stage = Stage::new();
    let event = parse(include_bytes!("../../../../events/cloudwatch/alarm.drift.alarm.json")).unwrap();
    let tidegate_events::Body::AlarmChanged(alarm) = &event.body else { panic!("an alarm") };
    stage.account(STAGING).raise_alarm(alarm);
    let respond = |event: &Event| said(&stage.run(&stage.staging, "respond", event));
    assert_eq!(respond(&event), "retrain drift_alarm");
    for then in ["retrain drift_alarm", "alert escalated"] {
        stage.pass(86_401);
        let due = stage.account(STAGING).take_due();
        assert_eq!(due.len(), 1, "{then}");
        assert_eq!(respond(&fired(&due[0].input)), then);
        assert_eq!(respond(&fired(&due[0].input)), "duplicate");
    }
    assert!(stage.account(STAGING).schedules().is_empty(), "a person has it");
}
