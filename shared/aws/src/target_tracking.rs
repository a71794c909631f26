//! Target tracking policies of Application Auto Scaling.

use aws_sdk_applicationautoscaling::Client;
use aws_sdk_applicationautoscaling::error::BuildError;
use aws_sdk_applicationautoscaling::types::builders::TargetTrackingScalingPolicyConfigurationBuilder;
use aws_sdk_applicationautoscaling::types::{
    CustomizedMetricSpecification, MetricDimension, MetricStatistic, MetricType, PolicyType,
    PredefinedMetricSpecification, ServiceNamespace, TargetTrackingScalingPolicyConfiguration,
};
use aws_sdk_cloudwatch::Client as CloudWatch;
use tidegate_engine::{CallError, Class};
use tidegate_policy::scale::{ScalableResource, TargetMetric, TargetTracking};

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
    let configuration = metric(target)
        .map_err(|error| refused(SERVICE, PUT, error))?
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
    Ok(format!("the capacity of {name} follows its traffic, between {min} and {max}"))
}

/// Deletes the policy, and deregisters the target if no policy is left. The way back from zero is of no use without it.
pub(crate) async fn remove(
    client: &Client,
    cloudwatch: &CloudWatch,
    resource: &ScalableResource,
) -> Result<String, CallError> {
    let (id, dimension) = id_of(resource);
    delete_policy(client, resource, name(resource)).await?;
    let found = client
        .describe_scaling_policies()
        .service_namespace(ServiceNamespace::Sagemaker)
        .resource_id(&id)
        .scalable_dimension(dimension.clone())
        .send()
        .await
        .map_err(failed(SERVICE, "DescribeScalingPolicies"))?;
    let from_zero = match resource {
        ScalableResource::Variant { endpoint } => Some(scale_from_zero_name(endpoint)),
        ScalableResource::Component { .. } => None,
    };
    let mut others = 0;
    for policy in found.scaling_policies().iter().map(|policy| policy.policy_name()) {
        match from_zero.as_deref().filter(|name| *name == policy) {
            Some(name) => {
                let deleted = cloudwatch.delete_alarms().alarm_names(name).send().await;
                deleted.map_err(failed("cloudwatch", "DeleteAlarms"))?;
                delete_policy(client, resource, name.to_owned()).await?;
            }
            None => others += 1,
        }
    }
    let name = resource.name();
    if others > 0 {
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

async fn delete_policy(client: &Client, resource: &ScalableResource, name: String) -> Result<(), CallError> {
    let (id, dimension) = id_of(resource);
    let deleted = client
        .delete_scaling_policy()
        .policy_name(name)
        .service_namespace(ServiceNamespace::Sagemaker)
        .resource_id(id)
        .scalable_dimension(dimension)
        .send()
        .await;
    unless_gone(deleted.map_err(failed(SERVICE, "DeleteScalingPolicy")))
}

/// A policy with its metric and the wanted value.
/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PredefinedMetricSpecification.html>,
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html>
fn metric(target: &TargetTracking) -> Result<TargetTrackingScalingPolicyConfigurationBuilder, BuildError> {
    let policy = TargetTrackingScalingPolicyConfiguration::builder();
    Ok(match target.metric {
        TargetMetric::Invocations(value) => {
            let metric = PredefinedMetricSpecification::builder()
                .predefined_metric_type(predefined(&target.resource))
                .build()?;
            policy.target_value(f64::from(value)).predefined_metric_specification(metric)
        }
        TargetMetric::Backlog(value) => {
            let of = MetricDimension::builder().name("EndpointName").value(target.resource.name()).build()?;
            let metric = CustomizedMetricSpecification::builder()
                .namespace("AWS/SageMaker")
                .metric_name("ApproximateBacklogSizePerInstance")
                .dimensions(of)
                .statistic(MetricStatistic::Average)
                .build();
            policy.target_value(f64::from(value)).customized_metric_specification(metric)
        }
    })
}

fn predefined(resource: &ScalableResource) -> MetricType {
    match resource {
        ScalableResource::Variant { .. } => MetricType::SageMakerVariantInvocationsPerInstance,
        ScalableResource::Component { .. } => MetricType::SageMakerInferenceComponentInvocationsPerCopy,
    }
}

/// The name of the alarm and of the step scaling policy that scale an endpoint or a component from zero.
pub(crate) fn scale_from_zero_name(of: &str) -> String {
    format!("tidegate-wake-{of}")
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
pub(crate) fn conflict_if_not_in_service(failure: Failure) -> CallError {
    let busy = failure.is("ValidationException") && failure.says("should be in \u{27}inservice\u{27}");
    CallError { class: if busy { Class::Conflict } else { failure.call.class }, ..failure.call }
}

/// A target that was just registered may not be visible yet.
/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html>
pub(crate) fn retryable_if_not_visible(failure: Failure) -> CallError {
    let unseen = failure.is("ObjectNotFoundException");
    CallError { class: if unseen { Class::Retryable } else { failure.call.class }, ..failure.call }
}
