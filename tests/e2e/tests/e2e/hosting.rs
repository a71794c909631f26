//! Endpoints as teams have them: one whose container never starts, one that follows its traffic, one that the team scales
//! itself, and a retraining that fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_sandbox::{CloudConfig, HUB, PRODUCTION, STAGING};
use tidegate_world::{ApiCall, Fault, Snapshot};

use crate::model::{COMPONENT, Model, REAL_TIME};
use crate::shared_run::{SharedRun, block_on};
use crate::test_cloud::{TestCloud, is_tidegates, is_write, text};

/// Its first container never starts. The team scales production itself.
const GOBY: Model = Model {
    staging: "kind: realTime, instanceType: ml.m5.large, instances: 1, recreateFailed: true",
    production: COMPONENT,
    drift: "{ response: retrain, cooldown: 24h }",
    ..Model::plain("goby")
};

/// Production follows its traffic.
const TENCH: Model = Model {
    production: REAL_TIME,
    production_more: "    scale: { target: { invocationsPerInstance: 100, min: 2, max: 8 } }",
    ..Model::plain("tench")
};

pub(crate) struct Hosting {
    failed: Value,
    of_failure: String,
    at_eight: Snapshot,
    end: Snapshot,
    calls: Vec<ApiCall>,
    of_retraining: String,
    told_after: Duration,
    reported: Value,
    dead_letters: Vec<(String, usize)>,
    pub(crate) permissions: Value,
}

static HOSTING: SharedRun<Hosting> = SharedRun::new();

pub(crate) async fn hosting() -> Arc<Hosting> {
    HOSTING.get_or_run(scenario).await
}

async fn scenario() -> Hosting {
    let mut test = TestCloud::with(CloudConfig::default()).await;
    let (failed, of_failure) = a_container_never_starts(&mut test).await;
    let at_eight = an_endpoint_has_eight_instances(&mut test).await;
    the_team_scales_production(&mut test).await;
    let (of_retraining, told_after, reported) = a_retraining_fails(&mut test).await;
    test.wait_until_idle().await;
    Hosting {
        failed,
        of_failure,
        at_eight,
        end: test.snapshot(),
        calls: test.world().calls(),
        of_retraining,
        told_after,
        reported,
        dead_letters: test.all_dead_letters().await,
        permissions: test.permissions().await,
    }
}

/// The first version fails; the second replaces the failed endpoint.
async fn a_container_never_starts(test: &mut TestCloud) -> (Value, String) {
    test.introduce(&GOBY).await;
    test.world().inject_fault(Fault::ContainerNeverStarts {
        account: Some(STAGING.id.to_owned()),
        target: GOBY.in_staging(),
    });
    let first = test.train(&GOBY, 1).await;
    test.approve(&first);
    let failed = test.wait_for_decision(&GOBY, STAGING, "deploy", "failed_to_start", "endpoint_failed").await;
    test.wait_for_decision(&GOBY, HUB, "promote", "stop", "environment_failed").await;
    let alert = test.wait_for_alert("of the container", |subject, _| subject.contains("goby 1")).await;
    let second = test.train(&GOBY, 2).await;
    test.approve(&second);
    test.wait_for_decision(&GOBY, STAGING, "deploy", "apply", "recreates_failed").await;
    test.wait_for_decision(&GOBY, STAGING, "deploy", "succeeded", "answered").await;
    test.wait_for_decision(&GOBY, PRODUCTION, "deploy", "succeeded", "answered").await;
    test.wait_for_decision(&GOBY, HUB, "promote", "complete", "last_environment").await;
    (failed, alert)
}

/// An endpoint with target tracking has grown to eight instances when the second version comes.
async fn an_endpoint_has_eight_instances(test: &mut TestCloud) -> Snapshot {
    test.introduce(&TENCH).await;
    let first = test.train(&TENCH, 1).await;
    test.release(&TENCH, &first).await;
    test.tick_until(&TENCH, "apply", "follows_traffic").await;
    let eight = json!({
        "EndpointName": TENCH.in_production(),
        "DesiredWeightsAndCapacities": [{ "VariantName": "AllTraffic", "DesiredInstanceCount": 8 }],
    });
    test.ask(PRODUCTION, "UpdateEndpointWeightsAndCapacities", &eight);
    let name = TENCH.in_production();
    test.wait_for_world("eight instances", |now| {
        let endpoint = now.endpoint(PRODUCTION.id, &name)?;
        (endpoint.instances == 8 && endpoint.status == "InService").then_some(())
    })
    .await;
    let second = test.train(&TENCH, 2).await;
    test.release(&TENCH, &second).await;
    test.snapshot()
}

/// The team registers its own scalable target for goby's component, and a third version comes.
async fn the_team_scales_production(test: &mut TestCloud) {
    let resource = format!("inference-component/{}", GOBY.in_production());
    let dimension = "sagemaker:inference-component:DesiredCopyCount";
    let of_team = |operation: &str, more: Value| {
        let mut request = json!({
            "ServiceNamespace": "sagemaker", "ResourceId": resource, "ScalableDimension": dimension,
        });
        let members = more.as_object().expect("members of the request").clone();
        request.as_object_mut().expect("an object").extend(members);
        let answer = test.world().call(&PRODUCTION.place(), "application-autoscaling", operation, &request);
        answer.unwrap_or_else(|error| panic!("{operation}: {error}"));
    };
    of_team("RegisterScalableTarget", json!({ "MinCapacity": 1, "MaxCapacity": 4 }));
    let tracking = json!({
        "TargetValue": 5.0,
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "SageMakerInferenceComponentInvocationsPerCopy",
        },
    });
    let policy = json!({
        "PolicyName": "team-tracking", "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": tracking,
    });
    of_team("PutScalingPolicy", policy);
    let three =
        json!({ "InferenceComponentName": GOBY.in_production(), "DesiredRuntimeConfig": { "CopyCount": 3 } });
    test.ask(PRODUCTION, "UpdateInferenceComponentRuntimeConfig", &three);
    test.at_copies(&GOBY, 3).await;
    let third = test.train(&GOBY, 3).await;
    test.release(&GOBY, &third).await;
    test.invoke(PRODUCTION, "scale", &crate::test_cloud::tick(PRODUCTION)).await;
}

/// Drift starts a retraining for which SageMaker has no instance.
async fn a_retraining_fails(test: &mut TestCloud) -> (String, Duration, Value) {
    test.world().inject_fault(Fault::FailTraining {
        account: Some(HUB.id.to_owned()),
        pipeline: Some(GOBY.pipeline()),
        reason: "CapacityError: Unable to provision requested ML compute capacity.".to_owned(),
    });
    test.data_drifts(&GOBY, PRODUCTION, &GOBY.in_production()).await;
    test.wait_for_decision(&GOBY, HUB, "train", "start", "retraining_requested").await;
    let pipeline = GOBY.pipeline();
    test.wait_for_world("a failed execution", |now| {
        now.executions_of(HUB.id, &pipeline).into_iter().any(|e| e.status == "Failed").then_some(())
    })
    .await;
    let failed = Instant::now();
    let alert = test.wait_for_alert("of the retraining", |_, m| m.contains("CapacityError")).await;
    let told_after = failed.elapsed();
    let reported = test.wait_for_decision(&GOBY, PRODUCTION, "respond", "ignore", "retraining_failed").await;
    (alert, told_after, reported)
}

#[test]
fn a_container_that_never_starts_is_told_with_its_reason_and_the_next_version_serves() {
    let result = block_on(hosting());
    assert!(text(&result.failed, "message").contains("ping health check"), "{}", result.failed);
    assert!(result.of_failure.contains("ping health check"), "{}", result.of_failure);
    let deleted: Vec<_> = result.calls.iter().filter(|c| c.operation == "DeleteEndpoint").collect();
    assert_eq!(deleted.len(), 1, "the failed endpoint was deleted once");
    let endpoint = result.end.endpoint(STAGING.id, &GOBY.in_staging()).expect("staging serves");
    assert_eq!(endpoint.status, "InService");
}

#[test]
fn an_update_keeps_the_instances_that_autoscaling_started() {
    let result = block_on(hosting());
    let endpoint =
        result.at_eight.endpoint(PRODUCTION.id, &TENCH.in_production()).expect("production serves");
    assert_eq!((endpoint.status.as_str(), endpoint.instances), ("InService", 8));
    assert!(endpoint.models.iter().all(|model| model.starts_with("tench-v2-")), "{:?}", endpoint.models);
}

#[test]
fn a_scaler_of_the_team_is_left_alone() {
    let result = block_on(hosting());
    let component = result.end.component(PRODUCTION.id, &GOBY.in_production()).expect("production serves");
    assert_eq!((component.desired, component.current), (3, 3));
    assert!(component.model.as_ref().is_some_and(|model| model.starts_with("goby-v3-")), "{component:?}");
    let touched = result.calls.iter().filter(|call| {
        let of_goby = call.request.to_string().contains("inference-component/goby");
        call.service == "application-autoscaling" && is_write(call) && is_tidegates(call) && of_goby
    });
    assert_eq!(touched.count(), 0, "Tidegate changed the team's scalable target");
}

#[test]
fn a_failed_retraining_is_told_within_a_minute_with_its_cause() {
    let result = block_on(hosting());
    assert!(result.told_after < Duration::from_secs(60), "told after {:?}", result.told_after);
    assert!(result.of_retraining.contains("capacity"), "{}", result.of_retraining);
    assert!(!text(&result.reported, "message").is_empty(), "{}", result.reported);
}

#[test]
fn nothing_is_left_in_the_queues() {
    let result = block_on(hosting());
    assert!(result.dead_letters.iter().all(|(_, count)| *count == 0), "{:?}", result.dead_letters);
}
