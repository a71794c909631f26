//! A bad day for the post: every event of AWS is delivered three times, at once, and in the end all of it again.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_sandbox::{Account, HUB, PRODUCTION, STAGING};
use tidegate_world::{ApiCall, Emission, Event, EventFault, Fault, Snapshot};

use crate::calm::{ABALONE, Evidence, calm, the_loop};
use crate::stage::{Stage, is_tidegates, is_write, text};
use crate::tale::{Tale, play};

pub(crate) struct Thrice {
    day: Evidence,
    again: Snapshot,
    writes_again: Vec<ApiCall>,
    acts_again: Vec<Value>,
    dead_letters: Vec<(String, usize)>,
}

static THRICE: Tale<Thrice> = Tale::untold();

pub(crate) async fn thrice() -> Arc<Thrice> {
    THRICE
        .told_by(|| async {
            let mut stage = Stage::new().await;
            stage.world().inject_fault(Fault::Events {
                account: None,
                detail_type: None,
                times: None,
                fault: EventFault::Copies(3),
            });
            let day = the_loop(&mut stage, &ABALONE).await;
            tell_everything_again(&stage).await;
            stage.rest().await;
            let known = day.decisions.iter().map(|d| text(d, "id")).collect::<Vec<_>>();
            let is_new_act = |d: &&Value| !known.contains(&text(d, "id")) && acts(d);
            Thrice {
                again: stage.snapshot(),
                writes_again: stage
                    .world()
                    .calls()
                    .into_iter()
                    .skip(day.calls.len())
                    .filter(|call| is_tidegates(call) && is_write(call))
                    .collect(),
                acts_again: stage.decisions().iter().filter(is_new_act).cloned().collect(),
                dead_letters: stage.all_dead_letters().await,
                day,
            }
        })
        .await
}

/// Sends everything that AWS told, and everything that Tidegate told its other accounts, once more.
async fn tell_everything_again(stage: &Stage) {
    for emission in stage.world().emissions() {
        if let Emission::Event(event) = emission {
            tell(stage, &event).await;
        }
    }
    for decision in stage.decisions() {
        for action in decision.get("plan").and_then(Value::as_array).into_iter().flatten() {
            let (detail_type, body) = match text(action, "action") {
                "request_deployment" => ("Deployment Requested", "request"),
                "report_deployment" => ("Deployment Finished", "finished"),
                "request_retraining" => ("Retraining Requested", "request"),
                _ => continue,
            };
            let mut detail = action.get(body).cloned().unwrap_or_default();
            detail["schema"] = json!(1);
            let accounts = [HUB, STAGING, PRODUCTION];
            let from =
                accounts.into_iter().find(|a| a.id == text(decision, "account")).expect("one of three");
            stage.put_event(from, detail_type, &detail).await;
        }
    }
}

async fn tell(stage: &Stage, event: &Event) {
    let entry = json!({
        "Source": event.source, "DetailType": event.detail_type, "Detail": event.detail,
        "Resources": event.resources, "Time": event.time.to_string(),
    });
    let body = json!({ "account": event.account, "region": event.region, "entries": [entry] });
    stage.cloud.aws().door("/_tidegate/events", &body).await.unwrap_or_else(|error| panic!("{error}"));
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
fn the_day_ends_as_a_calm_one() {
    let (calm, thrice) = play(async { (calm().await, thrice().await) });
    let statuses = |world: &Snapshot| {
        let of = |e: &tidegate_world::ExecutionState| (e.pipeline.clone(), e.status.clone(), e.steps.clone());
        world.executions.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(thrice.day.world.endpoints, calm.world.endpoints);
    assert_eq!(thrice.day.world.components, calm.world.components);
    assert_eq!(thrice.day.world.packages, calm.world.packages);
    assert_eq!(statuses(&thrice.day.world), statuses(&calm.world));
    assert_eq!(acts_of(&thrice.day.decisions), acts_of(&calm.decisions));
}

#[test]
fn each_action_took_effect_once() {
    let thrice = play(thrice());
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
        assert_eq!(thrice.day.calls(account.id, operation), times, "{operation} in {}", account.environment);
    }
    assert_eq!(thrice.day.world.executions.len(), 2);
}

#[test]
fn the_whole_day_told_again_changes_nothing() {
    let thrice = play(thrice());
    assert_eq!(thrice.again, thrice.day.world);
    assert!(thrice.writes_again.is_empty(), "{:#?}", thrice.writes_again);
    assert!(thrice.acts_again.is_empty(), "{:#?}", thrice.acts_again);
}

#[test]
fn copies_do_not_end_as_dead_letters() {
    let thrice = play(thrice());
    assert!(thrice.dead_letters.iter().all(|(_, count)| *count == 0), "{:?}", thrice.dead_letters);
}
