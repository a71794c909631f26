//! Target tracking policies of Application Auto Scaling.

use aws_sdk_applicationautoscaling::Client;
use aws_sdk_applicationautoscaling::types::{
    MetricType, PolicyType, PredefinedMetricSpecification, ServiceNamespace,
    TargetTrackingScalingPolicyConfiguration,
};
use tidegate_engine::{CallError, Class};
use tidegate_policy::scale::{ScalableResource, TargetTracking};

use crate::convert::int;
use crate::error::{Failure, failed, refused};
use crate::scalable_targets::id_of;

const SERVICE: &str = "application-autoscaling";
const PUT: &str = "PutScalingPolicy";

/// Registers the limits, and puts the policy.
pub(crate) async fn set(client: &Client, target: &TargetTracking) -> Result<String, CallError> {
    let (id, dimension) = id_of(&target.resource);
    client
        .register_scalable_target()
        .service_namespace(ServiceNamespace::Sagemaker)
        .resource_id(&id)
        .scalable_dimension(dimension.clone())
        .min_capacity(int(target.min))
        .max_capacity(int(target.max))
        .send()
        .await
        .map_err(failed(SERVICE, "RegisterScalableTarget"))
        .map_err(conflict_if_not_in_service)?;
    let metric =
        PredefinedMetricSpecification::builder().predefined_metric_type(metric(&target.resource)).build();
    let configuration = TargetTrackingScalingPolicyConfiguration::builder()
        .target_value(f64::from(target.invocations))
        .predefined_metric_specification(metric.map_err(|error| refused(SERVICE, PUT, error))?)
        .set_scale_in_cooldown(target.scale_in_cooldown.map(int))
        .set_scale_out_cooldown(target.scale_out_cooldown.map(int))
        .build()
        .map_err(|error| refused(SERVICE, PUT, error))?;
    client
        .put_scaling_policy()
        .policy_name(name(&target.resource))
        .service_namespace(ServiceNamespace::Sagemaker)
        .resource_id(&id)
        .scalable_dimension(dimension)
        .policy_type(PolicyType::TargetTrackingScaling)
        .target_tracking_scaling_policy_configuration(configuration)
        .send()
        .await
        .map_err(failed(SERVICE, PUT))
        .map_err(retryable_if_not_visible)?;
    let (name, min, max) = (target.resource.name(), target.min, target.max);
    Ok(format!("the capacity of {name} follows its invocations, between {min} and {max}"))
}

/// Deletes the policy, and deregisters the target if no policy is left.
pub(crate) async fn remove(client: &Client, resource: &ScalableResource) -> Result<String, CallError> {
    let (id, dimension) = id_of(resource);
    let deleted = client
        .delete_scaling_policy()
        .policy_name(name(resource))
        .service_namespace(ServiceNamespace::Sagemaker)
        .resource_id(&id)
        .scalable_dimension(dimension.clone())
        .send()
        .await;
    unless_gone(deleted.map_err(failed(SERVICE, "DeleteScalingPolicy")))?;
    let others = client
        .describe_scaling_policies()
        .service_namespace(ServiceNamespace::Sagemaker)
        .resource_id(&id)
        .scalable_dimension(dimension.clone())
        .send()
        .await
        .map_err(failed(SERVICE, "DescribeScalingPolicies"))?;
    let name = resource.name();
    if !others.scaling_policies().is_empty() {
        return Ok(format!("the capacity of {name} follows other policies alone"));
    }
    let deregistered = client
        .deregister_scalable_target()
        .service_namespace(ServiceNamespace::Sagemaker)
        .resource_id(&id)
        .scalable_dimension(dimension)
        .send()
        .await;
    unless_gone(deregistered.map_err(failed(SERVICE, "DeregisterScalableTarget")))?;
    Ok(format!("the capacity of {name} is no longer scaled"))
}

/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PredefinedMetricSpecification.html>
fn metric(resource: &ScalableResource) -> MetricType {
    match resource {
        ScalableResource::Variant { .. } => MetricType::SageMakerVariantInvocationsPerInstance,
        ScalableResource::Component { .. } => MetricType::SageMakerInferenceComponentInvocationsPerCopy,
    }
}

fn name(resource: &ScalableResource) -> String {
    format!("tidegate-target-{}", resource.name())
}

/// What is already gone needs no deletion.
fn unless_gone<T>(answer: Result<T, Failure>) -> Result<(), CallError> {
    match answer {
        Err(failure) if !failure.is("ObjectNotFoundException") => Err(failure.into()),
        _ => Ok(()),
    }
}

/// A target is registered only while its endpoint is in service; it will be again.
fn conflict_if_not_in_service(failure: Failure) -> CallError {
    let busy = failure.is("ValidationException") && failure.says("should be in \u{27}inservice\u{27}");
    CallError { class: if busy { Class::Conflict } else { failure.call.class }, ..failure.call }
}

/// A target that was just registered may not be visible yet.
/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html>
fn retryable_if_not_visible(failure: Failure) -> CallError {
    let unseen = failure.is("ObjectNotFoundException");
    CallError { class: if unseen { Class::Retryable } else { failure.call.class }, ..failure.call }
}
