//! Conversions of the policy's variants and sizes to SageMaker's types.

use aws_sdk_sagemaker::types::{
    CaptureContentTypeHeader, CaptureMode, CaptureOption, ContainerDefinition, DataCaptureConfig,
    InferenceComponentComputeResourceRequirements, InferenceComponentStartupParameters,
    ManagedInstanceScalingStatus, ProductionVariant, ProductionVariantInferenceAmiVersion,
    ProductionVariantInstanceType, ProductionVariantManagedInstanceScaling, ProductionVariantRoutingConfig,
    ProductionVariantServerlessConfig, RoutingStrategy, VpcConfig,
};
use tidegate_policy::endpoint::{self, ConfigSettings, CopySize, StartupTimes, VARIANT};
use tidegate_policy::file::{Capture, Captured, Vpc};
use tidegate_policy::names::{ContentType, KmsKey};

use crate::convert::int;

/// Converts a production variant.
pub(super) fn variant(variant: &endpoint::ProductionVariant, settings: &ConfigSettings) -> ProductionVariant {
    let times = settings.startup.unwrap_or_default();
    let image = settings.inference_ami_version.as_ref().map(|version| version.as_str());
    let base = ProductionVariant::builder()
        .variant_name(VARIANT)
        .set_volume_size_in_gb(settings.volume_gb.map(int))
        .set_inference_ami_version(image.map(ProductionVariantInferenceAmiVersion::from))
        .set_container_startup_health_check_timeout_in_seconds(times.health_check.map(int))
        .set_model_data_download_timeout_in_seconds(times.download.map(int));
    match variant {
        endpoint::ProductionVariant::RealTime { model, instance_type, instances } => base
            .model_name(model)
            .instance_type(ProductionVariantInstanceType::from(instance_type.as_str()))
            .initial_instance_count(int(*instances))
            .initial_variant_weight(1.0)
            .build(),
        endpoint::ProductionVariant::Serverless { model, memory_mb, max_concurrency } => {
            let serverless = ProductionVariantServerlessConfig::builder()
                .memory_size_in_mb(int(*memory_mb))
                .max_concurrency(int(*max_concurrency))
                .build();
            base.model_name(model).initial_variant_weight(1.0).serverless_config(serverless).build()
        }
        // A variant without a model that can scale to zero instances:
        // https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html
        endpoint::ProductionVariant::Components { instance_type, min_instances, max_instances } => {
            let scaling = ProductionVariantManagedInstanceScaling::builder()
                .status(ManagedInstanceScalingStatus::Enabled)
                .min_instance_count(int(*min_instances))
                .max_instance_count(int(*max_instances))
                .build();
            let routing = ProductionVariantRoutingConfig::builder()
                .routing_strategy(RoutingStrategy::LeastOutstandingRequests)
                .build();
            base.instance_type(ProductionVariantInstanceType::from(instance_type.as_str()))
                .initial_instance_count(1)
                .managed_instance_scaling(scaling)
                .routing_config(routing)
                .build()
        }
    }
}

/// Converts what a copy is given. SageMaker takes parts of devices and cores.
pub(super) fn requirements(size: CopySize) -> InferenceComponentComputeResourceRequirements {
    let number = |number: u32| number as f32;
    InferenceComponentComputeResourceRequirements::builder()
        .min_memory_required_in_mb(int(size.memory_mb))
        .set_max_memory_required_in_mb(size.max_memory_mb.map(int))
        .set_number_of_accelerator_devices_required(size.accelerators.map(number))
        .set_number_of_cpu_cores_required(size.cpus.map(number))
        .build()
}

/// Reads what a copy is given. `None` if SageMaker describes no memory.
pub(super) fn size(found: &InferenceComponentComputeResourceRequirements) -> Option<CopySize> {
    let memory = |mb: Option<i32>| mb.and_then(|mb| u32::try_from(mb).ok());
    // A number with a fraction is not one that Tidegate requests.
    let whole = |number: Option<f32>| number.filter(|n| n.fract() == 0.0 && *n >= 0.0).map(|n| n as u32);
    Some(CopySize {
        memory_mb: memory(found.min_memory_required_in_mb())?,
        max_memory_mb: memory(found.max_memory_required_in_mb()),
        accelerators: whole(found.number_of_accelerator_devices_required()),
        cpus: whole(found.number_of_cpu_cores_required()),
    })
}

/// The container of a model: its package, with variables in addition to those of the package.
/// <https://github.com/aws/sagemaker-python-sdk/pull/3581>
pub(super) fn container(model: &endpoint::ModelSpec) -> ContainerDefinition {
    let variables = &model.settings.environment;
    let variables = (!variables.is_empty()).then(|| variables.clone().into_iter().collect());
    ContainerDefinition::builder().model_package_name(&model.package_arn).set_environment(variables).build()
}

/// Converts a network.
pub(super) fn vpc(vpc: &Vpc) -> VpcConfig {
    VpcConfig::builder()
        .set_subnets(Some(vpc.subnets.iter().map(ToString::to_string).collect()))
        .set_security_group_ids(Some(vpc.security_groups.iter().map(ToString::to_string).collect()))
        .build()
}

/// Converts which requests and responses are stored.
pub(super) fn capture(capture: &Capture, key: Option<&KmsKey>) -> DataCaptureConfig {
    let parts = [(Captured::Requests, CaptureMode::Input), (Captured::Responses, CaptureMode::Output)];
    let options = parts.into_iter().filter(|(part, _)| capture.includes(*part));
    let options = options.map(|(_, mode)| CaptureOption::builder().capture_mode(mode).build());
    let types = |types: &Option<Vec<ContentType>>| {
        types.as_ref().map(|types| types.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let header = (capture.json.is_some() || capture.csv.is_some()).then(|| {
        CaptureContentTypeHeader::builder()
            .set_json_content_types(types(&capture.json))
            .set_csv_content_types(types(&capture.csv))
            .build()
    });
    DataCaptureConfig::builder()
        .set_kms_key_id(key.map(ToString::to_string))
        .enable_capture(true)
        .initial_sampling_percentage(int(capture.percent))
        .destination_s3_uri(capture.to.as_str())
        .set_capture_options(Some(options.collect()))
        .set_capture_content_type_header(header)
        .build()
}

/// Converts the times of a component's start.
pub(super) fn startup(times: StartupTimes) -> InferenceComponentStartupParameters {
    InferenceComponentStartupParameters::builder()
        .set_container_startup_health_check_timeout_in_seconds(times.health_check.map(int))
        .set_model_data_download_timeout_in_seconds(times.download.map(int))
        .build()
}

/// Reads the times of a component's start.
pub(super) fn times(found: &InferenceComponentStartupParameters) -> StartupTimes {
    let seconds = |time: Option<i32>| time.and_then(|time| u32::try_from(time).ok());
    StartupTimes {
        health_check: seconds(found.container_startup_health_check_timeout_in_seconds()),
        download: seconds(found.model_data_download_timeout_in_seconds()),
    }
}
