//! Inference components: models placed in copies on a shared endpoint. SageMaker emits no events for them.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::account::{AccountRegion, Call};
use crate::error::ApiError;
use crate::json::{copy, epoch, int, later, listing, need, put, put_some, stamp, tag_map, text};
use crate::resources::Resources;
use crate::services::Operations;
use crate::services::sagemaker::endpoints::Variant;
use crate::services::sagemaker::placement::{self, NO_ROOM, Room};
use crate::world::{Scheduled, World};

pub(crate) const OPERATIONS: Operations = &[
    ("CreateInferenceComponent", create_component),
    ("UpdateInferenceComponent", update_component),
    ("UpdateInferenceComponentRuntimeConfig", update_runtime_config),
    ("DescribeInferenceComponent", describe_component),
    ("DeleteInferenceComponent", delete_component),
    ("ListInferenceComponents", list_components),
];

/// An inference component.
#[derive(Debug, Clone)]
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) endpoint: String,
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
    let after = world.pace.component_create;
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
    world.change_component(&call.place, name, after, call.now);
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

/// The component, if a call may change it now.
fn changeable<'a>(world: &'a mut World, call: &Call, name: &str) -> Result<&'a mut Component, ApiError> {
    let component = world
        .resources_mut(&call.place)
        .components
        .get_mut(name)
        .ok_or_else(|| no_component(&call.place, name))?;
    if matches!(component.status, "InService" | "Failed") {
        return Ok(component);
    }
    Err(ApiError::validation(format!(
        "Inference component \"{}\" is {} and cannot be changed now.",
        component.arn, component.status
    )))
}

fn update_component(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "InferenceComponentName")?;
    let after = world.pace.component_update;
    if let (Some(specification), Some(resources)) =
        (request.get("Specification"), world.resources(&call.place))
    {
        check_model(resources, &call.place, specification)?;
        if let Some(variant) = host_of(resources, name) {
            placement::check_accelerators(variant, specification)?;
        }
    }
    changeable(world, call, name)?;
    let failure = world.faults.component_update(&call.place.account, name);
    let component = changeable(world, call, name)?;
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
    world.change_component(&call.place, name, after, call.now);
    Ok(json!({"InferenceComponentArn": arn}))
}

fn update_runtime_config(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "InferenceComponentName")?;
    let wanted = request
        .get("DesiredRuntimeConfig")
        .and_then(|config| int(config, "CopyCount"))
        .ok_or_else(|| crate::json::missing("DesiredRuntimeConfig.CopyCount"))?;
    let arn = changeable(world, call, name)?.arn.clone();
    world.scale_component(&call.place, name, wanted, call.now);
    Ok(json!({"InferenceComponentArn": arn}))
}

fn describe_component(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "InferenceComponentName")?;
    let component = world
        .resources(&call.place)
        .and_then(|resources| resources.components.get(name))
        .ok_or_else(|| no_component(&call.place, name))?;
    let mut answer = json!({
        "InferenceComponentName": component.name,
        "InferenceComponentArn": component.arn,
        "EndpointName": component.endpoint,
        "EndpointArn": call.place.arn("endpoint", &component.endpoint),
        "VariantName": component.variant,
        "Specification": summary(&component.specification),
        "RuntimeConfig": {"DesiredCopyCount": component.desired, "CurrentCopyCount": component.current},
        "CreationTime": epoch(component.created),
        "LastModifiedTime": epoch(component.modified),
        "InferenceComponentStatus": component.status,
    });
    put_some(&mut answer, "FailureReason", component.failure.clone());
    put_some(&mut answer, "LastDeploymentConfig", component.deployment.clone());
    Ok(answer)
}

/// A specification as it is described: the container's image becomes the deployed image.
fn summary(specification: &Value) -> Value {
    let mut written = json!({});
    let keys = [
        "ModelName",
        "InstanceType",
        "StartupParameters",
        "ComputeResourceRequirements",
        "BaseInferenceComponentName",
        "SchedulingConfig",
    ];
    copy(specification, &keys, &mut written);
    if let Some(container) = specification.get("Container").filter(|c| !c.is_null()) {
        let mut described = json!({});
        copy(container, &["ArtifactUrl", "Environment"], &mut described);
        if let Some(image) = text(container, "Image") {
            put(&mut described, "DeployedImage", json!({"SpecifiedImage": image, "ResolvedImage": image}));
        }
        put(&mut written, "Container", described);
    }
    written
}

fn delete_component(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "InferenceComponentName")?;
    let after = world.pace.component_delete;
    let component = changeable(world, call, name)?;
    component.status = "Deleting";
    world.change_component(&call.place, name, after, call.now);
    Ok(json!({}))
}

fn list_components(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let is = |key: &str, value: &str| text(request, key).is_none_or(|wanted| wanted == value);
    let mut found: Vec<&Component> = world
        .resources(&call.place)
        .into_iter()
        .flat_map(|resources| resources.components.values())
        .filter(|c| is("StatusEquals", c.status))
        .filter(|c| is("EndpointNameEquals", &c.endpoint) && is("VariantNameEquals", &c.variant))
        .filter(|c| text(request, "NameContains").is_none_or(|part| c.name.contains(part)))
        .filter(|c| stamp(request, "CreationTimeAfter").is_none_or(|after| c.created > after))
        .filter(|c| stamp(request, "CreationTimeBefore").is_none_or(|before| c.created < before))
        .collect();
    if text(request, "SortBy") != Some("Name") {
        found.sort_by_key(|c| c.created);
    }
    if text(request, "SortOrder") != Some("Ascending") {
        found.reverse();
    }
    let items = found.into_iter().map(|c| {
        json!({
            "InferenceComponentName": c.name,
            "InferenceComponentArn": c.arn,
            "EndpointName": c.endpoint,
            "EndpointArn": call.place.arn("endpoint", &c.endpoint),
            "VariantName": c.variant,
            "InferenceComponentStatus": c.status,
            "CreationTime": epoch(c.created),
            "LastModifiedTime": epoch(c.modified),
        })
    });
    listing("InferenceComponents", items.collect(), request)
}

impl World {
    /// Lets the change of a component end after a while.
    fn change_component(
        &mut self,
        place: &AccountRegion,
        name: &str,
        after: std::time::Duration,
        at: Timestamp,
    ) {
        let Some(component) = self.resources_mut(place).components.get_mut(name) else { return };
        component.modified = at;
        component.generation += 1;
        let due = Scheduled::Component { name: name.to_owned(), generation: component.generation };
        self.schedule(later(at, after), place, due);
    }

    /// Starts a change of the number of copies that was checked before.
    pub(crate) fn scale_component(&mut self, place: &AccountRegion, name: &str, copies: i64, at: Timestamp) {
        let after = self.pace.scale;
        let Some(component) = self.resources_mut(place).components.get_mut(name) else { return };
        component.desired = copies;
        component.status = "Updating";
        self.change_component(place, name, after, at);
    }

    /// The change of a component is over.
    pub(crate) fn component_done(
        &mut self,
        place: &AccountRegion,
        name: &str,
        generation: u64,
        at: Timestamp,
    ) {
        let resources = self.resources_mut(place);
        let room = Room::of(resources, name);
        let Some(component) = resources.components.get_mut(name) else { return };
        if component.generation != generation {
            return;
        }
        let endpoint = component.endpoint.clone();
        component.modified = at;
        if component.status == "Deleting" {
            let resource = format!("inference-component/{name}");
            resources.components.remove(name);
            resources.tags.remove(&place.arn("inference-component", name));
            resources.targets.retain(|(id, _), _| *id != resource);
            resources.scaling_policies.retain(|(id, ..), _| *id != resource);
        } else {
            let first = component.status == "Creating";
            component.status = "InService";
            component.current = component.desired;
            match component.pending.take() {
                // An update without room keeps what runs: the world's assumption.
                Some((_, None)) if !room.for_update => component.failure = Some(NO_ROOM.to_owned()),
                Some((_, Some((reason, failed)))) => {
                    component.failure = Some(reason);
                    component.status = if failed { "Failed" } else { "InService" };
                }
                Some((specification, None)) => component.specification = specification,
                None if room.copies < component.desired => {
                    component.current = room.copies;
                    component.failure = Some(NO_ROOM.to_owned());
                    if first {
                        component.status = "Failed";
                    }
                }
                None => {}
            }
        }
        self.adjust_managed_instances(place, &endpoint);
    }
}
