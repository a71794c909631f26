//! What the ledger says about sleep is what is: plans left behind, deployments that failed, and refusals.

use std::pin::pin;

use serde_json::json;
use tidegate_engine::Class;
use tidegate_engine::ports::Ledger;
use tidegate_events::Event;
use tidegate_policy::file::parse;
use tidegate_scenarios::Published;
use tidegate_testkit::{CallFault, poll_once};

use super::stage::{CHURN, HUB, PRODUCTION, REGION, Stage, arn, error, reconcile, said};

const SCALE: &str = "scale";

/// A request of the hub's to production.
fn request(stage: &Stage, version: u64) -> Event {
    let id = format!("p{version}-{}", stage.now().as_second());
    let detail = json!({"schema": 1, "request_id": id, "model": "churn",
        "environment": "production", "environment_account": PRODUCTION, "region": REGION, "version": version,
        "package_arn": arn(version), "policy_version": "p", "requested_at": stage.now()});
    stage.own(HUB, &Published { at: stage.now(), detail_type: "Deployment Requested".to_owned(), detail })
}

/// Deploys a version to production, and says how it ended.
fn deploy(stage: &Stage, version: u64) -> String {
    let mut last = said(&stage.run(&stage.production, "deploy", &request(stage, version)));
    for _ in 0..9 {
        if last.starts_with("succeeded") || last.contains("failed") {
            break;
        }
        stage.pass(900);
        last = said(&stage.run(&stage.production, "deploy", &reconcile(stage.now())));
    }
    last
}

/// Version 1 runs in production, and nobody has asked it for a day and more.
fn idle() -> Stage {
    let stage = Stage::new();
    stage.register(2);
    stage.says("Approved", 1);
    stage.says("Approved", 2);
    assert_eq!(deploy(&stage, 1), "succeeded answered");
    stage.pass(27 * 3_600);
    stage
}

fn copies(stage: &Stage) -> i64 {
    stage.pass(600);
    stage
        .cloud
        .with_world(|world, _| world.snapshot().component(PRODUCTION, "churn").expect("it is there").desired)
}

#[test]
fn a_sweep_that_failed_half_way_is_finished_by_its_retry_and_by_its_redrive() {
    for redriven in [false, true] {
        let stage = idle();
        let sweep = reconcile(stage.now());
        stage
            .cloud
            .faults
            .inject("UpdateInferenceComponentRuntimeConfig", CallFault::Rejected(Class::Denied));
        assert_eq!(error(stage.invoke(&stage.production, SCALE, &sweep, "one")), "Denied");
        stage.pass(1);
        let other = reconcile(stage.now());
        assert_eq!(said(&stage.run(&stage.production, SCALE, &other)), "no_change already_at_zero");
        stage.pass(60);
        let request = if redriven { "another" } else { "one" };
        let again = stage.invoke(&stage.production, SCALE, &sweep, request).unwrap().unwrap();
        assert_eq!(said(&again), "scale_to_zero idle", "the plan that was left behind");
        assert_eq!(copies(&stage), 0);
        assert_eq!(
            said(&stage.run(&stage.production, SCALE, &reconcile(stage.now()))),
            "unchanged already_at_zero"
        );
    }
}

#[test]
fn a_deployment_that_failed_and_set_the_copies_is_followed_by_sleep_again() {
    let stage = idle();
    assert_eq!(said(&stage.run(&stage.production, SCALE, &reconcile(stage.now()))), "scale_to_zero idle");
    assert_eq!(copies(&stage), 0);
    let broken = json!({"kind": "container_error", "account": null, "target": "churn", "status": 400,
        "message": "no"});
    stage.cloud.with_world(|world, _| world.inject_fault(serde_json::from_value(broken).unwrap()));
    assert_eq!(deploy(&stage, 2), "verification_failed sample_failed");
    assert_eq!(copies(&stage), 1, "the deployment woke it");
    stage.pass(27 * 3_600);
    assert_eq!(said(&stage.run(&stage.production, SCALE, &reconcile(stage.now()))), "scale_to_zero idle");
    assert_eq!(copies(&stage), 0);
}

#[test]
fn a_deployment_that_failed_before_it_told_anything_leaves_it_asleep() {
    let stage = idle();
    assert_eq!(said(&stage.run(&stage.production, SCALE, &reconcile(stage.now()))), "scale_to_zero idle");
    let rejected = || {
        stage.says("Rejected", 2);
        deploy(&stage, 2)
    };
    let refused = || {
        stage.says("Approved", 2);
        stage.cloud.faults.inject("CreateModel", CallFault::Rejected(Class::Permanent));
        deploy(&stage, 2)
    };
    let ends: [(&str, &dyn Fn() -> String); 2] =
        [("failed not_approved", &rejected), ("failed rejected_by_aws", &refused)];
    for (end, fail) in ends {
        assert_eq!(fail(), end);
        assert_eq!(copies(&stage), 0);
        let told = said(&stage.run(&stage.production, SCALE, &reconcile(stage.now())));
        assert!(told.ends_with("already_at_zero"), "{told} after {end}");
    }
}

#[test]
fn people_hear_once_that_it_cannot_go_to_zero() {
    let stage = idle();
    for days in 0..3 {
        stage.cloud.faults.inject("RegisterScalableTarget", CallFault::Rejected(Class::Permanent));
        let told = said(&stage.run(&stage.production, SCALE, &reconcile(stage.now())));
        assert_eq!(told, "no_change rejected_by_aws", "after {days} days");
        stage.pass(27 * 3_600);
    }
    assert_eq!(stage.account(PRODUCTION).alerts().len(), 1);
    assert_eq!(copies(&stage), 1);
    assert_eq!(said(&stage.run(&stage.production, SCALE, &reconcile(stage.now()))), "scale_to_zero idle");
}

#[test]
fn a_request_that_comes_at_the_last_moment_keeps_it_awake() {
    let stage = idle();
    stage.production.ledger.faults.inject("record", CallFault::Pause);
    let sweep = reconcile(stage.now());
    let mut slow = std::pin::pin!(stage.production.invoke(SCALE, &sweep, "slow", stage.now()));
    assert!(poll_once(slow.as_mut()).is_none());
    let ask = json!({"EndpointName": "churn", "InferenceComponentName": "churn", "Body": "1,2",
        "ContentType": "text/csv"});
    stage.account(PRODUCTION).ask("sagemaker-runtime", "InvokeEndpoint", &ask).unwrap();
    stage.pass(0);
    let told = poll_once(slow).unwrap().unwrap();
    assert_eq!(said(&told), "no_change traffic");
    assert_eq!(copies(&stage), 1);
    assert_eq!(stage.account(PRODUCTION).alerts().len(), 0, "nothing is wrong");
}

#[test]
fn a_way_to_zero_that_was_left_behind_is_not_taken_while_or_after_another_version_comes() {
    for ends in [false, true] {
        let stage = idle();
        let sweep = reconcile(stage.now());
        stage
            .cloud
            .faults
            .inject("UpdateInferenceComponentRuntimeConfig", CallFault::Rejected(Class::Denied));
        assert_eq!(error(stage.invoke(&stage.production, SCALE, &sweep, "one")), "Denied");
        stage.pass(60);
        let (began, why) = if ends {
            (deploy(&stage, 2), "no_change in_grace_period")
        } else {
            let request = request(&stage, 2);
            (said(&stage.run(&stage.production, "deploy", &request)), "no_change deployment_in_flight")
        };
        assert_eq!(began, if ends { "succeeded answered" } else { "apply endpoint_ready" });
        let again = stage.invoke(&stage.production, SCALE, &sweep, "one").unwrap().unwrap();
        assert_eq!(said(&again), why);
        assert_eq!(copies(&stage), 1);
    }
}

#[test]
fn the_version_that_sleeps_is_woken_when_it_is_requested_again() {
    let stage = idle();
    assert_eq!(said(&stage.run(&stage.production, SCALE, &reconcile(stage.now()))), "scale_to_zero idle");
    assert_eq!(copies(&stage), 0);
    assert_eq!(deploy(&stage, 1), "succeeded answered");
    assert_eq!(copies(&stage), 1);
}

#[test]
fn another_size_of_the_same_version_is_applied() {
    let stage = idle();
    let larger = CHURN.replace("memoryMb: 1024", "memoryMb: 2048, copies: 2");
    let policy = parse("churn.yaml", &larger).unwrap();
    poll_once(pin!(stage.production.ledger.apply(&policy, stage.now()))).unwrap().unwrap();
    assert_eq!(deploy(&stage, 1), "succeeded answered");
    assert_eq!(copies(&stage), 2);
    let described = json!({"InferenceComponentName": "churn"});
    let described =
        stage.account(PRODUCTION).ask("sagemaker", "DescribeInferenceComponent", &described).unwrap();
    let memory = described.pointer("/Specification/ComputeResourceRequirements/MinMemoryRequiredInMb");
    assert_eq!(memory, Some(&json!(2048)));
}
