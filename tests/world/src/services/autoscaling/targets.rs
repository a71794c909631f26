//! Scalable targets and the effect of their bounds.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::account::{AccountRegion, Call};
use crate::error::ApiError;
use crate::json::{epoch, int, later, list, listing, need, text};
use crate::resources::Resources;
use crate::services::Operations;
use crate::world::{Scheduled, World};

pub(crate) const OPERATIONS: Operations = &[
    ("RegisterScalableTarget", register),
    ("DescribeScalableTargets", describe),
    ("DeregisterScalableTarget", deregister),
];

/// The dimension of instances of a variant.
const INSTANCES: &str = "sagemaker:variant:DesiredInstanceCount";
/// The dimension of copies of a component.
const COPIES: &str = "sagemaker:inference-component:DesiredCopyCount";
/// The dimension of a serverless variant.
const CONCURRENCY: &str = "sagemaker:variant:DesiredProvisionedConcurrency";

/// Something that may be scaled between bounds.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) arn: String,
    pub(crate) min: i64,
    pub(crate) max: i64,
    suspended: Value,
    created: Timestamp,
    /// How many more calls do not see it: a new target is visible after a short delay.
    /// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html>
    pub(crate) unseen: u32,
}

/// Resource id and dimension of a request.
pub(crate) fn key(request: &Value) -> Result<(String, String), ApiError> {
    Ok((need(request, "ResourceId")?.to_owned(), need(request, "ScalableDimension")?.to_owned()))
}

/// The refusal for something that was never registered.
pub(crate) fn no_target(key: &(String, String)) -> ApiError {
    ApiError::new(
        "ObjectNotFoundException",
        format!(
            "No scalable target found for service namespace: sagemaker, resource ID: {}, scalable dimension: {}",
            key.0, key.1
        ),
    )
}

/// The refusal of a policy for a target that is not registered, or not visible yet.
/// <https://github.com/hashicorp/terraform-provider-aws/blob/048320e88399c508ae6481be5d8ef6fd6f71a9f6/internal/service/appautoscaling/policy.go>
pub(crate) fn not_registered(key: &(String, String)) -> ApiError {
    ApiError::new(
        "ObjectNotFoundException",
        format!(
            "No scalable target registered for service namespace: sagemaker, resource ID: {}, scalable dimension: {}",
            key.0, key.1
        ),
    )
}

/// Whether a variant may be registered: its endpoint is in service, and its instances are not burstable.
///
/// The first sentence about the status is ours; AWS's text ends as the second one. The text about burstable instances
/// is AWS's.
/// <https://github.com/aws/amazon-sagemaker-operator-for-k8s/blob/e131566f83b8d860300c1ccf377b3982b385f177/controllers/sdkutil/clientwrapper/autoscaling_client.go>
/// <https://github.com/aws-controllers-k8s/community/pull/1633>
fn registrable(resources: Option<&Resources>, key: &(String, String)) -> Result<(), ApiError> {
    let Some((endpoint, variant)) = variant_of(&key.0).filter(|_| key.1 == INSTANCES) else { return Ok(()) };
    let Some(host) = resources.and_then(|resources| resources.endpoints.get(endpoint)) else { return Ok(()) };
    if host.status != "InService" {
        return Err(ApiError::validation(format!(
            "The status of the endpoint {endpoint} is {}. The status should be in 'InService' to register it as a \
             scalable target.",
            host.status
        )));
    }
    let variant = host.variants.iter().find(|candidate| candidate.name == variant);
    match variant.and_then(|variant| variant.instance_type.as_deref()) {
        Some(burstable) if burstable.starts_with("ml.t") => Err(ApiError::validation(format!(
            "You cannot register a variant with {burstable} instance type as a scalable target. This is because the \
             burstable performance of these instances can lead to unpredictable behavior with Auto Scaling."
        ))),
        _ => Ok(()),
    }
}

/// The endpoint and variant in `endpoint/E/variant/V`.
fn variant_of(resource: &str) -> Option<(&str, &str)> {
    resource.strip_prefix("endpoint/")?.split_once("/variant/")
}

/// How much there is wanted now, and the least that is legal.
fn capacity(resources: Option<&Resources>, key: &(String, String)) -> Result<(i64, i64), ApiError> {
    let missing = || {
        ApiError::validation(format!(
            "No resource found for resource ID: {}, scalable dimension: {}",
            key.0, key.1
        ))
    };
    let resources = resources.ok_or_else(missing)?;
    if let Some(name) = key.0.strip_prefix("inference-component/").filter(|_| key.1 == COPIES) {
        return resources.components.get(name).map(|c| (c.desired, 0)).ok_or_else(missing);
    }
    let (endpoint, variant) = variant_of(&key.0).ok_or_else(missing)?;
    let host = resources.endpoints.get(endpoint).ok_or_else(missing)?;
    let variant = host.variants.iter().find(|v| v.name == variant).ok_or_else(missing)?;
    match key.1.as_str() {
        INSTANCES => {
            let queued = resources.async_config(host).is_some();
            Ok((variant.desired, if queued { 0 } else { 1 }))
        }
        CONCURRENCY => Ok((1, 1)),
        _ => Err(missing()),
    }
}

/// The variants of an endpoint are registered while it is in service. Only this part of the message is recorded:
/// aws/amazon-sagemaker-operator-for-k8s, `controllers/sdkutil/clientwrapper/autoscaling_client.go`.
fn check_in_service(resources: Option<&Resources>, resource: &str) -> Result<(), ApiError> {
    let Some((name, _)) = variant_of(resource) else { return Ok(()) };
    let endpoint = resources.and_then(|resources| resources.endpoints.get(name));
    match endpoint.filter(|endpoint| endpoint.status != "InService") {
        None => Ok(()),
        Some(endpoint) => Err(ApiError::validation(format!(
            "Endpoint {name} is {}. The status should be in 'InService' to register it as a scalable target.",
            endpoint.status
        ))),
    }
}

fn register(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let key = key(request)?;
    check_in_service(world.resources(&call.place), &key.0)?;
    let (now_wanted, least) = capacity(world.resources(&call.place), &key)?;
    let is_new = world.resources(&call.place).is_none_or(|resources| !resources.targets.contains_key(&key));
    if is_new {
        registrable(world.resources(&call.place), &key)?;
    }
    let id = world.id("scalable-target", 12);
    let unseen = if is_new { world.faults.late_target(&call.place.account, &key.0) } else { 0 };
    let resources = world.resources_mut(&call.place);
    let old = resources.targets.get(&key);
    let bound = |name: &str, old: Option<i64>| {
        int(request, name).or(old).ok_or_else(|| {
            ApiError::validation(format!("{name} is required when a scalable target is registered first"))
        })
    };
    let min = bound("MinCapacity", old.map(|t| t.min))?;
    let max = bound("MaxCapacity", old.map(|t| t.max))?;
    if min > max {
        return Err(ApiError::validation("Maximum capacity cannot be less than minimum capacity"));
    }
    if min < least {
        return Err(ApiError::validation(format!(
            "Minimum capacity cannot be less than {least} for resource ID: {}, scalable dimension: {}",
            key.0, key.1
        )));
    }
    let arn = old.map_or_else(
        || {
            let (region, account) = (&call.place.region, &call.place.account);
            format!("arn:aws:application-autoscaling:{region}:{account}:scalable-target/{id}")
        },
        |t| t.arn.clone(),
    );
    let suspended = request.get("SuspendedState").cloned().or(old.map(|t| t.suspended.clone()));
    let created = old.map_or(call.now, |t| t.created);
    let unseen = old.map_or(unseen, |t| t.unseen);
    let suspended = suspended.unwrap_or_else(free);
    let target = Target { arn: arn.clone(), min, max, suspended, created, unseen };
    resources.targets.insert(key.clone(), target);
    if now_wanted < min || now_wanted > max {
        world.set_capacity(&call.place, &key.0, &key.1, now_wanted.clamp(min, max), call.now);
    }
    Ok(json!({"ScalableTargetARN": arn}))
}

/// Nothing is suspended.
fn free() -> Value {
    json!({
        "DynamicScalingInSuspended": false,
        "DynamicScalingOutSuspended": false,
        "ScheduledScalingSuspended": false,
    })
}

fn describe(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let wanted: Vec<&str> = list(request, "ResourceIds").iter().filter_map(Value::as_str).collect();
    let role = format!(
        "arn:aws:iam::{}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/\
         AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
        call.place.account
    );
    let items = world
        .resources(&call.place)
        .into_iter()
        .flat_map(|resources| &resources.targets)
        .filter(|((id, _), _)| wanted.is_empty() || wanted.contains(&id.as_str()))
        .filter(|((_, dim), _)| text(request, "ScalableDimension").is_none_or(|wanted| dim == wanted))
        .filter(|(_, target)| target.unseen == 0)
        .map(|((id, dimension), target)| {
            json!({
                "ServiceNamespace": "sagemaker",
                "ResourceId": id,
                "ScalableDimension": dimension,
                "MinCapacity": target.min,
                "MaxCapacity": target.max,
                "RoleARN": role,
                "CreationTime": epoch(target.created),
                "SuspendedState": target.suspended,
                "ScalableTargetARN": target.arn,
            })
        });
    listing("ScalableTargets", items.collect(), &fifty(request))
}

/// Application Auto Scaling pages by fifty.
pub(crate) fn fifty(request: &Value) -> Value {
    let mut request = request.clone();
    let size = int(&request, "MaxResults").unwrap_or(50);
    crate::json::put(&mut request, "MaxResults", json!(size));
    request
}

fn deregister(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let key = key(request)?;
    let resources = world.resources_mut(&call.place);
    resources.targets.remove(&key).ok_or_else(|| no_target(&key))?;
    resources.scaling_policies.retain(|(id, dimension, _), _| (id, dimension) != (&key.0, &key.1));
    Ok(json!({}))
}

impl World {
    /// Wants so many instances or copies; tries again later while the resource is busy.
    pub(crate) fn set_capacity(
        &mut self,
        place: &AccountRegion,
        resource: &str,
        dimension: &str,
        wanted: i64,
        at: Timestamp,
    ) {
        let key = (resource.to_owned(), dimension.to_owned());
        let Ok((now_wanted, _)) = capacity(self.resources(place), &key) else { return };
        if now_wanted == wanted {
            return;
        }
        let again = later(at, self.pace.scale);
        let resources = self.resources_mut(place);
        if let Some(name) = resource.strip_prefix("inference-component/") {
            let idle = resources.components.get(name).is_some_and(|c| c.status == "InService");
            if idle {
                return self.scale_component(place, name, wanted, at);
            }
        } else if let Some((endpoint, variant)) = variant_of(resource) {
            let idle = resources.endpoints.get(endpoint).is_some_and(|e| e.status == "InService");
            if idle {
                let changes = [(variant.to_owned(), None, Some(wanted))];
                return self.start_scaling(place, endpoint, &changes, at);
            }
        }
        let due = Scheduled::Scale { resource: key.0, dimension: key.1, capacity: wanted };
        self.schedule(again, place, due);
    }

    /// How much of a registered target is wanted now, and its bounds.
    pub(crate) fn bounds(&self, place: &AccountRegion, key: &(String, String)) -> Option<(i64, i64, i64)> {
        let resources = self.resources(place)?;
        let target = resources.targets.get(key)?;
        let (now_wanted, _) = capacity(Some(resources), key).ok()?;
        Some((now_wanted, target.min, target.max))
    }
}
