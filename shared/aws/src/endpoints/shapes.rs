//! Conversions of the policy's variants and sizes to SageMaker's types.

use aws_sdk_sagemaker::types::{
    InferenceComponentComputeResourceRequirements, ManagedInstanceScalingStatus, ProductionVariant,
    ProductionVariantInstanceType, ProductionVariantManagedInstanceScaling, ProductionVariantRoutingConfig,
    ProductionVariantServerlessConfig, RoutingStrategy,
};
use tidegate_policy::endpoint::{self, CopySize, VARIANT};

use crate::convert::int;

/// Converts a production variant.
pub(super) fn variant(variant: &endpoint::ProductionVariant) -> ProductionVariant {
    let base = ProductionVariant::builder().variant_name(VARIANT);
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
