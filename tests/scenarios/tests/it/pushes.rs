//! Pushes in a hurry, and branches that go back: what runs is what the branch says.

use std::pin::pin;

use serde_json::json;
use tidegate_events::{Body, Event};
use tidegate_testkit::{CallFault, poll_once};

use super::stage::{DEFINITION, HUB, Stage, reconcile, said};

const TRAIN: &str = "train";

fn train(stage: &Stage, event: &Event) -> String {
    said(&stage.run(&stage.hub, TRAIN, event))
}

fn sweep(stage: &Stage) -> String {
    stage.pass(1);
    train(stage, &reconcile(stage.now()))
}

/// The definition with a volume of its own size: two of them differ.
fn definition(number: usize) -> String {
    DEFINITION.replace("\"VolumeSizeInGB\": 30", &format!("\"VolumeSizeInGB\": {}", 30 + number))
}

fn installed(stage: &Stage) -> String {
    let describe = json!({"PipelineName": "churn-train"});
    let found = stage.account(HUB).ask("sagemaker", "DescribePipeline", &describe).unwrap();
    found["PipelineDefinition"].as_str().unwrap().to_owned()
}

fn commit(event: &Event) -> String {
    let Body::CommitPushed(push) = &event.body else { panic!("a push") };
    push.commit.clone().unwrap()
}

#[test]
fn a_slow_push_does_not_overwrite_the_definition_of_a_newer_one() {
    let stage = Stage::new();
    train(&stage, &stage.push(&definition(0))[0]);
    let older = stage.push(&definition(1)).remove(0);
    stage.cloud.faults.inject("GetFile", CallFault::Pause);
    let mut slow = pin!(stage.hub.invoke(TRAIN, &older, "slow", stage.now()));
    assert!(poll_once(slow.as_mut()).is_none());
    // It decides, and is slow again before it acts.
    stage.hub.ledger.faults.inject("state", CallFault::Pause);
    assert!(poll_once(slow.as_mut()).is_none());
    assert_eq!(stage.hub.ledger.all_decisions().len(), 2);
    assert_eq!(train(&stage, &stage.push(&definition(2))[0]), "start commit");
    assert_eq!(said(&poll_once(slow).unwrap().unwrap()), "start commit");
    assert_eq!(installed(&stage), definition(2));
    assert_eq!(stage.executions("churn-train"), 2, "the slow one was overtaken");
}

#[test]
fn what_a_slow_push_would_install_is_taken_back_by_the_one_that_restores_the_definition() {
    let stage = Stage::new();
    train(&stage, &stage.push(&definition(0))[0]);
    let older = stage.push(&definition(1)).remove(0);
    stage.cloud.faults.inject("UpdatePipeline", CallFault::Pause);
    let mut slow = pin!(stage.hub.invoke(TRAIN, &older, "slow", stage.now()));
    assert!(poll_once(slow.as_mut()).is_none());
    stage.pass(1);
    let restores = stage.push(&format!("{}\n", definition(0))).remove(0);
    stage.run(&stage.hub, TRAIN, &restores);
    let restored = stage.hub.ledger.all_decisions().pop().unwrap();
    let actions: Vec<&str> = restored.plan.iter().filter_map(|action| action["action"].as_str()).collect();
    assert_eq!(actions, ["upsert_pipeline", "start_execution"], "another definition is on its way");
    poll_once(slow).unwrap().unwrap();
    // The call of the slow one was under way already. The next push does not take what it finds for granted.
    train(&stage, &stage.push(&format!("{}\n\n", definition(0)))[0]);
    assert_eq!(installed(&stage), format!("{}\n\n", definition(0)));
}

#[test]
fn a_branch_that_is_set_back_trains_again_with_what_it_has_now() {
    let stage = Stage::new();
    let first = stage.push(&definition(0)).remove(0);
    train(&stage, &first);
    train(&stage, &stage.push(&definition(1))[0]);
    let back = stage.set_back(&commit(&first)).remove(0);
    assert_eq!(train(&stage, &back), "start commit");
    assert_eq!(installed(&stage), definition(0));
    assert_eq!(stage.executions("churn-train"), 3, "not the first execution over again");
    assert_eq!(train(&stage, &back), "duplicate");
    assert_eq!(train(&stage, &first), "duplicate");
    assert_eq!(sweep(&stage), "pass nothing_overdue");
}

#[test]
fn a_lost_push_that_sets_a_branch_back_is_found_and_its_late_event_is_a_duplicate() {
    let stage = Stage::new();
    let first = stage.push(&definition(0)).remove(0);
    train(&stage, &first);
    train(&stage, &stage.push(&definition(1))[0]);
    let lost = stage.set_back(&commit(&first)).remove(0);
    assert_eq!(sweep(&stage), "start commit");
    assert_eq!(installed(&stage), definition(0));
    assert_eq!(train(&stage, &lost), "duplicate");
    assert_eq!(stage.executions("churn-train"), 3);
}

#[test]
fn of_two_lost_pushes_the_newest_trains_once_whenever_their_events_come() {
    let stage = Stage::new();
    train(&stage, &stage.push(&definition(0))[0]);
    let lost = stage.push(&definition(1)).remove(0);
    let newest = stage.push(&definition(2)).remove(0);
    assert_eq!(sweep(&stage), "start commit");
    assert_eq!(train(&stage, &newest), "skip already_started");
    assert_eq!(train(&stage, &lost), "skip older_commit");
    assert_eq!(sweep(&stage), "pass nothing_overdue");
    assert_eq!(stage.executions("churn-train"), 2);
}

#[test]
fn an_event_that_comes_after_two_newer_pushes_does_not_train_its_commit_again() {
    let stage = Stage::new();
    train(&stage, &stage.push(&definition(0))[0]);
    stage.push(&definition(1));
    let late = stage.push(&definition(2)).remove(0);
    assert_eq!(sweep(&stage), "start commit");
    train(&stage, &stage.push(&definition(3))[0]);
    // Of the head nobody has told yet.
    let head = stage.push(&definition(4)).remove(0);
    assert_eq!(train(&stage, &late), "skip older_commit");
    assert_eq!(installed(&stage), definition(3));
    assert_eq!(train(&stage, &head), "start commit");
    assert_eq!(stage.executions("churn-train"), 4);
}

#[test]
fn the_event_of_the_newest_of_two_lost_pushes_may_come_first() {
    let stage = Stage::new();
    train(&stage, &stage.push(&definition(0))[0]);
    stage.push(&definition(1));
    let newest = stage.push(&definition(2)).remove(0);
    stage.cloud.faults.inject("StartPipelineExecution", CallFault::CrashBefore);
    assert!(stage.invoke(&stage.hub, TRAIN, &newest, "dead").is_none());
    stage.pass(3_600);
    let answers = "succeeded execution_succeeded, start commit";
    assert_eq!(sweep(&stage), answers, "the sweep goes on with the plan of the event");
    assert_eq!(stage.hub.ledger.all_decisions().len(), 3);
    assert_eq!(sweep(&stage), "pass nothing_overdue");
    assert_eq!(train(&stage, &newest), "duplicate");
    assert_eq!(stage.executions("churn-train"), 2);
}
