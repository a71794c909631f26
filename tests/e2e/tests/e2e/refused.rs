//! What AWS refuses for good is decided upon, reported and told; nothing is left in a queue.

use std::sync::Arc;

use serde_json::Value;
use tidegate_sandbox::{Account, CloudConfig, HUB, PRODUCTION, STAGING};
use tidegate_world::Fault;

use crate::model::Model;
use crate::stage::{Stage, text};
use crate::tale::{Tale, play};

const PLAICE: Model =
    Model { production_more: "    scale: { toZero: { idle: 5s, grace: 5s } }", ..Model::plain("plaice") };

pub(crate) struct Refusals {
    alerts: Vec<(String, String, String)>,
    decisions: Vec<Value>,
    dead_letters: Vec<(String, usize)>,
    pub(crate) permissions: Value,
}

static REFUSALS: Tale<Refusals> = Tale::untold();

pub(crate) async fn refusals() -> Arc<Refusals> {
    REFUSALS.told_by(story).await
}

fn refuse(stage: &Stage, account: Account, operation: &str) {
    stage.world().inject_fault(Fault::RejectCall {
        account: Some(account.id.to_owned()),
        operation: operation.to_owned(),
        message: "your account may not have this".to_owned(),
    });
}

async fn story() -> Refusals {
    let mut stage = Stage::with(CloudConfig::default()).await;
    stage.introduce(&PLAICE).await;
    refuse(&stage, HUB, "CreatePipeline");
    stage.push(&PLAICE, "its pipeline is refused");
    stage.hear(&PLAICE, HUB, "train", "reject", "rejected_by_aws").await;
    let first = stage.train(&PLAICE, 1).await;
    stage.release(&PLAICE, &first).await;

    refuse(&stage, PRODUCTION, "RegisterScalableTarget");
    stage.tick_until(&PLAICE, "no_change", "rejected_by_aws").await;
    let second = stage.train(&PLAICE, 2).await;
    refuse(&stage, STAGING, "UpdateEndpoint");
    stage.approve(&second);
    stage.hear(&PLAICE, STAGING, "deploy", "failed", "rejected_by_aws").await;
    stage.hear(&PLAICE, HUB, "promote", "stop", "environment_failed").await;
    stage.hear_alert("of the failed deployment", |subject, _| subject.contains("plaice 2")).await;
    stage.rest().await;
    Refusals {
        alerts: stage.alerts(),
        decisions: stage.decisions().to_vec(),
        dead_letters: stage.all_dead_letters().await,
        permissions: stage.permissions().await,
    }
}

fn decided<'d>(day: &'d Refusals, function: &str, reason: &str) -> Vec<&'d Value> {
    let of = |record: &&Value| text(record, "function") == function && text(record, "reason") == reason;
    day.decisions.iter().filter(of).collect()
}

#[test]
fn each_refusal_is_a_decision_that_follows_the_one_whose_plan_it_ended() {
    let day = play(refusals());
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
fn people_hear_of_each_refusal_once_and_the_queues_stay_empty() {
    let day = play(refusals());
    let mut subjects: Vec<&str> = day.alerts.iter().map(|(_, subject, _)| subject.as_str()).collect();
    subjects.sort_unstable();
    assert_eq!(subjects.len(), 3, "{subjects:#?}");
    assert!(day.dead_letters.iter().all(|(_, waiting)| *waiting == 0), "{:?}", day.dead_letters);
}
