//! The capacity of inference components: Application Auto Scaling, and the number of copies.

use async_trait::async_trait;
use aws_sdk_applicationautoscaling::Client as AutoScaling;
use aws_sdk_applicationautoscaling::types::{
    AdjustmentType, MetricAggregationType, PolicyType, ServiceNamespace, StepAdjustment,
    StepScalingPolicyConfiguration,
};
use aws_sdk_cloudwatch::Client as CloudWatch;
use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, Statistic};
use aws_sdk_sagemaker::Client as SageMaker;
use aws_sdk_sagemaker::types::InferenceComponentRuntimeConfig;
use tidegate_engine::{CallError, ports::Capacity};
use tidegate_policy::deploy::ScalableTarget;
use tidegate_policy::endpoint::ComponentStatus;
use tidegate_policy::scale::{NO_CAPACITY_METRIC, ScalableResource, TargetTracking};

use crate::convert::int;
use crate::error::{failed, refused};
use crate::{scalable_targets, target_tracking};

const AUTO_SCALING: &str = "application-autoscaling";
/// In seconds. It is long enough that requests that fail while the first copy starts do not start another scaling.
const COOLDOWN: i32 = 60;
/// In seconds. The metric has a high resolution, and a client is waiting.
const PERIOD: i32 = 30;

/// The capacity of inference components.
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

    /// Puts a step scaling policy that sets one copy. Target tracking cannot scale from zero, because none of its
    /// metrics exists at zero.
    /// <https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html>
    async fn put_policy(&self, component: &str) -> Result<String, CallError> {
        const PUT: &str = "PutScalingPolicy";
        let step = StepAdjustment::builder().metric_interval_lower_bound(0.0).scaling_adjustment(1).build();
        let steps = StepScalingPolicyConfiguration::builder()
            .adjustment_type(AdjustmentType::ExactCapacity)
            .step_adjustments(step.map_err(|error| refused(AUTO_SCALING, PUT, error))?)
            .metric_aggregation_type(MetricAggregationType::Maximum)
            .cooldown(COOLDOWN)
            .build();
        let put = self
            .scaling
            .put_scaling_policy()
            .policy_name(scale_from_zero_name(component))
            .service_namespace(ServiceNamespace::Sagemaker)
            .resource_id(scalable_targets::of_component(component))
            .scalable_dimension(scalable_targets::COPIES)
            .policy_type(PolicyType::StepScaling)
            .step_scaling_policy_configuration(steps)
            .send()
            .await
            .map_err(failed(AUTO_SCALING, PUT))?;
        Ok(put.policy_arn)
    }

    async fn put_alarm(&self, component: &str, policy_arn: &str) -> Result<(), CallError> {
        self.cloudwatch
            .put_metric_alarm()
            .alarm_name(scale_from_zero_name(component))
            .alarm_description(format!("Scales {component} from zero when a request finds no capacity."))
            .namespace("AWS/SageMaker")
            .metric_name(NO_CAPACITY_METRIC)
            .dimensions(Dimension::builder().name("InferenceComponentName").value(component).build())
            .statistic(Statistic::Maximum)
            .period(PERIOD)
            .evaluation_periods(1)
            // The first failed request triggers the alarm. The example in AWS's guide requires a second one.
            .threshold(1.0)
            .comparison_operator(ComparisonOperator::GreaterThanOrEqualToThreshold)
            .treat_missing_data("missing")
            .alarm_actions(policy_arn)
            .send()
            .await
            .map_err(failed("cloudwatch", "PutMetricAlarm"))?;
        Ok(())
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
        target_tracking::remove(&self.scaling, resource).await
    }

    async fn set_capacity_limits(&self, component: &str, min: u32, max: u32) -> Result<String, CallError> {
        self.scaling
            .register_scalable_target()
            .service_namespace(ServiceNamespace::Sagemaker)
            .resource_id(scalable_targets::of_component(component))
            .scalable_dimension(scalable_targets::COPIES)
            .min_capacity(int(min))
            .max_capacity(int(max))
            .send()
            .await
            .map_err(failed(AUTO_SCALING, "RegisterScalableTarget"))?;
        Ok(format!("component {component} may have {min} to {max} copies"))
    }

    async fn ensure_scale_from_zero_alarm(&self, component: &str) -> Result<String, CallError> {
        let policy_arn = self.put_policy(component).await?;
        self.put_alarm(component, &policy_arn).await?;
        Ok(format!(
            "a request scales component {component} from zero: alarm and policy {}",
            scale_from_zero_name(component)
        ))
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

fn scale_from_zero_name(component: &str) -> String {
    format!("tidegate-wake-{component}")
}
