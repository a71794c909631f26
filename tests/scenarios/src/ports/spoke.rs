//! Sampler, reports, alarms, metrics and capacity.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate_engine::ports::{Alarms, Capacity, InvocationQuery, Metrics, Reports, Sampler};
use tidegate_engine::refusals::may_be_starting;
use tidegate_engine::{CallError, Class};
use tidegate_events::{AlarmChanged, AlarmState};
use tidegate_policy::deploy::{Answer, Probe, QueuedSample, SAMPLE_TTL_SECONDS, ScalableTarget};
use tidegate_policy::endpoint::{InvokedResource, VARIANT};
use tidegate_policy::file::Sample;
use tidegate_policy::respond::MonitorReport;
use tidegate_policy::scale::{ScalableResource, TargetMetric, TargetTracking};

use super::text;
use crate::cloud::Account;

const SCALING: &str = "application-autoscaling";
const COPIES: &str = "sagemaker:inference-component:DesiredCopyCount";

fn is_starting(error: &CallError) -> bool {
    error.message.split_once(": ").is_some_and(|(code, text)| may_be_starting(code, text))
}

#[async_trait]
impl Sampler for Account {
    async fn ask(
        &self,
        endpoint: &str,
        component: Option<&str>,
        sample: &Sample,
    ) -> Result<Probe, CallError> {
        let mut request =
            json!({"EndpointName": endpoint, "ContentType": sample.content_type, "Body": sample.body});
        if let (Some(component), Some(members)) = (component, request.as_object_mut()) {
            members.insert("InferenceComponentName".to_owned(), json!(component));
        }
        match self.call("sagemaker-runtime", "InvokeEndpoint", request).await {
            Ok(answer) => Ok(Probe::Replied(Answer {
                status: 200,
                content_type: text(&answer, "/ContentType"),
                body: text(&answer, "/Body").unwrap_or_default().into_bytes(),
                took: SignedDuration::ZERO,
            })),
            Err(error) if is_starting(&error) => Ok(Probe::NotReady(error.message)),
            // The model spoke, or its endpoint refused; everything else says nothing about the model.
            Err(error) if error.class == Class::Permanent || error.message.starts_with("ModelError") => {
                Ok(Probe::Failed(error.message))
            }
            Err(error) => Err(error),
        }
    }

    async fn enqueue(&self, endpoint: &str, sample: &Sample) -> Result<Probe, CallError> {
        let request = json!({"EndpointName": endpoint, "ContentType": sample.content_type, "Body": sample.body,
            "RequestTTLSeconds": SAMPLE_TTL_SECONDS});
        match self.call("sagemaker-runtime", "InvokeEndpointAsync", request).await {
            Ok(answer) => Ok(Probe::Queued(QueuedSample {
                output: text(&answer, "/OutputLocation").unwrap_or_default(),
                failure: text(&answer, "/FailureLocation"),
            })),
            Err(error) if error.class == Class::Permanent => Ok(Probe::Failed(error.message)),
            Err(error) => Err(error),
        }
    }

    async fn find_answer(&self, sample: &QueuedSample) -> Result<Probe, CallError> {
        let look = || {
            let objects = &self.cloud.inner().objects;
            Ok(match &sample.failure {
                _ if objects.contains(&sample.output) => Probe::Answered(200),
                Some(failure) if objects.contains(failure) => Probe::Failed(failure.clone()),
                _ => Probe::Silent,
            })
        };
        self.cloud.faults.around("s3", "ListObjectsV2", look).await
    }
}

#[async_trait]
impl Reports for Account {
    async fn read(&self, bucket: &str, key: &str) -> Result<MonitorReport, CallError> {
        let at = (bucket.to_owned(), key.to_owned());
        let read = || {
            Ok(match self.state(|state| state.reports.get(&at).cloned()) {
                Some(text) => MonitorReport::from_json(&text),
                None => MonitorReport::Unreadable(format!("s3://{}/{} does not exist", at.0, at.1)),
            })
        };
        self.cloud.faults.around("s3", "GetObject", read).await
    }
}

#[async_trait]
impl Alarms for Account {
    async fn in_alarm(&self, names: &[String]) -> Result<Vec<AlarmChanged>, CallError> {
        let read = || {
            let all = self.state(|state| state.alarms.clone());
            let raised = all.into_values().filter(|alarm| alarm.state == AlarmState::Alarm);
            Ok(raised.filter(|alarm| names.contains(&alarm.alarm)).collect())
        };
        self.cloud.faults.around("cloudwatch", "DescribeAlarms", read).await
    }

    async fn all_in_alarm(&self) -> Result<Vec<String>, CallError> {
        let read = || {
            let all = self.state(|state| state.alarms.clone());
            let raised = all.into_values().filter(|alarm| alarm.state == AlarmState::Alarm);
            Ok(raised.map(|alarm| alarm.alarm).collect())
        };
        self.cloud.faults.around("cloudwatch", "DescribeAlarms", read).await
    }
}

#[async_trait]
impl Metrics for Account {
    async fn invocations(
        &self,
        queries: &[InvocationQuery],
        now: Timestamp,
    ) -> Result<Vec<Option<u64>>, CallError> {
        let read = || {
            let silent = self.state(|state| state.metrics_silent);
            Ok(queries.iter().map(|query| (!silent).then(|| self.count(query, now))).collect())
        };
        self.cloud.faults.around("cloudwatch", "GetMetricData", read).await
    }
}

impl Account {
    fn count(&self, query: &InvocationQuery, now: Timestamp) -> u64 {
        let named = match &query.resource {
            InvokedResource::Component(_) => "InferenceComponentName",
            InvokedResource::Endpoint(_) => "EndpointName",
        };
        let dimension = (named.to_owned(), query.resource.name().to_owned());
        // As far ahead as the adapter asks.
        let until = now.checked_add(SignedDuration::from_mins(15)).unwrap_or(now);
        let inner = self.cloud.inner();
        let asked = inner.metrics.iter().filter(|metric| {
            metric.account == self.place.account
                && metric.region == self.place.region
                && metric.name == "Invocations"
                && metric.dimensions.contains(&dimension)
                && (query.from..=until).contains(&metric.time)
        });
        u64::try_from(asked.count()).unwrap_or(u64::MAX)
    }

    async fn put_wake_policy(&self, name: &str, of: Value) -> Result<(), CallError> {
        let steps = json!({"AdjustmentType": "ExactCapacity", "Cooldown": 60,
            "MetricAggregationType": "Maximum",
            "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}]});
        let more = json!({"PolicyName": format!("tidegate-wake-{name}"), "PolicyType": "StepScaling",
            "StepScalingPolicyConfiguration": steps});
        let put = self.call(SCALING, "PutScalingPolicy", with(of, more)).await?;
        let arn = text(&put, "/PolicyARN").unwrap_or_default();
        self.state(|state| state.wake_policies.insert(name.to_owned(), arn));
        Ok(())
    }

    fn resource(component: &str) -> Value {
        json!({"ServiceNamespace": "sagemaker", "ResourceId": format!("inference-component/{component}"),
            "ScalableDimension": COPIES})
    }
}

/// The id and the dimension of a resource.
fn scaled(resource: &ScalableResource) -> (String, &'static str) {
    match resource {
        ScalableResource::Variant { endpoint } => {
            (format!("endpoint/{endpoint}/variant/AllTraffic"), "sagemaker:variant:DesiredInstanceCount")
        }
        ScalableResource::Component { component } => (format!("inference-component/{component}"), COPIES),
    }
}

/// The configuration of a target tracking policy.
fn tracking(target: &TargetTracking) -> Value {
    let predefined = match &target.resource {
        ScalableResource::Variant { .. } => "SageMakerVariantInvocationsPerInstance",
        ScalableResource::Component { .. } => "SageMakerInferenceComponentInvocationsPerCopy",
    };
    match target.metric {
        TargetMetric::Invocations(value) => json!({"TargetValue": value,
            "PredefinedMetricSpecification": {"PredefinedMetricType": predefined}}),
        TargetMetric::Backlog(value) => json!({"TargetValue": value, "CustomizedMetricSpecification": {
            "MetricName": "ApproximateBacklogSizePerInstance", "Namespace": "AWS/SageMaker", "Statistic": "Average",
            "Dimensions": [{"Name": "EndpointName", "Value": target.resource.name()}]}}),
    }
}

/// What is not visible or not in service yet will be.
fn not_yet(error: CallError) -> CallError {
    let class = if error.message.starts_with("ObjectNotFound") {
        Class::Retryable
    } else if error.message.contains("should be in 'InService'") {
        Class::Conflict
    } else {
        error.class
    };
    CallError { class, ..error }
}

fn with(mut request: Value, more: Value) -> Value {
    if let (Some(members), Value::Object(more)) = (request.as_object_mut(), more) {
        members.extend(more);
    }
    request
}

#[async_trait]
impl Capacity for Account {
    async fn limits(&self, of: &[ScalableResource]) -> Result<Vec<Option<ScalableTarget>>, CallError> {
        let mut found = Vec::new();
        for resource in of {
            found.push(self.limits_of(&scaled(resource).0).await?);
        }
        Ok(found)
    }

    async fn set_target_tracking(&self, target: &TargetTracking) -> Result<String, CallError> {
        let (id, dimension) = scaled(&target.resource);
        let of = json!({"ServiceNamespace": "sagemaker", "ResourceId": id, "ScalableDimension": dimension});
        let limits = json!({"MinCapacity": target.min, "MaxCapacity": target.max});
        self.call(SCALING, "RegisterScalableTarget", with(of.clone(), limits)).await.map_err(not_yet)?;
        let configuration = tracking(target);
        let policy = json!({"PolicyName": format!("tidegate-target-{}", target.resource.name()),
            "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": configuration});
        self.call(SCALING, "PutScalingPolicy", with(of, policy)).await.map_err(not_yet)?;
        Ok(format!("the capacity of {} follows its traffic", target.resource.name()))
    }

    async fn remove_target_tracking(&self, resource: &ScalableResource) -> Result<String, CallError> {
        let (id, dimension) = scaled(resource);
        let of = json!({"ServiceNamespace": "sagemaker", "ResourceId": id, "ScalableDimension": dimension});
        let policy = json!({"PolicyName": format!("tidegate-target-{}", resource.name())});
        self.call(SCALING, "DeleteScalingPolicy", with(of.clone(), policy)).await?;
        let woken = self.state(|state| state.wake_policies.remove(resource.name()));
        if woken.is_some() {
            let policy = json!({"PolicyName": format!("tidegate-wake-{}", resource.name())});
            self.call(SCALING, "DeleteScalingPolicy", with(of.clone(), policy)).await?;
        }
        let left = self.call(SCALING, "DescribeScalingPolicies", of.clone()).await?;
        if left.pointer("/ScalingPolicies/0").is_none() {
            self.call(SCALING, "DeregisterScalableTarget", of).await?;
        }
        Ok(format!("the capacity of {} is no longer scaled", resource.name()))
    }

    async fn set_capacity_limits(&self, component: &str, min: u32, max: u32) -> Result<String, CallError> {
        let request = with(Self::resource(component), json!({"MinCapacity": min, "MaxCapacity": max}));
        self.call(SCALING, "RegisterScalableTarget", request).await?;
        Ok(format!("component {component} may have {min} to {max} copies"))
    }

    async fn ensure_scale_from_zero_alarm(&self, component: &str) -> Result<String, CallError> {
        self.put_wake_policy(component, Self::resource(component)).await?;
        Ok(format!("a request scales component {component} from zero: alarm and policy"))
    }

    async fn ensure_backlog_alarm(&self, endpoint: &str, max: u32) -> Result<String, CallError> {
        let resource = ScalableResource::Variant { endpoint: endpoint.to_owned() };
        let (id, dimension) = scaled(&resource);
        let of = json!({"ServiceNamespace": "sagemaker", "ResourceId": id, "ScalableDimension": dimension});
        if self.limits_of(&id).await?.is_none() {
            let limits = json!({"MinCapacity": 0, "MaxCapacity": max});
            self.call(SCALING, "RegisterScalableTarget", with(of.clone(), limits)).await.map_err(not_yet)?;
        }
        self.put_wake_policy(endpoint, of).await.map_err(not_yet)?;
        Ok(format!("a request in the queue scales endpoint {endpoint} from zero: alarm and policy"))
    }

    async fn ensure_instances(&self, endpoint: &str, instances: u32) -> Result<String, CallError> {
        let found = self.call("sagemaker", "DescribeEndpoint", json!({"EndpointName": endpoint})).await?;
        let desired = found.pointer("/ProductionVariants/0/DesiredInstanceCount").and_then(Value::as_u64);
        if desired != Some(0) {
            return Ok(format!("endpoint {endpoint} has instances"));
        }
        let wanted = json!([{"VariantName": VARIANT, "DesiredInstanceCount": instances}]);
        let request = json!({"EndpointName": endpoint, "DesiredWeightsAndCapacities": wanted});
        self.call("sagemaker", "UpdateEndpointWeightsAndCapacities", request).await?;
        Ok(format!("endpoint {endpoint} gets {instances} instances"))
    }

    async fn set_copy_count(&self, component: &str, copies: u32) -> Result<String, CallError> {
        let request =
            json!({"InferenceComponentName": component, "DesiredRuntimeConfig": {"CopyCount": copies}});
        self.call("sagemaker", "UpdateInferenceComponentRuntimeConfig", request).await?;
        Ok(format!("set component {component} to {copies} copies"))
    }
}
