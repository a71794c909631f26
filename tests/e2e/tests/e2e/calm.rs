//! The loop without faults: a commit trains, an approval deploys, drift retrains, an idle endpoint scales to zero and back.

use std::sync::Arc;

use serde_json::Value;
use tidegate_sandbox::{HUB, PRODUCTION, STAGING};
use tidegate_world::{ApiCall, Emission, Snapshot};

use crate::chaos_ledger::Item;
use crate::model::{COMPONENT, Model, SERVERLESS};
use crate::shared_run::{SharedRun, block_on};
use crate::test_cloud::{TestCloud, is_tidegates, is_write};

pub(crate) const ABALONE: Model = Model {
    name: "abalone",
    staging: SERVERLESS,
    staging_more: "",
    production: COMPONENT,
    production_more: "    gates: { soak: 3s }\n    scale: { toZero: { idle: 5s, grace: 5s } }",
    drift: "{ response: retrain, cooldown: 24h, budget: { retrainings: 4, per: 30d }, escalateAfter: 2 }",
};

/// The evidence at the end of a scenario.
pub(crate) struct Evidence {
    pub(crate) world: Snapshot,
    pub(crate) at_zero: Snapshot,
    pub(crate) calls: Vec<ApiCall>,
    pub(crate) decisions: Vec<Value>,
    pub(crate) ledgers: Vec<Item>,
    pub(crate) emissions: Vec<Emission>,
    pub(crate) alerts: Vec<(String, String, String)>,
    pub(crate) dead_letters: Vec<(String, usize)>,
    pub(crate) permissions: Value,
    pub(crate) unanswered: u32,
    pub(crate) answered: u32,
}

static CALM: SharedRun<Evidence> = SharedRun::new();

/// The evidence of the loop without faults.
pub(crate) async fn calm() -> Arc<Evidence> {
    CALM.get_or_run(|| async {
        let mut test = TestCloud::new().await;
        the_loop(&mut test, &ABALONE).await
    })
    .await
}

/// Every step of the loop, for one model.
pub(crate) async fn the_loop(test: &mut TestCloud, model: &Model) -> Evidence {
    test.introduce(model).await;
    let package = test.train(model, 1).await;
    test.approve(&package);
    test.wait_for_decision(model, HUB, "promote", "deploy", "approved").await;
    test.wait_for_decision(model, STAGING, "deploy", "succeeded", "answered").await;
    test.wait_for_decision(model, HUB, "promote", "wait", "soaking").await;
    test.wait_for_decision(model, HUB, "promote", "deploy", "soak_ended").await;
    test.wait_for_decision(model, PRODUCTION, "deploy", "succeeded", "answered").await;
    test.wait_for_decision(model, HUB, "promote", "complete", "last_environment").await;
    test.data_drifts(model, PRODUCTION, &model.in_production()).await;
    test.wait_for_decision(model, PRODUCTION, "respond", "retrain", "drift_alarm").await;
    test.wait_for_decision(model, HUB, "train", "start", "retraining_requested").await;
    test.registered(model, 2).await;
    test.edit_metadata(&package);
    test.wait_for_decision(model, HUB, "promote", "ignore", "metadata_only").await;
    test.scale_to_zero(model).await;
    // A pending tick would scale it to zero once more.
    test.wait_for_pending_events().await;
    let at_zero = test.snapshot();
    let unanswered = test.request(model);
    test.wait_for_decision(model, PRODUCTION, "scale", "scale_from_zero", "no_capacity").await;
    test.at_copies(model, 1).await;
    let answered = test.request(model);
    test.wait_until_idle().await;
    Evidence {
        world: test.snapshot(),
        at_zero,
        calls: test.world().calls(),
        decisions: test.decisions().to_vec(),
        ledgers: test.ledgers().await,
        emissions: test.world().emissions(),
        alerts: test.alerts(),
        dead_letters: test.all_dead_letters().await,
        permissions: test.permissions().await,
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
    let evidence = block_on(calm());
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
    let evidence = block_on(calm());
    let executions = evidence.world.executions_of(HUB.id, &ABALONE.pipeline());
    let statuses: Vec<_> = executions.iter().map(|e| e.status.as_str()).collect();
    assert_eq!(statuses, ["Succeeded", "Succeeded"]);
    assert_eq!(evidence.calls(HUB.id, "StartPipelineExecution"), 2);
    assert_eq!(evidence.calls(HUB.id, "CreatePipeline"), 1);
    assert_eq!(evidence.calls(HUB.id, "UpdatePipeline"), 0);
}

#[test]
fn production_is_requested_only_after_the_soak_in_staging() {
    let evidence = block_on(calm());
    let first = |account: &str, operation: &str| {
        let mut calls = evidence.calls.iter().filter(|c| c.account == account && c.operation == operation);
        calls.next().unwrap_or_else(|| panic!("no {operation} in {account}")).at
    };
    let soak = first(PRODUCTION.id, "CreateEndpoint").duration_since(first(STAGING.id, "InvokeEndpoint"));
    assert!(soak.as_secs() >= 3, "{soak}");
}

#[test]
fn an_idle_endpoint_scales_to_zero_and_a_request_scales_it_out() {
    let evidence = block_on(calm());
    let asleep = evidence.at_zero.component(PRODUCTION.id, &ABALONE.in_production()).expect("it is there");
    assert_eq!((asleep.desired, asleep.current), (0, 0));
    assert_eq!(evidence.unanswered, 0, "a request at zero copies is not answered");
    assert_eq!(evidence.answered, 1, "a request after scaling from zero is");
}

#[test]
fn there_are_no_alerts_and_no_dead_letters() {
    let evidence = block_on(calm());
    assert!(evidence.alerts.is_empty(), "{:?}", evidence.alerts);
    assert!(evidence.dead_letters.iter().all(|(_, count)| *count == 0), "{:?}", evidence.dead_letters);
    let writes = evidence.calls.iter().filter(|call| is_tidegates(call) && is_write(call));
    let refused: Vec<_> = writes.filter(|call| call.outcome != "ok").collect();
    assert!(refused.is_empty(), "{refused:?}");
}
