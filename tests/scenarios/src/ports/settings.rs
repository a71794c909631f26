//! Models and endpoint configurations with the settings of a policy, as requests.

use serde_json::{Map, Value, json};
use tidegate_policy::endpoint::{ConfigSettings, EndpointConfigSpec, ModelSpec, StartupTimes};
use tidegate_policy::file::{Capture, Captured, NotifiedTopic, Vpc};
use tidegate_policy::names::KmsKey;

use super::tag_list;

/// The members that are there.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect::<Map<_, _>>())
}

fn vpc(vpc: &Vpc) -> Value {
    json!({"Subnets": vpc.subnets, "SecurityGroupIds": vpc.security_groups})
}

fn capture(capture: &Capture, key: Option<&KmsKey>) -> Value {
    let modes = [(Captured::Requests, "Input"), (Captured::Responses, "Output")];
    let modes = modes.into_iter().filter(|(part, _)| capture.includes(*part));
    let options: Vec<Value> = modes.map(|(_, mode)| json!({"CaptureMode": mode})).collect();
    let header = object([
        ("JsonContentTypes", capture.json.as_ref().map(|types| json!(types))),
        ("CsvContentTypes", capture.csv.as_ref().map(|types| json!(types))),
    ]);
    object([
        ("EnableCapture", Some(json!(true))),
        ("InitialSamplingPercentage", Some(json!(capture.percent))),
        ("DestinationS3Uri", Some(json!(capture.to))),
        ("CaptureOptions", Some(json!(options))),
        ("KmsKeyId", key.map(|key| json!(key))),
        ("CaptureContentTypeHeader", (header != json!({})).then_some(header)),
    ])
}

fn async_inference(settings: &ConfigSettings) -> Option<Value> {
    let queue = settings.async_inference.as_ref()?;
    let topic = |topic: &NotifiedTopic| match topic {
        NotifiedTopic::Success => "SUCCESS_NOTIFICATION_TOPIC",
        NotifiedTopic::Error => "ERROR_NOTIFICATION_TOPIC",
    };
    let notifications = queue.notify.as_ref().map(|notify| {
        let included = notify.include_response_in.as_ref();
        object([
            ("SuccessTopic", notify.success.as_ref().map(|topic| json!(topic))),
            ("ErrorTopic", notify.error.as_ref().map(|topic| json!(topic))),
            (
                "IncludeInferenceResponseIn",
                included.map(|topics| json!(topics.iter().map(topic).collect::<Vec<_>>())),
            ),
        ])
    });
    let output = object([
        ("S3OutputPath", Some(json!(queue.output))),
        ("S3FailurePath", queue.failures.as_ref().map(|place| json!(place))),
        ("KmsKeyId", settings.output_key.as_ref().map(|key| json!(key))),
        ("NotificationConfig", notifications),
    ]);
    let most = queue.max_concurrent_per_instance;
    Some(object([
        ("OutputConfig", Some(output)),
        ("ClientConfig", most.map(|most| json!({"MaxConcurrentInvocationsPerInstance": most}))),
    ]))
}

/// The request for a model.
pub(super) fn model(model: &ModelSpec, role: &str) -> Value {
    let settings = &model.settings;
    let container = object([
        ("ModelPackageName", Some(json!(model.package_arn))),
        ("Environment", (!settings.environment.is_empty()).then(|| json!(settings.environment))),
    ]);
    object([
        ("ModelName", Some(json!(model.name))),
        ("Containers", Some(json!([container]))),
        (
            "ExecutionRoleArn",
            Some(settings.execution_role.as_ref().map_or_else(|| json!(role), |role| json!(role))),
        ),
        ("VpcConfig", settings.vpc.as_ref().map(vpc)),
        ("Tags", Some(json!(tag_list(&model.tags)))),
        ("EnableNetworkIsolation", settings.network_isolation.then_some(Value::Bool(true))),
    ])
}

/// The times of a component's start.
pub(super) fn startup(times: StartupTimes) -> Value {
    object([
        ("ContainerStartupHealthCheckTimeoutInSeconds", times.health_check.map(|time| json!(time))),
        ("ModelDataDownloadTimeoutInSeconds", times.download.map(|time| json!(time))),
    ])
}

/// The times that SageMaker describes for a component.
pub(super) fn times(found: &Value) -> Option<StartupTimes> {
    let startup = found.pointer("/Specification/StartupParameters")?;
    let seconds =
        |name: &str| startup.get(name).and_then(Value::as_u64).and_then(|time| u32::try_from(time).ok());
    Some(StartupTimes {
        health_check: seconds("ContainerStartupHealthCheckTimeoutInSeconds"),
        download: seconds("ModelDataDownloadTimeoutInSeconds"),
    })
}

/// The request for a configuration with a variant.
pub(super) fn config(config: &EndpointConfigSpec, variant: Value, role: &str) -> Value {
    let settings = &config.settings;
    let host = settings.components.clone().unwrap_or_default();
    let times = settings.startup.unwrap_or_default();
    let more = object([
        ("VolumeSizeInGB", settings.volume_gb.map(|gb| json!(gb))),
        ("InferenceAmiVersion", settings.inference_ami_version.as_ref().map(|version| json!(version))),
        ("ContainerStartupHealthCheckTimeoutInSeconds", times.health_check.map(|time| json!(time))),
        ("ModelDataDownloadTimeoutInSeconds", times.download.map(|time| json!(time))),
    ]);
    let mut variant = variant;
    if let (Some(members), Value::Object(more)) = (variant.as_object_mut(), more) {
        members.extend(more);
    }
    let role = host.execution_role.as_ref().map_or_else(|| json!(role), |role| json!(role));
    object([
        ("EndpointConfigName", Some(json!(config.name))),
        ("ProductionVariants", Some(json!([variant]))),
        ("ExecutionRoleArn", config.variant.model().is_none().then_some(role)),
        ("VpcConfig", host.vpc.as_ref().map(vpc)),
        ("Tags", Some(json!(tag_list(&config.tags)))),
        ("EnableNetworkIsolation", host.network_isolation.then_some(Value::Bool(true))),
        ("KmsKeyId", settings.volume_key.as_ref().map(|key| json!(key))),
        ("AsyncInferenceConfig", async_inference(settings)),
        ("DataCaptureConfig", settings.capture.as_ref().map(|of| capture(of, settings.capture_key.as_ref()))),
    ])
}
