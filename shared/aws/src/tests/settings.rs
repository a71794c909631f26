//! The settings of models and configurations.

use serde_json::{Value, json};
use tidegate_engine::Class;
use tidegate_engine::ports::Endpoints;
use tidegate_policy::endpoint::{
    ComponentHost, ConfigSettings, EndpointConfigSpec, ModelSettings, ModelSpec, ProductionVariant,
    StartupTimes,
};
use tidegate_policy::file::{Capture, Captured, Vpc};

use super::cloud::{cloud, ok};

const ROLE: &str = "arn:aws:iam::777788889999:role/churn";

fn vpc() -> Vpc {
    let subnets = ["subnet-a", "subnet-b"].map(|id| id.parse().unwrap());
    Vpc { subnets: subnets.to_vec(), security_groups: vec!["sg-a".parse().unwrap()] }
}

fn model() -> ModelSpec {
    ModelSpec {
        name: "m".to_owned(),
        package_arn: "arn:p".to_owned(),
        tags: Vec::new(),
        settings: ModelSettings {
            vpc: Some(vpc()),
            network_isolation: true,
            environment: [("LOG_LEVEL".to_owned(), "debug".to_owned())].into(),
            execution_role: Some(ROLE.parse().unwrap()),
        },
    }
}

#[tokio::test]
async fn a_model_has_its_settings() {
    let (aws, wire) = cloud([ok(json!({ "ModelArn": "arn" }))]);
    aws.endpoints("arn:role", vec![ROLE.to_owned()]).create_model(&model()).await.unwrap();
    assert_eq!(
        wire.only().json(),
        json!({
            "ModelName": "m", "ExecutionRoleArn": ROLE, "EnableNetworkIsolation": true,
            "Containers": [{ "ModelPackageName": "arn:p", "Environment": { "LOG_LEVEL": "debug" } }],
            "VpcConfig": { "Subnets": ["subnet-a", "subnet-b"], "SecurityGroupIds": ["sg-a"] },
        })
    );
}

#[tokio::test]
async fn a_role_that_may_not_be_passed_is_refused_by_name_before_the_call() {
    let (aws, wire) = cloud([]);
    let error = aws.endpoints("arn:role", Vec::new()).create_model(&model()).await.unwrap_err();
    assert_eq!((error.operation, error.class), ("CreateModel", Class::Denied));
    assert!(error.message.contains(ROLE) && error.message.contains("PassableModelRoleArns"), "{error}");
    assert!(wire.done().is_empty());
}

async fn config(variant: ProductionVariant, settings: ConfigSettings) -> Value {
    let (aws, wire) = cloud([ok(json!({ "EndpointConfigArn": "arn" }))]);
    let spec = EndpointConfigSpec { name: "c".to_owned(), variant, tags: Vec::new(), settings };
    aws.endpoints("arn:role", vec![ROLE.to_owned()]).create_config(&spec).await.unwrap();
    wire.only().json()
}

#[tokio::test]
async fn a_configuration_has_its_capture() {
    let capture = |include, json, csv| Capture {
        percent: 20,
        to: "s3://acme-ml/churn/".parse().unwrap(),
        include,
        json,
        csv,
    };
    let variant = ProductionVariant::RealTime {
        model: "m".to_owned(),
        instance_type: "ml.m5.large".to_owned(),
        instances: 2,
    };
    let plain = ConfigSettings { capture: Some(capture(None, None, None)), ..ConfigSettings::default() };
    assert_eq!(
        config(variant.clone(), plain).await["DataCaptureConfig"],
        json!({
            "EnableCapture": true, "InitialSamplingPercentage": 20, "DestinationS3Uri": "s3://acme-ml/churn/",
            "CaptureOptions": [{ "CaptureMode": "Input" }, { "CaptureMode": "Output" }],
        })
    );
    let types = |text: &str| Some(vec![text.parse().unwrap()]);
    let full = capture(Some(vec![Captured::Responses]), types("application/json"), types("text/csv"));
    let sent = config(variant, ConfigSettings { capture: Some(full), ..ConfigSettings::default() }).await;
    assert_eq!(sent["DataCaptureConfig"]["CaptureOptions"], json!([{ "CaptureMode": "Output" }]));
    assert_eq!(
        sent["DataCaptureConfig"]["CaptureContentTypeHeader"],
        json!({ "JsonContentTypes": ["application/json"], "CsvContentTypes": ["text/csv"] })
    );
}

#[tokio::test]
async fn a_configuration_has_its_keys_its_volume_its_image_and_its_times() {
    let capture =
        Capture { percent: 5, to: "s3://acme-ml/c/".parse().unwrap(), include: None, json: None, csv: None };
    let settings = ConfigSettings {
        capture: Some(capture),
        volume_key: Some("alias/volume".parse().unwrap()),
        capture_key: Some("alias/capture".parse().unwrap()),
        volume_gb: Some(100),
        inference_ami_version: Some("al2-ami-sagemaker-inference-gpu-3-1".parse().unwrap()),
        startup: Some(StartupTimes { health_check: Some(600), download: Some(1_200) }),
        ..ConfigSettings::default()
    };
    let variant = ProductionVariant::RealTime {
        model: "m".to_owned(),
        instance_type: "ml.m5.large".to_owned(),
        instances: 2,
    };
    let sent = config(variant, settings).await;
    assert_eq!(
        (&sent["KmsKeyId"], &sent["DataCaptureConfig"]["KmsKeyId"]),
        (&json!("alias/volume"), &json!("alias/capture"))
    );
    assert_eq!(
        sent["ProductionVariants"][0],
        json!({
            "VariantName": "AllTraffic", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 2,
            "InitialVariantWeight": 1.0, "VolumeSizeInGB": 100,
            "InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-3-1",
            "ContainerStartupHealthCheckTimeoutInSeconds": 600, "ModelDataDownloadTimeoutInSeconds": 1200,
        })
    );
}

#[tokio::test]
async fn a_configuration_for_components_has_the_network_and_the_role_of_the_models() {
    let instance_type = "ml.g5.xlarge".to_owned();
    let variant = ProductionVariant::Components { instance_type, min_instances: 0, max_instances: 3 };
    let host = ComponentHost {
        vpc: Some(vpc()),
        network_isolation: true,
        execution_role: Some(ROLE.parse().unwrap()),
    };
    let sent = config(variant, ConfigSettings { components: Some(host), ..ConfigSettings::default() }).await;
    assert_eq!(sent["VpcConfig"]["Subnets"], json!(["subnet-a", "subnet-b"]));
    assert_eq!((&sent["EnableNetworkIsolation"], &sent["ExecutionRoleArn"]), (&json!(true), &json!(ROLE)));
}
