//! Inference components.

use serde_json::{Value, json};
use tidegate_engine::Class;
use tidegate_engine::ports::Endpoints;
use tidegate_policy::deploy::{Component, ComponentStatus};
use tidegate_policy::endpoint::{BatchSize, Batches, CopySize, Rollout};

use super::cloud::{Answer, cloud, invalid, ok};

fn component() -> Component {
    Component {
        name: "churn".to_owned(),
        endpoint: "churn".to_owned(),
        model: "churn-v2".to_owned(),
        size: CopySize { memory_mb: 1024, ..CopySize::default() },
        copies: 2,
        rollout: Rollout::default(),
        startup: None,
    }
}

fn described(status: &str, model: &str) -> Answer {
    of_size(status, model, 1024, 1)
}

fn of_size(status: &str, model: &str, memory_mb: u32, copies: u32) -> Answer {
    ok(json!({
        "InferenceComponentName": "churn", "InferenceComponentArn": "arn", "EndpointName": "churn", "EndpointArn": "arn",
        "InferenceComponentStatus": status, "CreationTime": 1.0, "LastModifiedTime": 1_772_442_602.0,
        "Specification":
            { "ModelName": model, "ComputeResourceRequirements": { "MinMemoryRequiredInMb": memory_mb } },
        "RuntimeConfig": { "DesiredCopyCount": 2, "CurrentCopyCount": copies },
    }))
}

fn specified() -> Value {
    json!({ "ModelName": "churn-v2", "ComputeResourceRequirements": { "MinMemoryRequiredInMb": 1024 } })
}

#[tokio::test]
async fn a_component_is_described() {
    for (text, status) in [
        ("InService", ComponentStatus::InService),
        ("Creating", ComponentStatus::Creating),
        ("Updating", ComponentStatus::Updating),
        ("Failed", ComponentStatus::Failed),
        ("Deleting", ComponentStatus::Deleting),
        ("Dreaming", ComponentStatus::Unknown("Dreaming".to_owned())),
    ] {
        let (aws, wire) = cloud([described(text, "churn-v1")]);
        let found = aws.endpoints("role", Vec::new()).component("churn").await.unwrap().unwrap();
        assert_eq!(found.status, status);
        assert_eq!((found.model.as_deref(), found.copies), (Some("churn-v1"), Some(1)));
        assert_eq!(found.size, Some(CopySize { memory_mb: 1024, ..CopySize::default() }));
        assert_eq!(found.last_modified, Some("2026-03-02T09:10:02Z".parse().unwrap()));
        let sent = wire.only();
        assert_eq!(sent.target, "DescribeInferenceComponent");
        assert_eq!(sent.json(), json!({ "InferenceComponentName": "churn" }));
    }
    let (aws, _) = cloud([invalid("Could not find inference component \"arn\".")]);
    assert_eq!(aws.endpoints("role", Vec::new()).component("churn").await.unwrap(), None);
}

fn endpoint(status: &str) -> Answer {
    ok(json!({
        "EndpointName": "churn", "EndpointArn": "arn", "EndpointConfigName": "c", "EndpointStatus": status,
        "CreationTime": 1.0, "LastModifiedTime": 1.0,
    }))
}

#[tokio::test]
async fn a_copy_is_given_what_the_policy_says() {
    let size = CopySize { memory_mb: 1024, max_memory_mb: Some(4096), accelerators: Some(1), cpus: Some(2) };
    let requirements = json!({
        "MinMemoryRequiredInMb": 1024, "MaxMemoryRequiredInMb": 4096,
        "NumberOfAcceleratorDevicesRequired": 1.0, "NumberOfCpuCoresRequired": 2.0,
    });
    let described = ok(json!({
        "InferenceComponentName": "churn", "InferenceComponentArn": "arn", "EndpointName": "churn", "EndpointArn": "arn",
        "InferenceComponentStatus": "InService", "CreationTime": 1.0, "LastModifiedTime": 1.0,
        "Specification": { "ModelName": "churn-v2", "ComputeResourceRequirements": requirements },
    }));
    let (aws, wire) = cloud([ok(json!({ "InferenceComponentArn": "arn" })), described]);
    let endpoints = aws.endpoints("role", Vec::new());
    endpoints.create_component(&Component { size, ..component() }, &[]).await.unwrap();
    assert_eq!(endpoints.component("churn").await.unwrap().unwrap().size, Some(size));
    assert_eq!(wire.done()[0].json()["Specification"]["ComputeResourceRequirements"], requirements);
}

#[tokio::test]
async fn an_update_of_a_component_in_batches_is_watched_by_the_alarms() {
    let (aws, wire) = cloud([ok(json!({ "InferenceComponentArn": "arn" }))]);
    let batches = Batches { size: BatchSize::Copies(1), bake: 300, rollback_percent: Some(50) };
    let alarms = vec!["errors".to_owned()];
    let rollout = Rollout { rolling: Some(batches), alarms, ..Rollout::default() };
    aws.endpoints("role", Vec::new())
        .update_component(&Component { rollout, ..component() }, false)
        .await
        .unwrap();
    assert_eq!(
        wire.only().json()["DeploymentConfig"],
        json!({
            "RollingUpdatePolicy": {
                "MaximumBatchSize": { "Type": "COPY_COUNT", "Value": 1 }, "WaitIntervalInSeconds": 300,
                "MaximumExecutionTimeoutInSeconds": 6_000,
                "RollbackMaximumBatchSize": { "Type": "CAPACITY_PERCENT", "Value": 50 },
            },
            "AutoRollbackConfiguration": { "Alarms": [{ "AlarmName": "errors" }] },
        })
    );
}

#[tokio::test]
async fn a_component_is_created_once() {
    let (aws, wire) = cloud([
        ok(json!({ "InferenceComponentArn": "arn" })),
        invalid("Cannot create already existing inference component \"arn\"."),
        described("Creating", "churn-v2"),
        invalid("Cannot create already existing inference component \"arn\"."),
        described("InService", "churn-v1"),
        invalid("Not enough memory"),
        endpoint("InService"),
        invalid("Not enough memory"),
        endpoint("Updating"),
    ]);
    let endpoints = aws.endpoints("role", Vec::new());
    assert_eq!(endpoints.create_component(&component(), &[]).await.unwrap(), "created component churn");
    assert_eq!(
        endpoints.create_component(&component(), &[]).await.unwrap(),
        "component churn exists already"
    );
    let other = endpoints.create_component(&component(), &[]).await.unwrap_err();
    assert_eq!(other.class, Class::Busy, "it serves another model, and was not visible before");
    assert_eq!(endpoints.create_component(&component(), &[]).await.unwrap_err().class, Class::Permanent);
    assert_eq!(endpoints.create_component(&component(), &[]).await.unwrap_err().class, Class::Busy);
    let sent = &wire.done()[0];
    assert_eq!(sent.target, "CreateInferenceComponent");
    assert_eq!(
        sent.json(),
        json!({
            "InferenceComponentName": "churn", "EndpointName": "churn", "VariantName": "AllTraffic",
            "Specification": specified(), "RuntimeConfig": { "CopyCount": 2 },
        })
    );
}

#[tokio::test]
async fn a_rejected_update_succeeds_only_if_the_component_is_already_updated() {
    let refused =
        || invalid("Cannot update inference component \"arn\" while it is in state UPDATE_RC_IN_PROGRESS");
    let (aws, wire) = cloud([
        ok(json!({ "InferenceComponentArn": "arn" })),
        refused(),
        of_size("InService", "churn-v2", 1024, 2),
        refused(),
        of_size("InService", "churn-v2", 512, 2),
        refused(),
        of_size("InService", "churn-v2", 1024, 1),
        refused(),
        described("Updating", "churn-v1"),
        refused(),
        invalid("Could not find inference component \"arn\"."),
    ]);
    let endpoints = aws.endpoints("role", Vec::new());
    assert_eq!(
        endpoints.update_component(&component(), false).await.unwrap(),
        "updating component churn to churn-v2"
    );
    assert_eq!(
        endpoints.update_component(&component(), false).await.unwrap(),
        "component churn has churn-v2 already"
    );
    for _ in ["another memory", "too few copies", "another model"] {
        assert_eq!(endpoints.update_component(&component(), false).await.unwrap_err().class, Class::Busy);
    }
    assert_eq!(
        endpoints.update_component(&component(), false).await.unwrap_err().operation,
        "UpdateInferenceComponent"
    );
    assert_eq!(
        wire.done()[0].json(),
        json!({
            "InferenceComponentName": "churn", "Specification": specified(), "RuntimeConfig": { "CopyCount": 2 },
        })
    );
}
