//! Duplicate delivery: every event of AWS is delivered three times, and at the end all events are delivered again.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_sandbox::{Account, HUB, PRODUCTION, STAGING};
use tidegate_world::{ApiCall, Emission, Event, EventFault, Fault, Snapshot};

use crate::calm::{ABALONE, Evidence, calm, the_loop};
use crate::shared_run::{SharedRun, block_on};
use crate::test_cloud::{TestCloud, is_tidegates, is_write, text};

pub(crate) struct DuplicateDelivery {
    day: Evidence,
    again: Snapshot,
    writes_again: Vec<ApiCall>,
    acts_again: Vec<Value>,
    dead_letters: Vec<(String, usize)>,
}

static DUPLICATE_DELIVERY: SharedRun<DuplicateDelivery> = SharedRun::new();

pub(crate) async fn duplicate_delivery() -> Arc<DuplicateDelivery> {
    DUPLICATE_DELIVERY
        .get_or_run(|| async {
            let mut test = TestCloud::new().await;
            test.world().inject_fault(Fault::Events {
                account: None,
                detail_type: None,
                times: None,
                fault: EventFault::Copies(3),
            });
            let day = the_loop(&mut test, &ABALONE).await;
            replay_everything(&test).await;
            test.wait_until_idle().await;
            let known = day.decisions.iter().map(|d| text(d, "id")).collect::<Vec<_>>();
            let is_new_act = |d: &&Value| !known.contains(&text(d, "id")) && acts(d);
            DuplicateDelivery {
                again: test.snapshot(),
                writes_again: test
                    .world()
                    .calls()
                    .into_iter()
                    .skip(day.calls.len())
                    .filter(|call| is_tidegates(call) && is_write(call))
                    .collect(),
                acts_again: test.decisions().iter().filter(is_new_act).cloned().collect(),
                dead_letters: test.all_dead_letters().await,
                day,
            }
        })
        .await
}

/// Sends all events of AWS, and all events of Tidegate to its other accounts, once more.
async fn replay_everything(test: &TestCloud) {
    for emission in test.world().emissions() {
        if let Emission::Event(event) = emission {
            replay(test, &event).await;
        }
    }
    for decision in test.decisions() {
        for action in decision.get("plan").and_then(Value::as_array).into_iter().flatten() {
            let (detail_type, body) = match text(action, "action") {
                "request_deployment" => ("Deployment Requested", "request"),
                "report_deployment" => ("Deployment Finished", "finished"),
                "answer_waiting" => ("Deployment Waiting", "waiting"),
                "report_health" => ("Endpoint Health Changed", "changed"),
                "request_retraining" => ("Retraining Requested", "request"),
                "report_retraining" => ("Retraining Finished", "finished"),
                _ => continue,
            };
            let mut detail = action.get(body).cloned().unwrap_or_default();
            detail["schema"] = json!(1);
            let accounts = [HUB, STAGING, PRODUCTION];
            let from =
                accounts.into_iter().find(|a| a.id == text(decision, "account")).expect("one of three");
            test.deliver_again(from, detail_type, &detail).await;
        }
    }
}

async fn replay(test: &TestCloud, event: &Event) {
    let entry = json!({
        "Source": event.source, "DetailType": event.detail_type, "Detail": event.detail,
        "Resources": event.resources, "Time": event.time.to_string(),
    });
    let body = json!({ "account": event.account, "region": event.region, "entries": [entry] });
    test.cloud.aws().door("/_tidegate/events", &body).await.unwrap_or_else(|error| panic!("{error}"));
}

/// Whether a decision does something beyond waiting.
fn acts(decision: &Value) -> bool {
    const ACTS: [&str; 9] = [
        "start",
        "deploy",
        "apply",
        "succeeded",
        "complete",
        "retrain",
        "scale_to_zero",
        "scale_from_zero",
        "stop",
    ];
    ACTS.contains(&text(decision, "verdict"))
}

/// How often each act was decided.
pub(crate) fn acts_of(decisions: &[Value]) -> BTreeMap<(String, String, String, String), usize> {
    let mut counts = BTreeMap::new();
    for decision in decisions.iter().filter(|d| acts(d)) {
        let of = |name| text(decision, name).to_owned();
        let key = (of("account"), of("function"), of("verdict"), of("reason"));
        *counts.entry(key).or_default() += 1;
    }
    counts
}

#[test]
fn the_final_state_is_the_same_as_without_duplicates() {
    let (calm, duplicate_delivery) = block_on(async { (calm().await, duplicate_delivery().await) });
    let statuses = |world: &Snapshot| {
        let of = |e: &tidegate_world::ExecutionState| (e.pipeline.clone(), e.status.clone(), e.steps.clone());
        world.executions.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(duplicate_delivery.day.world.endpoints, calm.world.endpoints);
    assert_eq!(duplicate_delivery.day.world.components, calm.world.components);
    assert_eq!(duplicate_delivery.day.world.packages, calm.world.packages);
    assert_eq!(statuses(&duplicate_delivery.day.world), statuses(&calm.world));
    assert_eq!(acts_of(&duplicate_delivery.day.decisions), acts_of(&calm.decisions));
}

#[test]
fn each_action_took_effect_once() {
    let duplicate_delivery = block_on(duplicate_delivery());
    let expected: [(Account, &str, usize); 11] = [
        (HUB, "CreatePipeline", 1),
        (HUB, "StartPipelineExecution", 2),
        (STAGING, "CreateModel", 1),
        (STAGING, "CreateEndpointConfig", 1),
        (STAGING, "CreateEndpoint", 1),
        (PRODUCTION, "CreateModel", 1),
        (PRODUCTION, "CreateEndpointConfig", 1),
        (PRODUCTION, "CreateEndpoint", 1),
        (PRODUCTION, "CreateInferenceComponent", 1),
        (PRODUCTION, "PutScalingPolicy", 1),
        (PRODUCTION, "UpdateInferenceComponentRuntimeConfig", 1),
    ];
    for (account, operation, times) in expected {
        assert_eq!(
            duplicate_delivery.day.calls(account.id, operation),
            times,
            "{operation} in {}",
            account.environment
        );
    }
    assert_eq!(duplicate_delivery.day.world.executions.len(), 2);
}

#[test]
fn a_replay_of_all_events_changes_nothing() {
    let duplicate_delivery = block_on(duplicate_delivery());
    assert_eq!(duplicate_delivery.again, duplicate_delivery.day.world);
    assert!(duplicate_delivery.writes_again.is_empty(), "{:#?}", duplicate_delivery.writes_again);
    assert!(duplicate_delivery.acts_again.is_empty(), "{:#?}", duplicate_delivery.acts_again);
}

#[test]
fn copies_do_not_end_as_dead_letters() {
    let duplicate_delivery = block_on(duplicate_delivery());
    assert!(
        duplicate_delivery.dead_letters.iter().all(|(_, count)| *count == 0),
        "{:?}",
        duplicate_delivery.dead_letters
    );
}
