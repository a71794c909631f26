//! Updates: a canary, another model in a component, and a rollback about which SageMaker says nothing.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_sandbox::{CloudConfig, HUB, PRODUCTION, STAGING};
use tidegate_world::{ApiCall, Fault, Snapshot};

use crate::model::{COMPONENT, Model, REAL_TIME};
use crate::shared_run::{SharedRun, block_on};
use crate::test_cloud::{TestCloud, text};

const OTTER: Model = Model {
    staging: REAL_TIME,
    staging_more: "    rollout: { canary: { percent: 50, bake: 2m }, alarms: [otter-5xx] }",
    production: COMPONENT,
    ..Model::plain("otter")
};

/// A model that is only watched.
const HERON: Model = Model::plain("heron");
const BUCKET: &str = "tidegate-e2e-reports";

pub(crate) struct Rollouts {
    second: Snapshot,
    third: Snapshot,
    pub(crate) calls: Vec<ApiCall>,
    report: Value,
    alert: String,
    drift_alerts: Vec<String>,
    calm_report: Value,
    dead_letters: Vec<(String, usize)>,
    pub(crate) permissions: Value,
    pub(crate) granted: String,
}

static ROLLOUTS: SharedRun<Rollouts> = SharedRun::new();

pub(crate) async fn rollouts() -> Arc<Rollouts> {
    ROLLOUTS.get_or_run(scenario).await
}

async fn scenario() -> Rollouts {
    // The sweeps come along as well, as often as schedules can: they must find nothing to do.
    let sweeps = "ReconcileEvery=rate(1 minute)".to_owned();
    let ticks = "ScaleEvery=rate(1 minute)".to_owned();
    let reports = format!("MonitorBucketArns=arn:aws:s3:::{BUCKET}");
    let config = CloudConfig {
        hub_parameters: vec![sweeps.clone()],
        environment_parameters: vec![sweeps, ticks, reports],
        ..CloudConfig::default()
    };
    let mut test = TestCloud::with(config).await;
    test.introduce(&OTTER).await;
    let first = test.train(&OTTER, 1).await;
    test.release(&OTTER, &first).await;
    let second = test.train(&OTTER, 2).await;
    test.release(&OTTER, &second).await;
    test.wait_until_idle().await;
    let second = test.snapshot();
    test.push_another_pipeline(&OTTER, "the third version is trained by another pipeline");
    test.wait_for_decision(&OTTER, HUB, "train", "start", "commit").await;
    let third = test.registered(&OTTER, 3).await;
    test.world().inject_fault(Fault::RollBackUpdate {
        account: Some(STAGING.id.to_owned()),
        endpoint: OTTER.in_staging(),
        reason: None,
    });
    test.approve(&third);
    let report =
        test.wait_for_decision(&OTTER, STAGING, "deploy", "rolled_back_silently", "old_config_running").await;
    test.wait_for_decision(&OTTER, HUB, "promote", "stop", "environment_rolled_back").await;
    let alert = test.wait_for_alert("of the rollback", |subject, _| subject.contains("otter 3")).await;
    let (drift_alerts, calm_report) = drift_is_told(&mut test).await;
    test.wait_for_every_sweep().await;
    test.wait_until_idle().await;
    Rollouts {
        second,
        third: test.snapshot(),
        calls: test.world().calls(),
        report,
        alert,
        drift_alerts,
        calm_report,
        dead_letters: test.all_dead_letters().await,
        permissions: test.permissions().await,
        granted: test.granted().await,
    }
}

/// Drift of a model without retraining, reported by a report of Model Monitor and by the team's own measurement.
async fn drift_is_told(test: &mut TestCloud) -> (Vec<String>, Value) {
    test.introduce(&HERON).await;
    let observed = json!({
        "schema": 1, "model": HERON.name, "environment": "production", "endpoint": "heron", "metric": "psi:age", "observed": 0.4,
        "threshold": 0.2, "verdict": "drift", "source": "nightly-check", "observed_at": "2026-03-02T09:10:02Z",
    });
    test.put_event(PRODUCTION, "Drift Observed", &observed).await;
    test.wait_for_decision(&HERON, PRODUCTION, "respond", "alert", "response_is_alert").await;
    let aws = test.cloud.aws();
    aws.make_bucket(PRODUCTION.id, BUCKET).await.unwrap_or_else(|error| panic!("{error}"));
    let key = |hour| format!("reports/heron/heron-dq/2026/03/03/{hour}/constraint_violations.json");
    let violation = json!({ "violations": [{
        "feature_name": "age", "constraint_check_type": "baseline_drift_check", "description": "0.4 > 0.2",
    }] });
    let body = violation.to_string();
    let put = aws.put_object(PRODUCTION.id, BUCKET, &key("07"), body.as_bytes()).await;
    put.unwrap_or_else(|error| panic!("{error}"));
    test.wait_for_decision(&HERON, PRODUCTION, "respond", "alert", "response_is_alert").await;
    let put = aws.put_object(PRODUCTION.id, BUCKET, &key("08"), br#"{"violations": []}"#).await;
    put.unwrap_or_else(|error| panic!("{error}"));
    let calm = test.wait_for_decision(&HERON, PRODUCTION, "respond", "ignore", "no_violations").await;
    let of_metric = test.wait_for_alert("of the metric", |_, message| message.contains("psi:age")).await;
    let of_report =
        test.wait_for_alert("of the report", |_, m| m.contains("baseline_drift_check on age")).await;
    (vec![of_metric, of_report], calm)
}

fn models_of(world: &Snapshot) -> (Vec<String>, Option<String>) {
    let staging = world.endpoint(STAGING.id, &OTTER.in_staging()).expect("staging serves");
    let production = world.component(PRODUCTION.id, &OTTER.in_production()).expect("production serves");
    assert_eq!((staging.status.as_str(), production.status.as_str()), ("InService", "InService"));
    (staging.models.clone(), production.model.clone())
}

#[test]
fn a_second_version_replaces_the_first_everywhere() {
    let result = block_on(rollouts());
    let (staging, production) = models_of(&result.second);
    assert!(!staging.is_empty() && staging.iter().all(|m| m.starts_with("otter-staging-v2-")), "{staging:?}");
    assert!(production.is_some_and(|m| m.starts_with("otter-v2-")));
    let updates = |operation: &str| result.calls.iter().filter(|c| c.operation == operation).count();
    assert_eq!((updates("CreatePipeline"), updates("UpdatePipeline")), (1, 1), "its definition changed once");
    assert_eq!(updates("UpdateInferenceComponent"), 1);
    assert_eq!(updates("UpdateEndpoint"), 2, "for the second and for the third version");
}

#[test]
fn the_canary_is_configured_as_in_the_policy() {
    let result = block_on(rollouts());
    let update = result.calls.iter().find(|c| c.operation == "UpdateEndpoint").expect("it was updated");
    let routing = "/DeploymentConfig/BlueGreenUpdatePolicy/TrafficRoutingConfiguration";
    let routing = update.request.pointer(routing).expect("it rolls out");
    assert_eq!(text(routing, "Type"), "CANARY");
    assert_eq!(routing.pointer("/CanarySize/Value"), Some(&json!(50)));
    assert_eq!(routing.pointer("/WaitIntervalInSeconds"), Some(&json!(120)));
    let alarms = update.request.pointer("/DeploymentConfig/AutoRollbackConfiguration/Alarms");
    assert_eq!(alarms, Some(&json!([{ "AlarmName": "otter-5xx" }])));
}

#[test]
fn a_silent_rollback_is_found_and_stops_the_promotion() {
    let result = block_on(rollouts());
    assert_eq!(models_of(&result.third), models_of(&result.second), "the second version goes on serving");
    let evidence = result.report.get("evidence").map(ToString::to_string).unwrap_or_default();
    for config in ["otter-staging-v2-", "otter-staging-v3-"] {
        assert!(evidence.contains(config), "{config} is not in {evidence}");
        assert!(result.alert.contains(config), "{config} is not in {}", result.alert);
    }
    assert!(result.alert.starts_with(HUB.id), "{}", result.alert);
    let in_production = |call: &&ApiCall| {
        call.account == PRODUCTION.id && call.request.to_string().contains("otter-packages/3")
    };
    assert_eq!(result.calls.iter().find(in_production), None, "production was never asked");
}

#[test]
fn drift_of_a_model_without_retraining_sends_an_alert() {
    let result = block_on(rollouts());
    for alert in &result.drift_alerts {
        assert!(alert.starts_with(PRODUCTION.id), "{alert}");
        assert!(alert.contains("drift of heron in production"), "{alert}");
    }
    assert_eq!(result.calm_report.get("plan"), Some(&json!([])));
    assert!(result.dead_letters.iter().all(|(_, count)| *count == 0), "{:?}", result.dead_letters);
}
