//! A permanent rejection by AWS becomes a decision and an alert; no dead letter remains.

use std::sync::Arc;

use serde_json::Value;
use tidegate_sandbox::{Account, CloudConfig, HUB, PRODUCTION, STAGING};
use tidegate_world::Fault;

use crate::model::Model;
use crate::shared_run::{SharedRun, block_on};
use crate::test_cloud::{TestCloud, text};

const PLAICE: Model =
    Model { production_more: "    scale: { toZero: { idle: 5s, grace: 5s } }", ..Model::plain("plaice") };

pub(crate) struct Refusals {
    alerts: Vec<(String, String, String)>,
    decisions: Vec<Value>,
    dead_letters: Vec<(String, usize)>,
    pub(crate) permissions: Value,
}

static REFUSALS: SharedRun<Refusals> = SharedRun::new();

pub(crate) async fn refusals() -> Arc<Refusals> {
    REFUSALS.get_or_run(scenario).await
}

fn refuse(test: &TestCloud, account: Account, operation: &str) {
    test.world().inject_fault(Fault::RejectCall {
        account: Some(account.id.to_owned()),
        operation: operation.to_owned(),
        message: "your account may not have this".to_owned(),
    });
}

async fn scenario() -> Refusals {
    let mut test = TestCloud::with(CloudConfig::default()).await;
    test.introduce(&PLAICE).await;
    refuse(&test, HUB, "CreatePipeline");
    test.push(&PLAICE, "its pipeline is refused");
    test.wait_for_decision(&PLAICE, HUB, "train", "reject", "rejected_by_aws").await;
    let first = test.train(&PLAICE, 1).await;
    test.release(&PLAICE, &first).await;

    refuse(&test, PRODUCTION, "RegisterScalableTarget");
    test.tick_until(&PLAICE, "no_change", "rejected_by_aws").await;
    let second = test.train(&PLAICE, 2).await;
    refuse(&test, STAGING, "UpdateEndpoint");
    test.approve(&second);
    test.wait_for_decision(&PLAICE, STAGING, "deploy", "failed", "rejected_by_aws").await;
    test.wait_for_decision(&PLAICE, HUB, "promote", "stop", "environment_failed").await;
    test.wait_for_alert("of the failed deployment", |subject, _| subject.contains("plaice 2")).await;
    test.wait_until_idle().await;
    Refusals {
        alerts: test.alerts(),
        decisions: test.decisions().to_vec(),
        dead_letters: test.all_dead_letters().await,
        permissions: test.permissions().await,
    }
}

fn decided<'d>(day: &'d Refusals, function: &str, reason: &str) -> Vec<&'d Value> {
    let of = |record: &&Value| text(record, "function") == function && text(record, "reason") == reason;
    day.decisions.iter().filter(of).collect()
}

#[test]
fn each_rejection_is_a_decision_caused_by_the_one_whose_plan_it_ended() {
    let day = block_on(refusals());
    for (function, before) in [("train", "commit"), ("deploy", "requested"), ("scale", "idle")] {
        let refused = decided(&day, function, "rejected_by_aws");
        assert_eq!(refused.len(), 1, "{function}");
        let ended = decided(&day, function, before).into_iter().find(|r| r["id"] == refused[0]["caused_by"]);
        let ended = ended.unwrap_or_else(|| panic!("{function}: what it follows"));
        let statuses: Vec<&str> =
            ended["outcomes"].as_array().unwrap().iter().map(|outcome| text(outcome, "status")).collect();
        assert_eq!(statuses.last(), Some(&"rejected"), "{function}: {statuses:?}");
        assert!(text(refused[0], "message").contains("may not have this"), "{}", refused[0]);
    }
}

#[test]
fn each_rejection_sends_one_alert_and_the_queues_stay_empty() {
    let day = block_on(refusals());
    let mut subjects: Vec<&str> = day.alerts.iter().map(|(_, subject, _)| subject.as_str()).collect();
    subjects.sort_unstable();
    assert_eq!(subjects.len(), 3, "{subjects:#?}");
    assert!(day.dead_letters.iter().all(|(_, waiting)| *waiting == 0), "{:?}", day.dead_letters);
}
