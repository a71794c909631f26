//! Conversions of the policy's rollouts to SageMaker's types.

use aws_sdk_sagemaker::types::{
    Alarm, AutoRollbackConfig, BlueGreenUpdatePolicy, CapacitySize, CapacitySizeType, DeploymentConfig,
    InferenceComponentCapacitySize, InferenceComponentCapacitySizeType, InferenceComponentDeploymentConfig,
    InferenceComponentRollingUpdatePolicy, RollingUpdatePolicy, TrafficRoutingConfig,
    TrafficRoutingConfigType,
};
use tidegate_policy::endpoint::{BatchSize, Batches, Rollout};

use crate::convert::int;

/// In seconds: the time for which SageMaker monitors the alarms after all traffic is shifted, before it terminates the
/// old instances, unless the policy sets it. It covers one period of an alarm of five minutes, or two of one minute with
/// their delay. The time between two steps of a rollout (`WaitIntervalInSeconds`) does not apply to a rollout that shifts
/// all traffic at once:
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-all-at-once.html>
const TERMINATION_WAIT: i32 = 300;
/// In seconds: the time in which the instances of a fleet start, beside the waiting times of the rollout. After it
/// SageMaker rolls back.
const INSTANCE_START: i32 = 3_600;
/// In seconds: the time in which the instances or copies of each batch after the first start.
const BATCH_START: i32 = 900;
/// SageMaker's limits for the duration of a deployment, in seconds.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_BlueGreenUpdatePolicy.html>
const EXECUTION_LIMITS: (i32, i32) = (600, 28_800);

/// Converts the rollout of an endpoint. `None` is SageMaker's default, which shifts all traffic at once.
pub(super) fn of_endpoint(rollout: &Rollout) -> Option<DeploymentConfig> {
    if rollout.is_default() {
        return None;
    }
    let base = DeploymentConfig::builder().set_auto_rollback_configuration(rollback(rollout));
    Some(match rollout.rolling {
        Some(batches) => base.rolling_update_policy(rolling(batches)).build(),
        None => base.blue_green_update_policy(blue_green(rollout)).build(),
    })
}

/// Converts the rollout of a component. Without a policy, all new copies start beside the old ones.
pub(super) fn of_component(rollout: &Rollout, copies: u32) -> Option<InferenceComponentDeploymentConfig> {
    let batches = rollout.rolling?;
    let policy = InferenceComponentRollingUpdatePolicy::builder()
        .maximum_batch_size(copies_in(batches.size))
        .wait_interval_in_seconds(int(batches.bake))
        .maximum_execution_timeout_in_seconds(longest(batches, copies))
        .set_rollback_maximum_batch_size(batches.rollback_percent.map(BatchSize::Percent).map(copies_in))
        .build();
    Some(
        InferenceComponentDeploymentConfig::builder()
            .rolling_update_policy(policy)
            .set_auto_rollback_configuration(rollback(rollout))
            .build(),
    )
}

fn rollback(rollout: &Rollout) -> Option<AutoRollbackConfig> {
    let alarms: Vec<Alarm> =
        rollout.alarms.iter().map(|name| Alarm::builder().alarm_name(name).build()).collect();
    (!alarms.is_empty()).then(|| AutoRollbackConfig::builder().set_alarms(Some(alarms)).build())
}

fn blue_green(rollout: &Rollout) -> BlueGreenUpdatePolicy {
    let (routing, waits) = routing(rollout);
    let termination_wait = rollout.bake.map_or(TERMINATION_WAIT, int);
    let total = waits.saturating_add(termination_wait).saturating_add(INSTANCE_START);
    BlueGreenUpdatePolicy::builder()
        .traffic_routing_configuration(routing)
        .termination_wait_in_seconds(termination_wait)
        .maximum_execution_timeout_in_seconds(total.clamp(EXECUTION_LIMITS.0, EXECUTION_LIMITS.1))
        .build()
}

/// The routing, and the seconds of all waits between its steps.
fn routing(rollout: &Rollout) -> (TrafficRoutingConfig, i32) {
    let base = TrafficRoutingConfig::builder();
    let (routing, wait, waits) = match (rollout.canary, rollout.linear) {
        (Some((percent, bake)), _) => {
            let routing = base.r#type(TrafficRoutingConfigType::Canary).canary_size(instances(percent));
            (routing, int(bake), 1)
        }
        (None, Some((percent, bake))) => {
            let routing = base.r#type(TrafficRoutingConfigType::Linear).linear_step_size(instances(percent));
            (routing, int(bake), 100_u32.div_ceil(percent.max(1)).saturating_sub(1))
        }
        (None, None) => (base.r#type(TrafficRoutingConfigType::AllAtOnce), 0, 0),
    };
    (routing.wait_interval_in_seconds(wait).build(), wait.saturating_mul(int(waits)))
}

fn rolling(batches: Batches) -> RollingUpdatePolicy {
    // The number of instances is not known here; 100 of them have the most batches.
    RollingUpdatePolicy::builder()
        .maximum_batch_size(instances_in(batches.size))
        .wait_interval_in_seconds(int(batches.bake))
        .maximum_execution_timeout_in_seconds(longest(batches, 100))
        .set_rollback_maximum_batch_size(batches.rollback_percent.map(instances))
        .build()
}

fn longest(batches: Batches, capacity: u32) -> i32 {
    let count = int(batches.count(capacity));
    let total =
        int(batches.bake).saturating_add(BATCH_START).saturating_mul(count).saturating_add(INSTANCE_START);
    total.clamp(EXECUTION_LIMITS.0, EXECUTION_LIMITS.1)
}

fn instances(percent: u32) -> CapacitySize {
    CapacitySize::builder().r#type(CapacitySizeType::CapacityPercent).value(int(percent)).build()
}

fn instances_in(size: BatchSize) -> CapacitySize {
    match size {
        BatchSize::Percent(percent) => instances(percent),
        BatchSize::Copies(count) => {
            CapacitySize::builder().r#type(CapacitySizeType::InstanceCount).value(int(count)).build()
        }
    }
}

fn copies_in(size: BatchSize) -> InferenceComponentCapacitySize {
    let (kind, value) = match size {
        BatchSize::Percent(percent) => (InferenceComponentCapacitySizeType::CapacityPercent, percent),
        BatchSize::Copies(copies) => (InferenceComponentCapacitySizeType::CopyCount, copies),
    };
    InferenceComponentCapacitySize::builder().r#type(kind).value(int(value)).build()
}
