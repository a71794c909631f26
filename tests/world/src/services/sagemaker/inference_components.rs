//! Inference components: models placed in copies on a shared endpoint. SageMaker emits no events for them.

mod describe;
mod lifecycle;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::account::{AccountRegion, Call};
use crate::error::ApiError;
use crate::json::{int, need, put, tag_map, text};
use crate::resources::Resources;
use crate::services::Operations;
use crate::services::sagemaker::endpoints::{Endpoint, Variant};
use crate::services::sagemaker::placement;
use crate::world::World;

pub(crate) const OPERATIONS: Operations = &[
    ("CreateInferenceComponent", create_component),
    ("UpdateInferenceComponent", update_component),
    ("UpdateInferenceComponentRuntimeConfig", update_runtime_config),
    ("DescribeInferenceComponent", describe::describe_component),
    ("DeleteInferenceComponent", delete_component),
    ("ListInferenceComponents", describe::list_components),
];

/// The longest time that SageMaker waits for a container to start, in seconds. That it is the default is assumed.
const LONGEST_START_SECONDS: i64 = 3_600;
/// The `FailureReason` of a component whose container did not start. The text is ours: until SageMaker gives up there is
/// none (<https://github.com/huggingface/skills/pull/192>), and the one after that is not recorded.
const NO_START: &str =
    "The container did not pass its health check in time (text of this model, not of AWS).";

/// An inference component.
#[derive(Debug, Clone)]
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) endpoint: String,
    /// When the endpoint was created on which it is placed. Another endpoint of the same name has none of its copies.
    host_created: Timestamp,
    pub(crate) variant: String,
    /// The specification that runs.
    pub(crate) specification: Value,
    pub(crate) desired: i64,
    pub(crate) current: i64,
    /// As the API writes it.
    pub(crate) status: &'static str,
    failure: Option<String>,
    created: Timestamp,
    modified: Timestamp,
    pub(super) deployment: Option<Value>,
    /// What an update will run, and whether it fails.
    pub(super) pending: Option<(Value, Option<(String, bool)>)>,
    generation: u64,
}

impl Component {
    /// Whether it is placed on this endpoint, and not on an earlier one of the same name.
    pub(crate) fn is_on(&self, endpoint: &Endpoint) -> bool {
        self.endpoint == endpoint.name && self.host_created == endpoint.created
    }

    /// When its last change began or ended.
    pub(crate) fn modified(&self) -> Timestamp {
        self.modified
    }

    /// Its state as messages write it. `UPDATE_RC_IN_PROGRESS` and `CREATE_IN_PROGRESS` are recorded (stdapi-ai/stdapi.ai,
    /// `tests/test_chat_sagemaker_endpoint.py`, and <https://github.com/huggingface/skills/pull/192>), and Terraform waits
    /// for `DELETE_IN_PROGRESS`; `UPDATE_IN_PROGRESS` follows their pattern.
    fn state_in_messages(&self) -> &'static str {
        match (self.status, &self.pending) {
            ("Creating", _) => "CREATE_IN_PROGRESS",
            ("Deleting", _) => "DELETE_IN_PROGRESS",
            (_, Some(_)) => "UPDATE_IN_PROGRESS",
            _ => "UPDATE_RC_IN_PROGRESS",
        }
    }
}

fn no_component(place: &AccountRegion, name: &str) -> ApiError {
    ApiError::could_not_find("inference component", &place.arn("inference-component", name))
}

fn copies(request: &Value) -> Option<i64> {
    request.get("RuntimeConfig").and_then(|config| int(config, "CopyCount"))
}

fn create_component(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "InferenceComponentName")?;
    let endpoint = need(request, "EndpointName")?;
    let arn = call.place.arn("inference-component", name);
    let model = request.pointer("/Specification/ModelName").and_then(Value::as_str);
    world.check_one_container(&call.place, model, "inference components")?;
    let resources = world.resources_mut(&call.place);
    if resources.components.contains_key(name) {
        return Err(ApiError::already_existing("inference component", &arn));
    }
    let host = resources
        .endpoints
        .get(endpoint)
        .ok_or_else(|| ApiError::could_not_find("endpoint", &call.place.arn("endpoint", endpoint)))?;
    if host.status != "InService" {
        return Err(ApiError::validation(format!(
            "Inference components can only be created on an endpoint that is InService, but \"{}\" is {}.",
            host.arn, host.status
        )));
    }
    let specification = request.get("Specification").cloned().unwrap_or_else(|| json!({}));
    let base = text(&specification, "BaseInferenceComponentName").and_then(|b| resources.components.get(b));
    let variant = text(request, "VariantName").or(base.map(|b| b.variant.as_str()));
    let variant = variant.ok_or_else(|| crate::json::missing("VariantName"))?.to_owned();
    match host.variants.iter().find(|v| v.name == variant) {
        None => return Err(ApiError::validation(format!("Could not find variant \"{variant}\"."))),
        Some(v) if v.model.is_some() => {
            return Err(ApiError::validation(format!(
                "Variant \"{variant}\" hosts a model of its own and cannot host inference components."
            )));
        }
        Some(host) => placement::check_accelerators(host, &specification)?,
    }
    let host_created = host.created;
    check_model(resources, &call.place, &specification)?;
    let Some(desired) = copies(request).or(base.map(|_| 1)) else {
        return Err(crate::json::missing("RuntimeConfig"));
    };
    // Measured: <https://github.com/stdapi-ai/stdapi.ai/issues/43>
    if desired < 1 {
        return Err(ApiError::validation("Inference components copy count an integer larger than 0"));
    }
    resources.tag(&arn, tag_map(request));
    let component = Component {
        name: name.to_owned(),
        arn: arn.clone(),
        endpoint: endpoint.to_owned(),
        host_created,
        variant,
        specification,
        desired,
        current: 0,
        status: "Creating",
        failure: None,
        created: call.now,
        modified: call.now,
        deployment: None,
        pending: None,
        generation: 0,
    };
    resources.components.insert(name.to_owned(), component);
    let mut after = world.pace.component_create;
    if world.faults.never_starts(&call.place.account, name) {
        after = give_up(world, request.get("Specification"));
        if let Some(component) = world.resources_mut(&call.place).components.get_mut(name) {
            component.pending = Some((component.specification.clone(), Some((NO_START.to_owned(), true))));
        }
    }
    world.change_component(&call.place, name, after, call.now);
    world.add_managed_instances(&call.place, endpoint, after, call.now);
    Ok(json!({"InferenceComponentArn": arn}))
}

fn check_model(resources: &Resources, place: &AccountRegion, specification: &Value) -> Result<(), ApiError> {
    match text(specification, "ModelName") {
        Some(model) if !resources.models.contains_key(model) => {
            Err(ApiError::could_not_find("model", &place.arn("model", model)))
        }
        _ => Ok(()),
    }
}

/// The variant on which a component is placed.
fn host_of<'a>(resources: &'a Resources, name: &str) -> Option<&'a Variant> {
    let component = resources.components.get(name)?;
    let host = resources.endpoints.get(&component.endpoint)?;
    host.variants.iter().find(|variant| variant.name == component.variant)
}

/// How long SageMaker waits for a container that does not start.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentStartupParameters.html>
fn give_up(world: &World, specification: Option<&Value>) -> Duration {
    let given = specification.and_then(|specification| specification.get("StartupParameters"));
    let seconds = given.and_then(|given| int(given, "ContainerStartupHealthCheckTimeoutInSeconds"));
    world.pace.bake(seconds.unwrap_or(LONGEST_START_SECONDS))
}

/// The component, if a call may change it now. `verb` is what the call does, as messages write it.
fn changeable<'a>(
    world: &'a mut World,
    call: &Call,
    name: &str,
    verb: &str,
) -> Result<&'a mut Component, ApiError> {
    let component = world
        .resources_mut(&call.place)
        .components
        .get_mut(name)
        .ok_or_else(|| no_component(&call.place, name))?;
    if matches!(component.status, "InService" | "Failed") {
        return Ok(component);
    }
    Err(ApiError::validation(format!(
        "Cannot {verb} inference component \"{}\" while it is in state {}",
        component.arn,
        component.state_in_messages()
    )))
}

fn update_component(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "InferenceComponentName")?;
    if let (Some(specification), Some(resources)) =
        (request.get("Specification"), world.resources(&call.place))
    {
        check_model(resources, &call.place, specification)?;
        if let Some(variant) = host_of(resources, name) {
            placement::check_accelerators(variant, specification)?;
        }
    }
    let model = request.pointer("/Specification/ModelName").and_then(Value::as_str);
    world.check_one_container(&call.place, model, "inference components")?;
    let endpoint = changeable(world, call, name, "update")?.endpoint.clone();
    let host = world.resources(&call.place).and_then(|resources| {
        let component = resources.components.get(name)?;
        resources.endpoints.get(&endpoint).filter(|endpoint| component.is_on(endpoint))
    });
    if host.is_none() {
        // The text is ours: what AWS answers about a component whose endpoint is gone is not known.
        return Err(ApiError::could_not_find("endpoint", &call.place.arn("endpoint", &endpoint)));
    }
    let mut failure = world.faults.component_update(&call.place.account, name);
    let mut gives_up = None;
    if world.faults.never_starts(&call.place.account, name) {
        gives_up = Some(give_up(world, request.get("Specification")));
        failure = Some((NO_START.to_owned(), false));
    }
    let component = changeable(world, call, name, "update")?;
    let mut specification = component.specification.clone();
    if let Some(wanted) = request.get("Specification").and_then(Value::as_object) {
        for (key, value) in wanted {
            put(&mut specification, key, value.clone());
        }
        // A model and a container exclude each other.
        let gone = if wanted.contains_key("ModelName") { "Container" } else { "ModelName" };
        if wanted.contains_key("ModelName") || wanted.contains_key("Container") {
            specification.as_object_mut().and_then(|s| s.remove(gone));
        }
    }
    component.pending = Some((specification, failure));
    component.desired = copies(request).unwrap_or(component.desired);
    component.deployment = request.get("DeploymentConfig").cloned().or(component.deployment.take());
    component.status = "Updating";
    component.failure = None;
    let arn = component.arn.clone();
    let (deployment, copies) = (component.deployment.clone(), component.desired);
    let after = gives_up.unwrap_or_else(|| world.component_update_time(deployment.as_ref(), copies));
    world.change_component(&call.place, name, after, call.now);
    Ok(json!({"InferenceComponentArn": arn}))
}

fn update_runtime_config(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "InferenceComponentName")?;
    let wanted = request
        .get("DesiredRuntimeConfig")
        .and_then(|config| int(config, "CopyCount"))
        .ok_or_else(|| crate::json::missing("DesiredRuntimeConfig.CopyCount"))?;
    let arn = changeable(world, call, name, "update")?.arn.clone();
    world.scale_component(&call.place, name, wanted, call.now);
    Ok(json!({"InferenceComponentArn": arn}))
}

fn delete_component(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "InferenceComponentName")?;
    let after = world.pace.component_delete;
    let component = changeable(world, call, name, "delete")?;
    component.status = "Deleting";
    world.change_component(&call.place, name, after, call.now);
    Ok(json!({}))
}
