//! The capacity of endpoints and inference components: Application Auto Scaling, and the number of instances or copies.

use async_trait::async_trait;
use aws_sdk_applicationautoscaling::Client as AutoScaling;
use aws_sdk_applicationautoscaling::types::{
    AdjustmentType, MetricAggregationType, PolicyType, ServiceNamespace, StepAdjustment,
    StepScalingPolicyConfiguration,
};
use aws_sdk_cloudwatch::Client as CloudWatch;
use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, Statistic};
use aws_sdk_sagemaker::Client as SageMaker;
use aws_sdk_sagemaker::types::{DesiredWeightAndCapacity, EndpointStatus, InferenceComponentRuntimeConfig};
use tidegate_engine::{CallError, ports::Capacity};
use tidegate_policy::deploy::ScalableTarget;
use tidegate_policy::endpoint::{ComponentStatus, VARIANT};
use tidegate_policy::scale::{
    BACKLOG_WITHOUT_CAPACITY_METRIC, NO_CAPACITY_METRIC, ScalableResource, TargetTracking,
};

use crate::convert::int;
use crate::error::{Failure, failed, refused};
use crate::target_tracking::{conflict_if_not_in_service, retryable_if_not_visible, scale_from_zero_name};
use crate::{scalable_targets, target_tracking};

const AUTO_SCALING: &str = "application-autoscaling";
/// In seconds. It is long enough that requests that fail while the first copy starts do not start another scaling.
const COOLDOWN: i32 = 60;

/// An alarm on requests without capacity.
struct WakeAlarm<'a> {
    /// The name of the endpoint or component.
    of: &'a str,
    metric: &'static str,
    dimension: &'static str,
    /// In seconds.
    period: i32,
    /// The number of periods in a row.
    periods: i32,
}

/// The capacity of endpoints and inference components.
#[derive(Debug, Clone)]
pub struct ComponentCapacity {
    sagemaker: SageMaker,
    scaling: AutoScaling,
    cloudwatch: CloudWatch,
}

impl ComponentCapacity {
    pub(crate) fn new(sagemaker: SageMaker, scaling: AutoScaling, cloudwatch: CloudWatch) -> Self {
        Self { sagemaker, scaling, cloudwatch }
    }

    /// Puts a step scaling policy that sets one instance or copy. Target tracking cannot scale from zero, because none of its
    /// metrics exists at zero.
    /// <https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html>
    async fn put_policy(&self, resource: &ScalableResource) -> Result<String, CallError> {
        const PUT: &str = "PutScalingPolicy";
        let step = StepAdjustment::builder().metric_interval_lower_bound(0.0).scaling_adjustment(1).build();
        let steps = StepScalingPolicyConfiguration::builder()
            .adjustment_type(AdjustmentType::ExactCapacity)
            .step_adjustments(step.map_err(|error| refused(AUTO_SCALING, PUT, error))?)
            .metric_aggregation_type(MetricAggregationType::Maximum)
            .cooldown(COOLDOWN)
            .build();
        let (id, dimension) = scalable_targets::id_of(resource);
        let put = self
            .scaling
            .put_scaling_policy()
            .policy_name(scale_from_zero_name(resource.name()))
            .service_namespace(ServiceNamespace::Sagemaker)
            .resource_id(id)
            .scalable_dimension(dimension)
            .policy_type(PolicyType::StepScaling)
            .step_scaling_policy_configuration(steps)
            .send()
            .await
            .map_err(failed(AUTO_SCALING, PUT))
            .map_err(retryable_if_not_visible)?;
        Ok(put.policy_arn)
    }

    async fn put_alarm(&self, alarm: WakeAlarm<'_>, policy_arn: &str) -> Result<(), CallError> {
        let WakeAlarm { of, metric, dimension, period, periods } = alarm;
        self.cloudwatch
            .put_metric_alarm()
            .alarm_name(scale_from_zero_name(of))
            .alarm_description(format!("Scales {of} from zero when a request finds no capacity."))
            .namespace("AWS/SageMaker")
            .metric_name(metric)
            .dimensions(Dimension::builder().name(dimension).value(of).build())
            .statistic(Statistic::Maximum)
            .period(period)
            .evaluation_periods(periods)
            // The first request without capacity triggers the alarm.
            .threshold(1.0)
            .comparison_operator(ComparisonOperator::GreaterThanOrEqualToThreshold)
            .treat_missing_data("missing")
            .alarm_actions(policy_arn)
            .send()
            .await
            .map_err(failed("cloudwatch", "PutMetricAlarm"))?;
        Ok(())
    }

    /// Registers the limits of a resource.
    async fn register(&self, resource: &ScalableResource, min: u32, max: u32) -> Result<(), Failure> {
        let (id, dimension) = scalable_targets::id_of(resource);
        let request = self
            .scaling
            .register_scalable_target()
            .service_namespace(ServiceNamespace::Sagemaker)
            .resource_id(id)
            .scalable_dimension(dimension)
            .min_capacity(int(min))
            .max_capacity(int(max));
        request.send().await.map(|_| ()).map_err(failed(AUTO_SCALING, "RegisterScalableTarget"))
    }

    /// Returns the desired number of copies of the component, and whether it is changing.
    async fn desired(&self, component: &str) -> Result<(Option<i32>, bool), CallError> {
        let answer =
            self.sagemaker.describe_inference_component().inference_component_name(component).send().await;
        let found = answer.map_err(failed("sagemaker", "DescribeInferenceComponent"))?;
        let status = found.inference_component_status();
        let changes = status.is_some_and(|status| ComponentStatus::read(status.as_str()).is_changing());
        Ok((found.runtime_config().and_then(|runtime| runtime.desired_copy_count()), changes))
    }
}

#[async_trait]
impl Capacity for ComponentCapacity {
    async fn limits(&self, of: &[ScalableResource]) -> Result<Vec<Option<ScalableTarget>>, CallError> {
        let ids: Vec<String> = of.iter().map(|resource| scalable_targets::id_of(resource).0).collect();
        scalable_targets::of(&self.scaling, &ids).await
    }

    async fn set_target_tracking(&self, target: &TargetTracking) -> Result<String, CallError> {
        target_tracking::set(&self.scaling, target).await
    }

    async fn remove_target_tracking(&self, resource: &ScalableResource) -> Result<String, CallError> {
        target_tracking::remove(&self.scaling, &self.cloudwatch, resource).await
    }

    async fn set_capacity_limits(&self, component: &str, min: u32, max: u32) -> Result<String, CallError> {
        let resource = ScalableResource::Component { component: component.to_owned() };
        self.register(&resource, min, max).await?;
        Ok(format!("component {component} may have {min} to {max} copies"))
    }

    async fn ensure_scale_from_zero_alarm(&self, component: &str) -> Result<String, CallError> {
        let resource = ScalableResource::Component { component: component.to_owned() };
        let policy_arn = self.put_policy(&resource).await?;
        let alarm = WakeAlarm {
            of: component,
            metric: NO_CAPACITY_METRIC,
            dimension: "InferenceComponentName",
            // The metric has a high resolution, and a client is waiting. The example in AWS's guide requires a second
            // failed request.
            period: 30,
            periods: 1,
        };
        self.put_alarm(alarm, &policy_arn).await?;
        Ok(format!(
            "a request scales component {component} from zero: alarm and policy {}",
            scale_from_zero_name(component)
        ))
    }

    async fn ensure_backlog_alarm(&self, endpoint: &str, max: u32) -> Result<String, CallError> {
        let resource = ScalableResource::Variant { endpoint: endpoint.to_owned() };
        let id = scalable_targets::of_variant(endpoint, VARIANT);
        // What is registered keeps its minimum until the alarm exists.
        if scalable_targets::find(&self.scaling, id).await?.is_none() {
            self.register(&resource, 0, max).await.map_err(conflict_if_not_in_service)?;
        }
        let policy_arn = self.put_policy(&resource).await?;
        let alarm = WakeAlarm {
            of: endpoint,
            metric: BACKLOG_WITHOUT_CAPACITY_METRIC,
            dimension: "EndpointName",
            // As in AWS's example: the request waits in the queue.
            period: 60,
            periods: 2,
        };
        self.put_alarm(alarm, &policy_arn).await?;
        Ok(format!(
            "a request in the queue scales endpoint {endpoint} from zero: alarm and policy {}",
            scale_from_zero_name(endpoint)
        ))
    }

    async fn ensure_instances(&self, endpoint: &str, instances: u32) -> Result<String, CallError> {
        let answer = self.sagemaker.describe_endpoint().endpoint_name(endpoint).send().await;
        let found = answer.map_err(failed("sagemaker", "DescribeEndpoint"))?;
        let variant = found.production_variants().first();
        if variant.and_then(|variant| variant.desired_instance_count()) != Some(0) {
            return Ok(format!("endpoint {endpoint} has instances"));
        }
        let wanted =
            DesiredWeightAndCapacity::builder().variant_name(VARIANT).desired_instance_count(int(instances));
        let answer = self
            .sagemaker
            .update_endpoint_weights_and_capacities()
            .endpoint_name(endpoint)
            .desired_weights_and_capacities(wanted.build())
            .send()
            .await;
        match answer.map_err(failed("sagemaker", "UpdateEndpointWeightsAndCapacities")) {
            Ok(_) => Ok(format!("endpoint {endpoint} gets {instances} instances")),
            Err(failure) if found.endpoint_status() != Some(&EndpointStatus::InService) => {
                Err(failure.busy())
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn set_copy_count(&self, component: &str, copies: u32) -> Result<String, CallError> {
        let wanted = InferenceComponentRuntimeConfig::builder().copy_count(int(copies)).build();
        let answer = self
            .sagemaker
            .update_inference_component_runtime_config()
            .inference_component_name(component)
            .desired_runtime_config(wanted)
            .send()
            .await;
        let failure = match answer.map_err(failed("sagemaker", "UpdateInferenceComponentRuntimeConfig")) {
            Ok(_) => return Ok(format!("set component {component} to {copies} copies")),
            Err(failure) => failure,
        };
        if !failure.is("ValidationException") {
            return Err(failure.into());
        }
        match self.desired(component).await? {
            (Some(desired), _) if desired == int(copies) => {
                Ok(format!("component {component} has {copies} copies already"))
            }
            (_, true) => Err(failure.busy()),
            _ => Err(failure.into()),
        }
    }
}
