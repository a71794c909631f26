//! The loop on a calm day: a commit trains, an approval deploys, drift retrains, an idle endpoint sleeps and wakes.

use std::sync::Arc;

use serde_json::Value;
use tidegate_sandbox::{HUB, PRODUCTION, STAGING};
use tidegate_world::{ApiCall, Emission, Snapshot};

use crate::chaos_ledger::Item;
use crate::model::{COMPONENT, Model, SERVERLESS};
use crate::stage::{Stage, is_tidegates, is_write};
use crate::tale::{Tale, play};

pub(crate) const ABALONE: Model = Model {
    name: "abalone",
    staging: SERVERLESS,
    staging_more: "",
    production: COMPONENT,
    production_more: "    gates: { soak: 3s }\n    scale: { toZero: { idle: 5s, grace: 5s } }",
    drift: "{ response: retrain, cooldown: 24h, budget: { retrainings: 4, per: 30d }, escalateAfter: 2 }",
};

/// What is left when the story is over.
pub(crate) struct Evidence {
    pub(crate) world: Snapshot,
    pub(crate) while_asleep: Snapshot,
    pub(crate) calls: Vec<ApiCall>,
    pub(crate) decisions: Vec<Value>,
    pub(crate) ledgers: Vec<Item>,
    pub(crate) told: Vec<Emission>,
    pub(crate) alerts: Vec<(String, String, String)>,
    pub(crate) dead_letters: Vec<(String, usize)>,
    pub(crate) permissions: Value,
    pub(crate) unanswered: u32,
    pub(crate) answered: u32,
}

static CALM: Tale<Evidence> = Tale::untold();

/// The evidence of a calm day.
pub(crate) async fn calm() -> Arc<Evidence> {
    CALM.told_by(|| async {
        let mut stage = Stage::new().await;
        the_loop(&mut stage, &ABALONE).await
    })
    .await
}

/// Every station of the loop, for one model.
pub(crate) async fn the_loop(stage: &mut Stage, model: &Model) -> Evidence {
    stage.introduce(model).await;
    let package = stage.train(model, 1).await;
    stage.approve(&package);
    stage.hear(model, HUB, "promote", "deploy", "approved").await;
    stage.hear(model, STAGING, "deploy", "succeeded", "answered").await;
    stage.hear(model, HUB, "promote", "wait", "soaking").await;
    stage.hear(model, HUB, "promote", "deploy", "soak_ended").await;
    stage.hear(model, PRODUCTION, "deploy", "succeeded", "answered").await;
    stage.hear(model, HUB, "promote", "complete", "last_environment").await;
    stage.data_drifts(model, PRODUCTION, &model.in_production()).await;
    stage.hear(model, PRODUCTION, "respond", "retrain", "drift_alarm").await;
    stage.hear(model, HUB, "train", "start", "retraining_requested").await;
    stage.registered(model, 2).await;
    stage.edit_metadata(&package);
    stage.hear(model, HUB, "promote", "ignore", "metadata_only").await;
    stage.fall_asleep(model).await;
    // A tick that is still on its way would put it to sleep once more.
    stage.nothing_on_its_way().await;
    let while_asleep = stage.snapshot();
    let unanswered = stage.request(model);
    stage.hear(model, PRODUCTION, "scale", "scale_from_zero", "no_capacity").await;
    stage.at_copies(model, 1).await;
    let answered = stage.request(model);
    stage.rest().await;
    Evidence {
        world: stage.snapshot(),
        while_asleep,
        calls: stage.world().calls(),
        decisions: stage.decisions().to_vec(),
        ledgers: stage.ledgers().await,
        told: stage.world().emissions(),
        alerts: stage.alerts(),
        dead_letters: stage.all_dead_letters().await,
        permissions: stage.permissions().await,
        unanswered,
        answered,
    }
}

impl Evidence {
    /// How often an account's functions made a call that was answered.
    pub(crate) fn calls(&self, account: &str, operation: &str) -> usize {
        let of = |call: &&ApiCall| {
            is_tidegates(call)
                && call.account == account
                && call.operation == operation
                && call.outcome == "ok"
        };
        self.calls.iter().filter(of).count()
    }
}

#[test]
fn version_1_is_deployed_to_both_environments_and_version_2_waits_for_a_person() {
    let evidence = play(calm());
    let versions: Vec<_> = evidence.world.packages.iter().map(|p| (p.version, p.approval.as_str())).collect();
    assert_eq!(versions, [(1, "Approved"), (2, "PendingManualApproval")]);
    let staging = evidence.world.endpoint(STAGING.id, &ABALONE.in_staging()).expect("staging serves");
    assert_eq!(staging.status, "InService");
    assert!(staging.models.iter().all(|model| model.starts_with("abalone-staging-v1-")), "{staging:?}");
    assert!(!staging.models.is_empty());
    let production = evidence.world.component(PRODUCTION.id, &ABALONE.in_production()).expect("it serves");
    assert!(production.model.as_deref().is_some_and(|m| m.starts_with("abalone-v1-")), "{production:?}");
    assert_eq!((production.status.as_str(), production.desired, production.current), ("InService", 1, 1));
    assert_eq!(evidence.world.endpoints.len(), 2, "{:?}", evidence.world.endpoints);
    assert_eq!(evidence.world.components.len(), 1, "{:?}", evidence.world.components);
}

#[test]
fn the_commit_and_the_drift_start_one_execution_each() {
    let evidence = play(calm());
    let executions = evidence.world.executions_of(HUB.id, &ABALONE.pipeline());
    let statuses: Vec<_> = executions.iter().map(|e| e.status.as_str()).collect();
    assert_eq!(statuses, ["Succeeded", "Succeeded"]);
    assert_eq!(evidence.calls(HUB.id, "StartPipelineExecution"), 2);
    assert_eq!(evidence.calls(HUB.id, "CreatePipeline"), 1);
    assert_eq!(evidence.calls(HUB.id, "UpdatePipeline"), 0);
}

#[test]
fn production_is_asked_only_after_staging_has_soaked() {
    let evidence = play(calm());
    let first = |account: &str, operation: &str| {
        let mut calls = evidence.calls.iter().filter(|c| c.account == account && c.operation == operation);
        calls.next().unwrap_or_else(|| panic!("no {operation} in {account}")).at
    };
    let soak = first(PRODUCTION.id, "CreateEndpoint").duration_since(first(STAGING.id, "InvokeEndpoint"));
    assert!(soak.as_secs() >= 3, "{soak}");
}

#[test]
fn an_idle_endpoint_goes_to_zero_copies_and_a_request_wakes_it() {
    let evidence = play(calm());
    let asleep =
        evidence.while_asleep.component(PRODUCTION.id, &ABALONE.in_production()).expect("it is there");
    assert_eq!((asleep.desired, asleep.current), (0, 0));
    assert_eq!(evidence.unanswered, 0, "a request to no copy is not answered");
    assert_eq!(evidence.answered, 1, "the one after the wake is");
}

#[test]
fn nobody_is_told_and_nothing_is_left_over() {
    let evidence = play(calm());
    assert!(evidence.alerts.is_empty(), "{:?}", evidence.alerts);
    assert!(evidence.dead_letters.iter().all(|(_, count)| *count == 0), "{:?}", evidence.dead_letters);
    let writes = evidence.calls.iter().filter(|call| is_tidegates(call) && is_write(call));
    let refused: Vec<_> = writes.filter(|call| call.outcome != "ok").collect();
    assert!(refused.is_empty(), "{refused:?}");
}
