//! Inference components as the API describes them.

use serde_json::{Value, json};

use super::{Component, no_component};
use crate::account::Call;
use crate::error::ApiError;
use crate::json::{copy, epoch, listing, need, put, put_some, stamp, text};
use crate::world::World;

pub(super) fn describe_component(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
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

pub(super) fn list_components(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
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
        .filter(|c| stamp(request, "LastModifiedTimeAfter").is_none_or(|after| c.modified > after))
        .filter(|c| stamp(request, "LastModifiedTimeBefore").is_none_or(|before| c.modified < before))
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
