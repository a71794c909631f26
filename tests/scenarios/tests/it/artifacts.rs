//! What was approved is what is deployed: an image or model data that was exchanged after the approval is refused.

use serde_json::json;
use tidegate_events::{Body, DeploymentOutcome, Event};
use tidegate_policy::endpoint::DesiredResources;
use tidegate_policy::file::parse;
use tidegate_world::Fault;

use super::stage::{CHURN, HUB, STAGING, Stage, arn, reconcile, said};

const REQUESTED: &str = "Deployment Requested";

/// Somebody with the rights of the registry puts another container into an approved version.
fn swap(stage: &Stage, image: &str, data: &str) {
    let request = json!({"ModelPackageArn": arn(1), "InferenceSpecification": {
        "Containers": [{"Image": image, "ModelDataUrl": data}]}});
    stage.account(HUB).ask("sagemaker", "UpdateModelPackage", &request).unwrap();
}

fn approved(stage: &Stage) -> Event {
    stage.register(1);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    stage.sent(HUB, REQUESTED).remove(0)
}

fn models(stage: &Stage) -> usize {
    stage
        .cloud
        .with_world(|world, _| world.calls().iter().filter(|call| call.operation == "CreateModel").count())
}

#[test]
fn what_was_exchanged_before_the_deployment_is_not_deployed_and_people_are_told() {
    for (image, data) in [("evil", "s3://b/m"), ("i", "s3://b/another")] {
        let stage = Stage::new();
        let request = approved(&stage);
        let Body::DeploymentRequested(asked) = &request.body else { panic!() };
        assert!(asked.artifacts.is_some());
        swap(&stage, image, data);
        assert_eq!(said(&stage.run(&stage.staging, "deploy", &request)), "failed artifact_changed");
        assert_eq!((models(&stage), stage.config(STAGING, "churn-staging")), (0, None));
        let report = stage.sent(STAGING, "Deployment Finished").remove(0);
        assert_eq!(said(&stage.run(&stage.hub, "promote", &report)), "stop environment_failed");
        let alert = &stage.account(HUB).alerts()[0];
        assert!(alert.message.contains("was changed after its approval"), "{}", alert.message);
    }
}

#[test]
fn what_was_exchanged_during_the_soak_is_not_requested() {
    let stage = Stage::new();
    let report = stage.deploy(&approved(&stage));
    assert_eq!(said(&stage.run(&stage.hub, "promote", &report)), "wait soaking");
    stage.pass(1_801);
    swap(&stage, "evil", "s3://b/m");
    assert_eq!(said(&stage.run(&stage.hub, "promote", &reconcile(stage.now()))), "stop artifact_changed");
    assert_eq!(stage.sent(HUB, REQUESTED).len(), 0);
    assert_eq!(stage.account(HUB).alerts().len(), 1);
    // A person who looked at it approves it again.
    stage.says("Rejected", 1);
    let again = stage.says("Approved", 1).remove(0);
    assert_eq!(said(&stage.run(&stage.hub, "promote", &again)), "deploy approved");
    stage.deploy(&stage.sent(HUB, REQUESTED)[0]);
}

#[test]
fn the_same_containers_written_again_are_the_same() {
    let stage = Stage::new();
    let request = approved(&stage);
    swap(&stage, "i", "s3://b/m");
    assert_eq!(said(&stage.run(&stage.staging, "deploy", &request)), "apply requested");
}

#[test]
fn an_image_whose_tag_was_moved_after_the_registration_is_no_success() {
    let stage = Stage::new();
    let request = approved(&stage);
    stage.cloud.with_world(|world, _| world.inject_fault(Fault::MoveImageTag { image: "i".to_owned() }));
    let report = stage.deploy(&request);
    let Body::DeploymentFinished(finished) = &report.body else { panic!() };
    assert_eq!(finished.outcome, DeploymentOutcome::VerificationFailed, "{}", finished.detail);
    assert_eq!(finished.failed_by.as_deref(), Some("image"));
    assert_eq!(said(&stage.run(&stage.hub, "promote", &report)), "stop environment_not_verified");
}

/// A name that is derived from content does not prove the content: creating what exists already is no error.
#[test]
fn a_model_that_somebody_made_with_the_name_of_the_version_is_no_success() {
    let stage = Stage::new();
    let request = approved(&stage);
    let Body::DeploymentRequested(asked) = &request.body else { panic!() };
    let policy = parse("churn.yaml", CHURN).unwrap();
    let name = DesiredResources::of(policy.environment("staging").unwrap(), asked).model.name;
    let model = json!({"ModelName": name, "ExecutionRoleArn": format!("arn:aws:iam::{STAGING}:role/model"),
        "PrimaryContainer": {"Image": "i", "ModelDataUrl": "s3://b/another"}});
    stage.account(STAGING).ask("sagemaker", "CreateModel", &model).unwrap();
    let report = stage.deploy(&request);
    let Body::DeploymentFinished(finished) = &report.body else { panic!() };
    assert_eq!(finished.failed_by.as_deref(), Some("model data"), "{}", finished.detail);
}
