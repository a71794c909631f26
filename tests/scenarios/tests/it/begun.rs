//! Whether SageMaker was told, and what came of it: crashes, rollbacks, holds and rejections in the middle of an update.

use std::pin::pin;
use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_engine::Outcome;
use tidegate_events::{Body, Event};
use tidegate_policy::deploy::State;
use tidegate_scenarios::Published;
use tidegate_testkit::{CallFault, Runtime, poll_once};

use super::stage::{HUB, PRODUCTION, STAGING, Stage, error, fired, reconcile, said};

const DEPLOY: &str = "deploy";

fn site<'s>(stage: &'s Stage, account: &str) -> &'s Runtime {
    if account == STAGING { &stage.staging } else { &stage.production }
}

/// A request of the hub's to staging or production.
fn request(stage: &Stage, account: &str, version: u64) -> Event {
    let mut event = stage.request(version, &format!("r{version}-{}", stage.now().as_second()));
    if let Body::DeploymentRequested(request) = &mut event.body
        && account == PRODUCTION
    {
        (request.environment, request.environment_account) = ("production".to_owned(), PRODUCTION.to_owned());
    }
    event
}

fn deploy(stage: &Stage, account: &str, event: &Event) -> String {
    said(&stage.run(site(stage, account), DEPLOY, event))
}

/// A sweep of deploy's, some time later.
fn sweep(stage: &Stage, account: &str) -> String {
    stage.pass(900);
    deploy(stage, account, &reconcile(stage.now()))
}

/// Version 1 serves, and version 2 is approved.
fn serving(account: &str) -> Stage {
    let stage = Stage::new();
    stage.register(2);
    stage.says("Approved", 1);
    stage.says("Approved", 2);
    assert_eq!(deploy(&stage, account, &request(&stage, account, 1)), "apply requested");
    if account == PRODUCTION {
        assert_eq!(sweep(&stage, account), "apply endpoint_ready");
    }
    assert_eq!(sweep(&stage, account), "succeeded answered");
    stage
}

/// The next update of what serves is accepted, and rolled back without a word.
fn roll_back_next(stage: &Stage) {
    let endpoint =
        json!({"kind": "roll_back_update", "account": null, "endpoint": "churn-staging", "reason": null});
    let component = json!({"kind": "fail_component_update", "account": null, "component": "churn", "reason": "no",
        "failed": false});
    for fault in [endpoint, component] {
        stage.cloud.with_world(|world, _| world.inject_fault(serde_json::from_value(fault).unwrap()));
    }
}

/// How often an operation was accepted.
fn accepted(stage: &Stage, operation: &str) -> usize {
    stage.cloud.with_world(|world, _| {
        world.calls().iter().filter(|entry| entry.operation == operation && entry.outcome == "ok").count()
    })
}

fn state(stage: &Stage, account: &str) -> State {
    let read = pin!(tidegate_engine::resolve::state(site(stage, account).ledger.as_ref(), "deploy", "churn"));
    Arc::unwrap_or_clone(poll_once(read).unwrap().unwrap())
}

fn people(stage: &Stage, account: &str, detail_type: &str) {
    let mut detail = json!({"schema": 1, "model": "churn", "by": "ana", "at": stage.now()});
    if detail_type == "Hold Placed" {
        detail["reason"] = Value::from("looking into it");
    }
    let said = stage.own(HUB, &Published { at: stage.now(), detail_type: detail_type.to_owned(), detail });
    deploy(stage, account, &said);
}

/// Somebody sets the copies of production's component.
fn scale_by_hand(stage: &Stage, copies: u32) {
    let set = json!({"InferenceComponentName": "churn", "DesiredRuntimeConfig": {"CopyCount": copies}});
    stage.account(PRODUCTION).ask("sagemaker", "UpdateInferenceComponentRuntimeConfig", &set).unwrap();
}

#[test]
fn what_was_told_before_the_crash_and_rolled_back_is_not_told_again() {
    for (account, operation) in [(STAGING, "UpdateEndpoint"), (PRODUCTION, "UpdateInferenceComponent")] {
        // The retry comes while SageMaker is at work, or when it has rolled back.
        for seconds in [30, 900] {
            let stage = serving(account);
            roll_back_next(&stage);
            let request = request(&stage, account, 2);
            stage.cloud.faults.inject(operation, CallFault::CrashAfter);
            assert_eq!(error(stage.invoke(site(&stage, account), DEPLOY, &request, "one")), "Died");
            stage.pass(seconds);
            stage.invoke(site(&stage, account), DEPLOY, &request, "one").unwrap().unwrap();
            let end = sweep(&stage, account);
            assert_eq!(end, "rolled_back_silently old_config_running", "{operation} after {seconds} s");
            assert_eq!(sweep(&stage, account), "unchanged nothing_in_flight");
            assert_eq!(accepted(&stage, operation), 1, "{operation} after {seconds} s");
        }
    }
}

#[test]
fn what_a_hold_kept_from_being_told_did_not_roll_back() {
    let stage = serving(PRODUCTION);
    let request = request(&stage, PRODUCTION, 2);
    stage.cloud.faults.inject("CreateModel", CallFault::Pause);
    let mut slow = pin!(stage.production.invoke(DEPLOY, &request, "slow", stage.now()));
    assert!(poll_once(slow.as_mut()).is_none());
    people(&stage, PRODUCTION, "Hold Placed");
    assert_eq!(said(&poll_once(slow).unwrap().unwrap()), "wait held");
    assert_eq!(state(&stage, PRODUCTION).in_flight.unwrap().component_update_requested_at, None);
    stage.pass(60);
    scale_by_hand(&stage, 2);
    stage.pass(900);
    people(&stage, PRODUCTION, "Hold Released");
    assert_eq!(sweep(&stage, PRODUCTION), "succeeded answered");
    assert_eq!(accepted(&stage, "UpdateInferenceComponent"), 1);
}

#[test]
fn a_component_that_somebody_else_changes_is_left_alone_until_it_is_ready() {
    let stage = serving(PRODUCTION);
    let request = request(&stage, PRODUCTION, 2);
    stage.production.ledger.faults.inject("record", CallFault::Pause);
    let mut slow = pin!(stage.production.invoke(DEPLOY, &request, "slow", stage.now()));
    assert!(poll_once(slow.as_mut()).is_none());
    scale_by_hand(&stage, 2);
    assert_eq!(said(&poll_once(slow).unwrap().unwrap()), "wait component_busy");
    stage.pass(900);
    let look = stage.account(PRODUCTION).take_due().pop().unwrap();
    assert_eq!(deploy(&stage, PRODUCTION, &fired(&look.input)), "apply endpoint_ready");
    assert_eq!(sweep(&stage, PRODUCTION), "succeeded answered");
}

#[test]
fn a_component_that_was_created_before_the_crash_is_the_plans_own() {
    // The retry comes while SageMaker makes it, or when it is ready.
    for seconds in [30, 900] {
        let stage = Stage::new();
        stage.register(1);
        stage.says("Approved", 1);
        assert_eq!(deploy(&stage, PRODUCTION, &request(&stage, PRODUCTION, 1)), "apply requested");
        stage.pass(900);
        let ready = reconcile(stage.now());
        stage.cloud.faults.inject("CreateInferenceComponent", CallFault::CrashAfter);
        assert_eq!(error(stage.invoke(&stage.production, DEPLOY, &ready, "one")), "Died");
        stage.pass(seconds);
        let outcomes = stage.invoke(&stage.production, DEPLOY, &ready, "one").unwrap().unwrap();
        assert_eq!(said(&outcomes), "apply endpoint_ready", "after {seconds} s");
        let Some(Outcome::Decided { record }) = outcomes.first() else { panic!("{outcomes:?}") };
        assert_eq!(record.plan.len(), record.outcomes.len(), "after {seconds} s: {:?}", record.outcomes);
        assert_eq!(accepted(&stage, "CreateInferenceComponent"), 1, "after {seconds} s");
        assert_eq!(sweep(&stage, PRODUCTION), "succeeded answered", "after {seconds} s");
    }
}

#[test]
fn a_rejection_in_the_middle_of_an_update_ends_with_what_serves() {
    for (account, busy) in [(STAGING, "endpoint_busy"), (PRODUCTION, "component_busy")] {
        for rolls_back in [false, true] {
            let stage = serving(account);
            if rolls_back {
                roll_back_next(&stage);
            }
            let request = request(&stage, account, 2);
            assert!(deploy(&stage, account, &request).starts_with("apply"));
            stage.says("Rejected", 2);
            assert_eq!(deploy(&stage, account, &reconcile(stage.now())), format!("unchanged {busy}"));
            assert_eq!(sweep(&stage, account), "failed not_approved");
            let state = state(&stage, account);
            let live = if rolls_back { 1 } else { 2 };
            assert_eq!(state.live.unwrap().version, live);
            assert_eq!(state.previous.map(|live| live.version), (!rolls_back).then_some(1));
            let config = stage.config(account, if account == STAGING { "churn-staging" } else { "churn" });
            assert_eq!(state.last_report.unwrap().finished.running_config, config);
            let alerts = stage.account(account).alerts();
            assert_eq!(alerts.len(), usize::from(!rolls_back), "{alerts:?}");
            assert_eq!(sweep(&stage, account), "unchanged nothing_in_flight");
        }
    }
}

#[test]
fn a_rejection_before_anything_was_told_ends_at_once() {
    let stage = serving(STAGING);
    let request = request(&stage, STAGING, 2);
    stage.cloud.faults.inject("UpdateEndpoint", CallFault::CrashBefore);
    assert_eq!(error(stage.invoke(&stage.staging, DEPLOY, &request, "one")), "Died");
    stage.says("Rejected", 2);
    stage.pass(60);
    let told = stage.invoke(&stage.staging, DEPLOY, &request, "one").unwrap().unwrap();
    assert_eq!(said(&told), "failed not_approved");
    assert_eq!(accepted(&stage, "UpdateEndpoint"), 0);
    assert_eq!(state(&stage, STAGING).live.unwrap().version, 1);
}
