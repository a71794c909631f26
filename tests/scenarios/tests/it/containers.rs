//! Packages of several containers: where they run, and where they are refused before the first call.

use serde_json::json;
use tidegate_policy::file::parse;

use super::stage::{CHURN, HUB, STAGING, Stage, reconcile, said};

const SERVERLESS: &str = "kind: serverless, memoryMb: 2048, maxConcurrency: 5";

/// A stage with this kind of endpoint in staging, and version 1 with two containers.
fn stage(kind: &str) -> Stage {
    let text = CHURN.replacen(SERVERLESS, kind, 1);
    let stage = Stage::with(&[parse("churn.yaml", &text).unwrap()]);
    let containers = json!([{"Image": "prepare", "ModelDataUrl": "s3://b/a"}, {"Image": "predict", "ModelDataUrl": "s3://b/b"}]);
    let request = json!({"ModelPackageGroupName": "churn", "ModelApprovalStatus": "PendingManualApproval",
        "InferenceSpecification": {"Containers": containers}});
    stage.account(HUB).ask("sagemaker", "CreateModelPackage", &request).unwrap();
    stage.says("Approved", 1);
    stage
}

fn deploy(stage: &Stage) -> String {
    let mut said_last = said(&stage.run(&stage.staging, "deploy", &stage.request(1, "r1")));
    for _ in 0..3 {
        stage.pass(900);
        said_last =
            format!("{said_last}, {}", said(&stage.run(&stage.staging, "deploy", &reconcile(stage.now()))));
    }
    said_last
}

fn calls(stage: &Stage, operation: &str) -> usize {
    stage.cloud.with_world(|world, _| world.calls().iter().filter(|call| call.operation == operation).count())
}

#[test]
fn a_real_time_endpoint_runs_an_inference_pipeline() {
    let stage = stage("kind: realTime, instanceType: ml.m5.large, instances: 2");
    let said = deploy(&stage);
    assert!(said.contains("succeeded answered"), "{said}");
}

#[test]
fn what_cannot_run_an_inference_pipeline_refuses_it_before_the_first_call() {
    for kind in
        [SERVERLESS, "kind: inferenceComponent, instanceType: ml.m5.large, instances: 2, memoryMb: 1024"]
    {
        let stage = stage(kind);
        let said = deploy(&stage);
        assert!(said.starts_with("failed several_containers"), "{kind}: {said}");
        assert_eq!((calls(&stage, "CreateModel"), calls(&stage, "CreateEndpointConfig")), (0, 0), "{kind}");
        assert_eq!(stage.config(STAGING, "churn-staging"), None);
    }
}

#[test]
fn sagemaker_itself_refuses_it_there() {
    let stage = stage(SERVERLESS);
    let ask = |operation: &str, request| stage.account(STAGING).ask("sagemaker", operation, &request);
    let container = json!({"ModelPackageName": super::stage::arn(1)});
    let role = format!("arn:aws:iam::{STAGING}:role/model");
    ask("CreateModel", json!({"ModelName": "m", "Containers": [container], "ExecutionRoleArn": role}))
        .unwrap();
    let variant = json!({"VariantName": "AllTraffic", "ModelName": "m", "InitialVariantWeight": 1.0,
        "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}});
    let config = json!({"EndpointConfigName": "c", "ProductionVariants": [variant]});
    let refused = format!("{:?}", ask("CreateEndpointConfig", config).unwrap_err());
    assert!(refused.contains("Inference pipelines are not supported for serverless endpoints"), "{refused}");
}
