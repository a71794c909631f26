//! Updates: a canary, another model in a component, and a rollback about which SageMaker says nothing.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_sandbox::{CloudConfig, HUB, PRODUCTION, STAGING};
use tidegate_world::{ApiCall, Fault, Snapshot};

use crate::model::{COMPONENT, Model, REAL_TIME};
use crate::stage::{Stage, text};
use crate::tale::{Tale, play};

const OTTER: Model = Model {
    staging: REAL_TIME,
    staging_more: "    rollout: { canary: { percent: 50, bake: 2m }, withoutAlarms: true }",
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

static ROLLOUTS: Tale<Rollouts> = Tale::untold();

pub(crate) async fn rollouts() -> Arc<Rollouts> {
    ROLLOUTS.told_by(story).await
}

async fn story() -> Rollouts {
    // The sweeps come along as well, as often as schedules can: they must find nothing to do.
    let sweeps = "ReconcileEvery=rate(1 minute)".to_owned();
    let ticks = "ScaleEvery=rate(1 minute)".to_owned();
    let reports = format!("MonitorBucketArns=arn:aws:s3:::{BUCKET}");
    let config = CloudConfig {
        hub_parameters: vec![sweeps.clone()],
        environment_parameters: vec![sweeps, ticks, reports],
        ..CloudConfig::default()
    };
    let mut stage = Stage::with(config).await;
    stage.introduce(&OTTER).await;
    let first = stage.train(&OTTER, 1).await;
    stage.release(&OTTER, &first).await;
    let second = stage.train(&OTTER, 2).await;
    stage.release(&OTTER, &second).await;
    stage.rest().await;
    let second = stage.snapshot();
    stage.push_another_pipeline(&OTTER, "the third version is trained by another pipeline");
    stage.hear(&OTTER, HUB, "train", "start", "commit").await;
    let third = stage.registered(&OTTER, 3).await;
    stage.world().inject_fault(Fault::RollBackUpdate {
        account: Some(STAGING.id.to_owned()),
        endpoint: OTTER.in_staging(),
        reason: None,
    });
    stage.approve(&third);
    let report = stage.hear(&OTTER, STAGING, "deploy", "rolled_back_silently", "old_config_running").await;
    stage.hear(&OTTER, HUB, "promote", "stop", "environment_rolled_back").await;
    let alert = stage.hear_alert("of the rollback", |subject, _| subject.contains("otter 3")).await;
    let (drift_alerts, calm_report) = drift_is_told(&mut stage).await;
    stage.every_sweep_came().await;
    stage.rest().await;
    Rollouts {
        second,
        third: stage.snapshot(),
        calls: stage.world().calls(),
        report,
        alert,
        drift_alerts,
        calm_report,
        dead_letters: stage.all_dead_letters().await,
        permissions: stage.permissions().await,
        granted: stage.granted().await,
    }
}

/// Drift of a model whose team wants to be told, seen by a report of Model Monitor and by the team's own measurement.
async fn drift_is_told(stage: &mut Stage) -> (Vec<String>, Value) {
    stage.introduce(&HERON).await;
    let observed = json!({
        "schema": 1, "model": HERON.name, "environment": "production", "endpoint": "heron", "metric": "psi:age", "observed": 0.4,
        "threshold": 0.2, "verdict": "drift", "source": "nightly-check", "observed_at": "2026-03-02T09:10:02Z",
    });
    stage.put_event(PRODUCTION, "Drift Observed", &observed).await;
    stage.hear(&HERON, PRODUCTION, "respond", "alert", "response_is_alert").await;
    let aws = stage.cloud.aws();
    aws.make_bucket(PRODUCTION.id, BUCKET).await.unwrap_or_else(|error| panic!("{error}"));
    let key = |hour| format!("reports/heron/heron-dq/2026/03/03/{hour}/constraint_violations.json");
    let violation = json!({ "violations": [{
        "feature_name": "age", "constraint_check_type": "baseline_drift_check", "description": "0.4 > 0.2",
    }] });
    let body = violation.to_string();
    let put = aws.put_object(PRODUCTION.id, BUCKET, &key("07"), body.as_bytes()).await;
    put.unwrap_or_else(|error| panic!("{error}"));
    stage.hear(&HERON, PRODUCTION, "respond", "alert", "response_is_alert").await;
    let put = aws.put_object(PRODUCTION.id, BUCKET, &key("08"), br#"{"violations": []}"#).await;
    put.unwrap_or_else(|error| panic!("{error}"));
    let calm = stage.hear(&HERON, PRODUCTION, "respond", "ignore", "no_violations").await;
    let of_metric = stage.hear_alert("of the metric", |_, message| message.contains("psi:age")).await;
    let of_report = stage.hear_alert("of the report", |_, m| m.contains("baseline_drift_check on age")).await;
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
    let told = play(rollouts());
    let (staging, production) = models_of(&told.second);
    assert!(!staging.is_empty() && staging.iter().all(|m| m.starts_with("otter-staging-v2-")), "{staging:?}");
    assert!(production.is_some_and(|m| m.starts_with("otter-v2-")));
    let updates = |operation: &str| told.calls.iter().filter(|c| c.operation == operation).count();
    assert_eq!((updates("CreatePipeline"), updates("UpdatePipeline")), (1, 1), "its definition changed once");
    assert_eq!(updates("UpdateInferenceComponent"), 1);
    assert_eq!(updates("UpdateEndpoint"), 2, "for the second and for the third version");
}

#[test]
fn the_canary_is_asked_for_as_the_policy_says() {
    let told = play(rollouts());
    let update = told.calls.iter().find(|c| c.operation == "UpdateEndpoint").expect("it was updated");
    let routing = "/DeploymentConfig/BlueGreenUpdatePolicy/TrafficRoutingConfiguration";
    let routing = update.request.pointer(routing).expect("it rolls out");
    assert_eq!(text(routing, "Type"), "CANARY");
    assert_eq!(routing.pointer("/CanarySize/Value"), Some(&json!(50)));
    assert_eq!(routing.pointer("/WaitIntervalInSeconds"), Some(&json!(120)));
}

#[test]
fn a_silent_rollback_is_found_and_stops_the_promotion() {
    let told = play(rollouts());
    assert_eq!(models_of(&told.third), models_of(&told.second), "the second version goes on serving");
    let evidence = told.report.get("evidence").map(ToString::to_string).unwrap_or_default();
    for config in ["otter-staging-v2-", "otter-staging-v3-"] {
        assert!(evidence.contains(config), "{config} is not in {evidence}");
        assert!(told.alert.contains(config), "{config} is not in {}", told.alert);
    }
    assert!(told.alert.starts_with(HUB.id), "{}", told.alert);
    let in_production = |call: &&ApiCall| {
        call.account == PRODUCTION.id && call.request.to_string().contains("otter-packages/3")
    };
    assert_eq!(told.calls.iter().find(in_production), None, "production was never asked");
}

#[test]
fn drift_of_a_model_that_is_only_watched_is_told_to_people() {
    let told = play(rollouts());
    for alert in &told.drift_alerts {
        assert!(alert.starts_with(PRODUCTION.id), "{alert}");
        assert!(alert.contains("drift of heron in production"), "{alert}");
    }
    assert_eq!(told.calm_report.get("plan"), Some(&json!([])));
    assert!(told.dead_letters.iter().all(|(_, count)| *count == 0), "{:?}", told.dead_letters);
}
