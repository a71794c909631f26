//! Endpoints: creation, update, scaling and deletion, with the events of each.

mod describe;
mod lifecycle;
mod managed_instances;
pub(crate) mod queue;
pub(super) mod rollout;

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::account::{AccountRegion, Call};
use crate::error::ApiError;
use crate::json::{float, int, later, list, need, tag_map, text};
use crate::resources::Resources;
use crate::services::Operations;
use crate::world::{Scheduled, World};
pub(crate) use lifecycle::Stage;

pub(crate) const OPERATIONS: Operations = &[
    ("CreateEndpoint", create_endpoint),
    ("UpdateEndpoint", update_endpoint),
    ("UpdateEndpointWeightsAndCapacities", update_capacities),
    ("DeleteEndpoint", delete_endpoint),
    ("DescribeEndpoint", describe::describe_endpoint),
    ("ListEndpoints", describe::list_endpoints),
];

/// How long SageMaker waits for a container that never answers its health check: 24 to 30 minutes were measured, in
/// `Creating` and without a `FailureReason`. <https://github.com/huggingface/skills/pull/192>
const HEALTH_CHECK_SECONDS: i64 = 1_500;
/// The `FailureReason` after that time. <https://github.com/aws/amazon-sagemaker-examples/issues/210>
const NO_PING: &str = "The primary container for production variant AllTraffic did not pass the ping health check. \
    Please check CloudWatch logs for this endpoint.";

/// What a variant is doing right now.
#[derive(Debug, Clone)]
pub(crate) struct VariantStatus {
    status: &'static str,
    message: String,
    since: Timestamp,
}

/// One variant of an endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) model: Option<String>,
    /// Its images as the model names them, and with their digests.
    pub(crate) images: Vec<(String, String)>,
    pub(crate) instance_type: Option<String>,
    pub(crate) serverless: Option<Value>,
    pub(crate) managed: Option<Value>,
    pub(crate) routing: Option<Value>,
    pub(crate) weight: f64,
    pub(crate) desired_weight: f64,
    pub(crate) count: i64,
    pub(crate) desired: i64,
    pub(crate) status: Option<VariantStatus>,
}

/// A configuration that is being rolled out.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) config: String,
    pub(crate) started: Timestamp,
    pub(crate) variants: Vec<Variant>,
    /// The alarms that would roll it back.
    pub(crate) alarms: Vec<String>,
}

/// An endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) name: String,
    pub(crate) arn: String,
    /// The configuration that runs, not one that is being rolled out.
    pub(crate) config: String,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    /// As the API writes it.
    pub(crate) status: &'static str,
    pub(crate) failure: Option<String>,
    pub(crate) variants: Vec<Variant>,
    pub(crate) deployment: Option<Value>,
    pub(crate) pending: Option<Pending>,
    /// What will happen, each stage some time after the one before.
    pub(crate) plan: VecDeque<(std::time::Duration, Stage)>,
    pub(crate) generation: u64,
    pub(crate) queue: queue::Queue,
}

impl Endpoint {
    /// Whether a call may change it now. One that failed can only be deleted.
    fn changeable(&self) -> Result<(), ApiError> {
        match self.status {
            "InService" => Ok(()),
            "Failed" => Err(ApiError::validation(format!("Cannot update failed endpoint \"{}\".", self.arn))),
            _ => self.ensure_stable(),
        }
    }

    /// Whether nothing is under way.
    fn ensure_stable(&self) -> Result<(), ApiError> {
        if matches!(self.status, "InService" | "Failed") {
            return Ok(());
        }
        Err(ApiError::validation(format!("Cannot update in-progress endpoint \"{}\".", self.arn)))
    }

    /// Whether all of it is serverless.
    fn serverless(&self) -> bool {
        self.variants.iter().any(|v| v.serverless.is_some())
    }
}

/// The variants of a configuration, before any instance runs.
fn variants_of(world: &World, place: &AccountRegion, config: &Value) -> Vec<Variant> {
    let some = |value: &Value, key: &str| value.get(key).filter(|v| !v.is_null()).cloned();
    list(config, "ProductionVariants")
        .iter()
        .map(|variant| {
            let least = variant.get("ManagedInstanceScaling").and_then(|m| int(m, "MinInstanceCount"));
            let desired = int(variant, "InitialInstanceCount").or(least).unwrap_or(1);
            let weight = float(variant, "InitialVariantWeight").unwrap_or(1.0);
            Variant {
                name: text(variant, "VariantName").unwrap_or_default().to_owned(),
                model: text(variant, "ModelName").map(str::to_owned),
                images: world.images_of(place, text(variant, "ModelName")),
                instance_type: text(variant, "InstanceType").map(str::to_owned),
                serverless: some(variant, "ServerlessConfig"),
                managed: some(variant, "ManagedInstanceScaling"),
                routing: some(variant, "RoutingConfig"),
                weight: 0.0,
                desired_weight: weight,
                count: 0,
                desired,
                status: None,
            }
        })
        .collect()
}

fn create_endpoint(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "EndpointName")?;
    let config = need(request, "EndpointConfigName")?;
    let arn = call.place.arn("endpoint", name);
    let resources = world.resources_mut(&call.place);
    if resources.endpoints.contains_key(name) {
        return Err(ApiError::already_existing("endpoint", &arn));
    }
    let wanted = config_of(resources, &call.place, config)?.clone();
    let variants = variants_of(world, &call.place, &wanted);
    world.check_quota(&call.place, &variants, None)?;
    let resources = world.resources_mut(&call.place);
    resources.tag(&arn, tag_map(request));
    let endpoint = Endpoint {
        name: name.to_owned(),
        arn: arn.clone(),
        config: config.to_owned(),
        created: call.now,
        modified: call.now,
        status: "Creating",
        failure: None,
        variants,
        deployment: request.get("DeploymentConfig").filter(|d| !d.is_null()).cloned(),
        pending: None,
        plan: VecDeque::new(),
        generation: 0,
        queue: queue::Queue::default(),
    };
    resources.endpoints.insert(name.to_owned(), endpoint);
    let last =
        world.faults.endpoint_creation(&call.place.account, name).map_or(Stage::Created, Stage::Failed);
    let (after, last) = if world.faults.never_starts(&call.place.account, name) {
        (world.pace.bake(HEALTH_CHECK_SECONDS), Stage::Failed(NO_PING.to_owned()))
    } else {
        (world.pace.endpoint_create, last)
    };
    world.emit_endpoint_change(&call.place, name, call.now, 1);
    world.schedule_endpoint_stages(&call.place, name, vec![(after, last)], call.now);
    Ok(json!({"EndpointArn": arn}))
}

/// The request that made a configuration.
fn config_of<'a>(resources: &'a Resources, place: &AccountRegion, name: &str) -> Result<&'a Value, ApiError> {
    resources.configs.get(name).map(|config| &config.request).ok_or_else(|| {
        ApiError::could_not_find("endpoint configuration", &place.arn("endpoint-config", name))
    })
}

fn no_endpoint(place: &AccountRegion, name: &str) -> ApiError {
    ApiError::could_not_find("endpoint", &place.arn("endpoint", name))
}

fn update_endpoint(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "EndpointName")?;
    let config = need(request, "EndpointConfigName")?;
    let resources = world.resources_mut(&call.place);
    let endpoint = resources.endpoints.get(name).ok_or_else(|| no_endpoint(&call.place, name))?;
    endpoint.changeable()?;
    let wanted = config_of(resources, &call.place, config)?;
    if endpoint.config == config {
        return Err(ApiError::validation(format!(
            "Cannot update endpoint \"{}\": endpoint configuration \"{config}\" is already in use by it.",
            endpoint.arn
        )));
    }
    // AWS loads the running configuration too: an endpoint whose configuration was deleted cannot be updated.
    config_of(resources, &call.place, &endpoint.config)?;
    let wanted = wanted.clone();
    let mut variants = variants_of(world, &call.place, &wanted);
    let resources = world.resources_mut(&call.place);
    let endpoint = resources.endpoints.get(name).ok_or_else(|| no_endpoint(&call.place, name))?;
    if variants.iter().any(|v| v.serverless.is_some()) && !endpoint.serverless() {
        return Err(ApiError::validation(
            "Cannot update a real-time endpoint to a serverless endpoint configuration.",
        ));
    }
    queue::check_kept(resources, endpoint, &wanted)?;
    check_scalable(resources, endpoint, &variants)?;
    if request.get("RetainAllVariantProperties") == Some(&json!(true)) {
        retain(endpoint, &mut variants);
    }
    let retained = request.get("RetainDeploymentConfig") == Some(&json!(true));
    let given = request.get("DeploymentConfig").filter(|d| !d.is_null()).cloned();
    let deployment = if retained { endpoint.deployment.clone() } else { given };
    let arn = endpoint.arn.clone();
    rollout::check(deployment.as_ref(), &variants)?;
    world.check_quota(&call.place, &variants, deployment.as_ref())?;
    world.start_rollout(&call.place, name, config, variants, deployment, call.now);
    Ok(json!({"EndpointArn": arn}))
}

/// Instance counts and weights survive an update that asks for it.
fn retain(endpoint: &Endpoint, variants: &mut [Variant]) {
    for variant in variants {
        if let Some(old) = endpoint.variants.iter().find(|old| old.name == variant.name) {
            variant.desired = old.desired;
            variant.desired_weight = old.desired_weight;
        }
    }
}

/// A variant that Auto Scaling manages can neither vanish nor change its instance type.
fn check_scalable(resources: &Resources, endpoint: &Endpoint, variants: &[Variant]) -> Result<(), ApiError> {
    for old in &endpoint.variants {
        let resource = format!("endpoint/{}/variant/{}", endpoint.name, old.name);
        let managed = resources.targets.keys().any(|(id, _)| *id == resource);
        let kept = variants.iter().any(|new| new.name == old.name && new.instance_type == old.instance_type);
        if managed && !kept {
            return Err(ApiError::validation(format!(
                "The variant(s) \"{}\" must be deregistered as a scalable target with AutoScaling before they \
                 can be removed or have their instance type updated.",
                old.name
            )));
        }
    }
    Ok(())
}

fn update_capacities(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "EndpointName")?;
    let resources = world.resources_mut(&call.place);
    let endpoint = resources.endpoints.get(name).ok_or_else(|| no_endpoint(&call.place, name))?;
    endpoint.changeable()?;
    config_of(resources, &call.place, &endpoint.config)?;
    let asynchronous = resources.async_config(endpoint).is_some();
    let mut changes = Vec::new();
    for wanted in list(request, "DesiredWeightsAndCapacities") {
        let variant = need(wanted, "VariantName")?;
        if !endpoint.variants.iter().any(|v| v.name == variant) {
            return Err(ApiError::validation(format!("Variant \"{variant}\" does not exist.")));
        }
        let count = int(wanted, "DesiredInstanceCount");
        if count.is_some_and(|count| count < 1) && !asynchronous {
            return Err(ApiError::validation(format!(
                "DesiredInstanceCount of variant \"{variant}\" must be at least 1 for a real-time endpoint."
            )));
        }
        changes.push((variant.to_owned(), float(wanted, "DesiredWeight"), count));
    }
    let arn = endpoint.arn.clone();
    world.start_scaling(&call.place, name, &changes, call.now);
    Ok(json!({"EndpointArn": arn}))
}

fn delete_endpoint(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "EndpointName")?;
    let after = world.pace.endpoint_delete;
    let resources = world.resources_mut(&call.place);
    let endpoint = resources.endpoints.get_mut(name).ok_or_else(|| no_endpoint(&call.place, name))?;
    // Its inference components do not prevent it: they stay, `InService`, and keep their names.
    // https://github.com/huggingface/skills/pull/192
    // Only what is under way cannot be deleted: `OutOfService` says nothing about a change (assumed).
    if endpoint.status != "OutOfService" {
        endpoint.ensure_stable()?;
    }
    endpoint.status = "Deleting";
    endpoint.modified = call.now;
    world.emit_endpoint_change(&call.place, name, call.now, 1);
    world.schedule_endpoint_stages(&call.place, name, vec![(after, Stage::Gone)], call.now);
    Ok(json!({}))
}

impl World {
    /// A new fleet runs beside the old one, so an update needs as many instances again; a rolling one needs a batch.
    /// <https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html>
    fn check_quota(
        &self,
        place: &AccountRegion,
        wanted: &[Variant],
        deployment: Option<&Value>,
    ) -> Result<(), ApiError> {
        for new in wanted {
            let Some(name) = new.instance_type.as_deref() else { continue };
            let Some(quota) = self.faults.instance_quota(&place.account, name) else { continue };
            let endpoints =
                self.resources(place).into_iter().flat_map(|resources| resources.endpoints.values());
            let running = endpoints.flat_map(|endpoint| &endpoint.variants);
            let used: i64 =
                running.filter(|v| v.instance_type.as_deref() == Some(name)).map(|v| v.desired).sum();
            let delta = rollout::extra_instances(deployment, new.desired);
            if used + delta > quota {
                let text = format!(
                    "The account-level service limit '{name} for endpoint usage' is {quota} Instances, with current \
                     utilization of {used} Instances and a request delta of {delta} Instances. Please use AWS \
                     Service Quotas to request an increase for this quota."
                );
                return Err(ApiError::new("ResourceLimitExceeded", text));
            }
        }
        Ok(())
    }

    /// Replaces what will happen to an endpoint; what was planned before does not happen.
    pub(crate) fn schedule_endpoint_stages(
        &mut self,
        place: &AccountRegion,
        name: &str,
        stages: Vec<(std::time::Duration, Stage)>,
        at: Timestamp,
    ) {
        let first = stages.first().map(|(after, _)| *after);
        let Some(endpoint) = self.resources_mut(place).endpoints.get_mut(name) else { return };
        endpoint.plan = stages.into();
        endpoint.generation += 1;
        let due = Scheduled::Endpoint { name: name.to_owned(), generation: endpoint.generation };
        if let Some(after) = first {
            self.schedule(later(at, after), place, due);
        }
    }
}
