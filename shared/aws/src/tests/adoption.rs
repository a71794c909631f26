//! What an endpoint runs, and its limits in Application Auto Scaling.

use serde_json::{Value, json};
use tidegate_engine::Class;
use tidegate_engine::ports::{Capacity, Endpoints};
use tidegate_policy::deploy::{Endpoint, RunningContainer, ScalableTarget, SettingKind};
use tidegate_policy::endpoint::Rollout;
use tidegate_policy::scale::{ScalableResource, TargetMetric, TargetTracking};

use super::cloud::{Answer, cloud, invalid, ok, refusal};

pub(super) fn endpoint() -> Endpoint {
    Endpoint {
        arn: "arn".to_owned(),
        status: tidegate_events::EndpointStatus::InService,
        config: Some("mine".to_owned()),
        pending_config: None,
        failure: None,
        images: Vec::new(),
        desired_instances: None,
        created: None,
        last_modified: None,
    }
}

fn limits(id: &str, min: i64, max: i64) -> Answer {
    ok(json!({ "ScalableTargets": [{
        "ServiceNamespace": "sagemaker", "ResourceId": id, "MinCapacity": min, "MaxCapacity": max,
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount", "RoleARN": "arn", "CreationTime": 1.0,
    }] }))
}

fn config() -> Value {
    json!({
        "EndpointConfigName": "mine", "EndpointConfigArn": "arn", "CreationTime": 1.0, "KmsKeyId": "key",
        "ProductionVariants": [{ "VariantName": "AllTraffic", "ModelName": "m", "InstanceType": "ml.m5.large",
            "InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-2",
            "ContainerStartupHealthCheckTimeoutInSeconds": 600, "VolumeSizeInGB": 64 }],
        "ShadowProductionVariants": [{ "VariantName": "candidate" }],
        "DataCaptureConfig": { "EnableCapture": true, "InitialSamplingPercentage": 20,
            "DestinationS3Uri": "s3://b/c", "CaptureOptions": [{ "CaptureMode": "Input" }] },
    })
}

#[tokio::test]
async fn what_runs_is_described_with_its_model_and_its_limits() {
    let model = json!({ "ModelName": "m", "ModelArn": "arn", "CreationTime": 1.0, "EnableNetworkIsolation": true,
        "PrimaryContainer": { "Image": "i", "Environment": { "TOKEN": "secret" } },
        "VpcConfig": { "SecurityGroupIds": ["sg"], "Subnets": ["subnet-1"] } });
    let (aws, wire) = cloud([ok(config()), ok(model), limits("endpoint/churn/variant/AllTraffic", 2, 8)]);
    let found = aws.endpoints("role", Vec::new()).running_config("churn", &endpoint()).await.unwrap();
    assert_eq!(
        (found.variants, found.shadow_variants),
        (vec!["AllTraffic".to_owned()], vec!["candidate".to_owned()])
    );
    assert_eq!(found.models, ["m"]);
    assert_eq!(found.instance_type.as_deref(), Some("ml.m5.large"));
    assert_eq!(found.scalable_targets, [ScalableTarget { min: 2, max: 8 }]);
    let kinds: Vec<SettingKind> = found.settings.iter().map(|setting| setting.kind).collect();
    assert_eq!(
        kinds,
        [
            SettingKind::DataCapture,
            SettingKind::KmsKey,
            SettingKind::InferenceAmi,
            SettingKind::StartupTimeout,
            SettingKind::VolumeSize,
            SettingKind::Vpc,
            SettingKind::NetworkIsolation,
            SettingKind::EnvironmentVariables,
        ]
    );
    let told: Vec<String> = found.settings.iter().map(ToString::to_string).collect();
    assert!(told.contains(&"data capture (20 % to s3://b/c)".to_owned()), "{told:?}");
    assert!(!told.join(" ").contains("secret"), "{told:?}");
    assert_eq!(wire.done().len(), 3);
}

#[tokio::test]
async fn images_and_models_are_described_to_compare_them_with_the_version() {
    let image = json!({ "SpecifiedImage": "i:1", "ResolvedImage": "i@sha256:1", "ResolutionTime": 1.0 });
    let found = json!({ "EndpointName": "churn", "EndpointArn": "arn", "EndpointConfigName": "mine",
        "EndpointStatus": "InService", "CreationTime": 1.0, "LastModifiedTime": 1.0,
        "ProductionVariants": [{ "VariantName": "AllTraffic", "DeployedImages": [image] }],
        "ShadowProductionVariants": [{ "VariantName": "s", "DeployedImages": [{ "SpecifiedImage": "j" }] }] });
    let model = json!({ "ModelName": "m", "ModelArn": "arn", "CreationTime": 1.0,
        "PrimaryContainer": { "Image": "i:1", "ModelDataUrl": "s3://b/m" },
        "Containers": [{ "ModelPackageName": "arn:package" }] });
    let missing = invalid("Could not find model \"arn\".");
    let (aws, _) = cloud([ok(found), ok(model), missing]);
    let endpoints = aws.endpoints("role", Vec::new());
    let images = endpoints.endpoint("churn").await.unwrap().unwrap().images;
    let told: Vec<_> = images.iter().map(|of| (of.specified.as_str(), of.resolved.as_deref())).collect();
    assert_eq!(told, [("i:1", Some("i@sha256:1")), ("j", None)]);
    let containers = endpoints.model("m").await.unwrap().unwrap().containers;
    let made =
        RunningContainer { package: None, image: Some("i:1".into()), model_data: Some("s3://b/m".into()) };
    let package = RunningContainer { package: Some("arn:package".into()), ..RunningContainer::default() };
    assert_eq!(containers, [made, package]);
    assert_eq!(endpoints.model("gone").await.unwrap(), None);
}

#[tokio::test]
async fn a_configuration_that_was_deleted_has_no_settings() {
    let (aws, _) = cloud([invalid("Could not find endpoint configuration \"arn\".")]);
    let found = aws.endpoints("role", Vec::new()).running_config("churn", &endpoint()).await.unwrap();
    assert!(found.variants.is_empty() && found.settings.is_empty());
}

#[tokio::test]
async fn an_update_keeps_the_instances_if_it_is_told_to() {
    let rollout = Rollout::default();
    for keep in [false, true] {
        let (aws, wire) = cloud([ok(json!({ "EndpointArn": "arn" }))]);
        aws.endpoints("role", Vec::new()).update_endpoint("churn", "c", &rollout, keep).await.unwrap();
        let sent = wire.only().json();
        assert_eq!(sent.get("RetainAllVariantProperties"), keep.then_some(&json!(true)));
    }
}

fn tracking() -> TargetTracking {
    TargetTracking {
        resource: ScalableResource::Variant { endpoint: "churn".to_owned() },
        metric: TargetMetric::Invocations(100),
        min: 2,
        max: 6,
        scale_in_cooldown: Some(600),
        scale_out_cooldown: None,
    }
}

#[tokio::test]
async fn a_target_is_registered_before_its_policy_and_waits_until_it_is_visible() {
    let (aws, wire) = cloud([
        ok(json!({})),
        ok(json!({ "PolicyARN": "arn" })),
        ok(json!({})),
        refusal(400, "ObjectNotFoundException", "No scalable target registered"),
        invalid("The status should be in 'InService' to register it as a scalable target."),
    ]);
    let capacity = aws.capacity();
    capacity.set_target_tracking(&tracking()).await.unwrap();
    assert_eq!(capacity.set_target_tracking(&tracking()).await.unwrap_err().class, Class::Retryable);
    assert_eq!(capacity.set_target_tracking(&tracking()).await.unwrap_err().class, Class::Conflict);
    let sent = wire.done();
    let of = json!({ "ServiceNamespace": "sagemaker", "ResourceId": "endpoint/churn/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount" });
    let with = |more: Value| {
        let mut all = of.clone();
        all.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        all
    };
    assert_eq!(sent[0].json(), with(json!({ "MinCapacity": 2, "MaxCapacity": 6 })));
    assert_eq!(
        sent[1].json(),
        with(json!({ "PolicyName": "tidegate-target-churn", "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": { "TargetValue": 100.0, "ScaleInCooldown": 600,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance" } } }))
    );
}

#[tokio::test]
async fn a_target_with_other_policies_stays_registered() {
    let policy = json!({ "PolicyARN": "arn", "PolicyName": "theirs", "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/churn/variant/AllTraffic", "PolicyType": "StepScaling", "CreationTime": 1.0,
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount" });
    let resource = tracking().resource;
    let (aws, wire) = cloud([ok(json!({})), ok(json!({ "ScalingPolicies": [policy] }))]);
    aws.capacity().remove_target_tracking(&resource).await.unwrap();
    assert_eq!(wire.done().len(), 2);
    let gone = || refusal(400, "ObjectNotFoundException", "No scaling policy found");
    let (aws, wire) = cloud([gone(), ok(json!({ "ScalingPolicies": [] })), gone()]);
    aws.capacity().remove_target_tracking(&resource).await.unwrap();
    assert_eq!(wire.done()[2].target, "DeregisterScalableTarget");
}

#[tokio::test]
async fn limits_are_in_the_order_of_the_resources() {
    let (aws, _) = cloud([limits("inference-component/b", 0, 4)]);
    let of = ["a", "b"].map(|name| ScalableResource::Component { component: name.to_owned() });
    assert_eq!(aws.capacity().limits(&of).await.unwrap(), [None, Some(ScalableTarget { min: 0, max: 4 })]);
}
