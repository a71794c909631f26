//! Conversions of the policy's variants and rollouts to SageMaker's types.

use aws_sdk_sagemaker::types::{
    Alarm, AutoRollbackConfig, BlueGreenUpdatePolicy, CapacitySize, CapacitySizeType, DeploymentConfig,
    InferenceComponentComputeResourceRequirements, ManagedInstanceScalingStatus, ProductionVariant,
    ProductionVariantInstanceType, ProductionVariantManagedInstanceScaling, ProductionVariantRoutingConfig,
    ProductionVariantServerlessConfig, RoutingStrategy, TrafficRoutingConfig, TrafficRoutingConfigType,
};
use tidegate_policy::endpoint::{self, CopySize, Rollout, VARIANT};

use crate::convert::int;

/// In seconds: the time for which SageMaker monitors the alarms after all traffic is shifted, before it terminates the
/// old instances. It covers one period of an alarm of five minutes, or two of one minute with their delay. The time
/// between two steps of a rollout (`WaitIntervalInSeconds`) does not apply to a rollout that shifts all traffic at once:
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-all-at-once.html>
const TERMINATION_WAIT: i32 = 300;
/// In seconds: the time in which instances start twice, beside the waiting time of the rollout. After it SageMaker
/// rolls back.
const INSTANCE_START: i32 = 3_600;
/// SageMaker's limits for the duration of a deployment, in seconds.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_BlueGreenUpdatePolicy.html>
const EXECUTION_LIMITS: (i32, i32) = (600, 28_800);

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

/// Converts a rollout. `None` is SageMaker's default, which shifts all traffic at once.
pub(super) fn deployment(rollout: &Rollout) -> Option<DeploymentConfig> {
    if rollout.canary.is_none() && rollout.alarms.is_empty() {
        return None;
    }
    let (routing, wait) = routing(rollout.canary);
    let total = wait.saturating_add(TERMINATION_WAIT).saturating_add(INSTANCE_START);
    let policy = BlueGreenUpdatePolicy::builder()
        .traffic_routing_configuration(routing)
        .termination_wait_in_seconds(TERMINATION_WAIT)
        .maximum_execution_timeout_in_seconds(total.clamp(EXECUTION_LIMITS.0, EXECUTION_LIMITS.1))
        .build();
    let alarms: Vec<Alarm> =
        rollout.alarms.iter().map(|name| Alarm::builder().alarm_name(name).build()).collect();
    let rollback =
        (!alarms.is_empty()).then(|| AutoRollbackConfig::builder().set_alarms(Some(alarms)).build());
    Some(
        DeploymentConfig::builder()
            .blue_green_update_policy(policy)
            .set_auto_rollback_configuration(rollback)
            .build(),
    )
}

fn routing(canary: Option<(u32, u32)>) -> (TrafficRoutingConfig, i32) {
    let base = TrafficRoutingConfig::builder();
    let (routing, wait) = match canary {
        Some((percent, bake)) => {
            let size =
                CapacitySize::builder().r#type(CapacitySizeType::CapacityPercent).value(int(percent)).build();
            (base.r#type(TrafficRoutingConfigType::Canary).canary_size(size), int(bake))
        }
        None => (base.r#type(TrafficRoutingConfigType::AllAtOnce), 0),
    };
    (routing.wait_interval_in_seconds(wait).build(), wait)
}
