//! What an endpoint runs: the settings of its configuration and of its models.

use aws_sdk_sagemaker::operation::describe_endpoint_config::DescribeEndpointConfigOutput;
use aws_sdk_sagemaker::operation::describe_model::DescribeModelOutput;
use aws_sdk_sagemaker::types::{
    ContainerDefinition, DeployedImage as SdkImage, ProductionVariant, VpcConfig,
};
use tidegate_policy::deploy::{
    DeployedImage, RunningConfig, RunningContainer, RunningModel, Setting, SettingKind,
};

use super::async_inference;

/// Describes a configuration. The models and the scalable targets are added later.
pub(super) fn config(found: &DescribeEndpointConfigOutput) -> RunningConfig {
    let variants = found.production_variants();
    let mut running = RunningConfig {
        variants: variants.iter().filter_map(|v| v.variant_name()).map(str::to_owned).collect(),
        models: variants.iter().filter_map(|v| v.model_name()).map(str::to_owned).collect(),
        shadow_variants: found
            .shadow_production_variants()
            .iter()
            .filter_map(|variant| variant.variant_name())
            .map(str::to_owned)
            .collect(),
        instance_type: variants.first().and_then(|v| v.instance_type()).map(|kind| kind.as_str().to_owned()),
        ..RunningConfig::default()
    };
    let mut add = |kind, value: String| running.settings.push(Setting { kind, value });
    if let Some(capture) =
        found.data_capture_config().filter(|capture| capture.enable_capture() != Some(false))
    {
        let (percent, to) = (capture.initial_sampling_percentage(), capture.destination_s3_uri());
        add(
            SettingKind::DataCapture,
            format!("{} % to {}", percent.unwrap_or_default(), to.unwrap_or_default()),
        );
    }
    if let Some(key) = found.kms_key_id() {
        add(SettingKind::KmsKey, key.to_owned());
    }
    if let Some(network) = found.vpc_config() {
        add(SettingKind::Vpc, vpc(network));
    }
    if found.enable_network_isolation() == Some(true) {
        add(SettingKind::NetworkIsolation, "on".to_owned());
    }
    if found.explainer_config().is_some() {
        add(SettingKind::Explainer, "SageMaker Clarify".to_owned());
    }
    running.settings.extend(found.async_inference_config().into_iter().flat_map(async_inference::settings));
    for variant in variants {
        running.settings.extend(of_variant(variant));
    }
    running
}

/// An image that runs.
pub(super) fn image(found: &SdkImage) -> Option<DeployedImage> {
    let specified = found.specified_image()?.to_owned();
    Some(DeployedImage { specified, resolved: found.resolved_image().map(str::to_owned) })
}

/// The containers of a model.
pub(super) fn containers(found: &DescribeModelOutput) -> RunningModel {
    let container = |container: &ContainerDefinition| {
        let source = container.model_data_source().and_then(|source| source.s3_data_source());
        RunningContainer {
            package: container.model_package_name().map(str::to_owned),
            image: container.image().map(str::to_owned),
            model_data: container
                .model_data_url()
                .or(source.and_then(|source| source.s3_uri()))
                .map(str::to_owned),
        }
    };
    let all = found.primary_container().into_iter().chain(found.containers());
    RunningModel { containers: all.map(container).collect() }
}

fn of_variant(variant: &ProductionVariant) -> Vec<Setting> {
    let seconds = |kind, what: &str, value: Option<i32>| {
        value.map(|value| Setting { kind, value: format!("{what} {value} s") })
    };
    let ami = variant.inference_ami_version().map(|ami| ami.as_str().to_owned());
    [
        ami.map(|value| Setting { kind: SettingKind::InferenceAmi, value }),
        seconds(
            SettingKind::StartupTimeout,
            "health check",
            variant.container_startup_health_check_timeout_in_seconds(),
        ),
        seconds(
            SettingKind::StartupTimeout,
            "model download",
            variant.model_data_download_timeout_in_seconds(),
        ),
        variant
            .volume_size_in_gb()
            .map(|size| Setting { kind: SettingKind::VolumeSize, value: format!("{size} GB") }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The settings of a model.
pub(super) fn model(found: &DescribeModelOutput) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut add = |kind, value: String| settings.push(Setting { kind, value });
    if let Some(network) = found.vpc_config() {
        add(SettingKind::Vpc, vpc(network));
    }
    if found.enable_network_isolation() == Some(true) {
        add(SettingKind::NetworkIsolation, "on".to_owned());
    }
    let containers = found.primary_container().into_iter().chain(found.containers());
    // Only the names: a value may be a secret, and records and alerts repeat this text.
    let mut names: Vec<&str> = containers
        .filter_map(ContainerDefinition::environment)
        .flat_map(|variables| variables.keys().map(String::as_str))
        .collect();
    names.sort_unstable();
    names.dedup();
    if !names.is_empty() {
        add(SettingKind::EnvironmentVariables, names.join(", "));
    }
    settings
}

fn vpc(network: &VpcConfig) -> String {
    format!("subnets {}", network.subnets().join(", "))
}
