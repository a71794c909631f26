//! `UpdateModelPackage`: approvals, stages and metadata.

use serde_json::{Map, Value, json};

use crate::account::{Call, parse_arn};
use crate::error::ApiError;
use crate::json::{list, need, put, text};
use crate::services::sagemaker::registry::Package;
use crate::world::World;

/// Changes a package and emits which fields changed; a call that changes nothing emits nothing.
pub(crate) fn update_package(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "ModelPackageArn")?;
    super::check_approval(request)?;
    let arn = world.admitted_package(call, name, "sagemaker:UpdateModelPackage")?.arn.clone();
    let place = parse_arn(&arn).map_or_else(|| call.place.clone(), |(place, ..)| place);
    let mut digested = request.clone();
    super::digest_artifacts(&world.faults, &mut digested);
    let Some(package) = world.resources_mut(&place).packages.get_mut(&arn) else {
        return Err(ApiError::validation(format!("ModelPackage {arn} does not exist.")));
    };
    if let Some(token) = text(request, "ClientToken") {
        if package.tokens.iter().any(|used| used == token) {
            return Ok(json!({"ModelPackageArn": arn}));
        }
        package.tokens.push(token.to_owned());
    }
    let approving = text(request, "ModelApprovalStatus") == Some("Approved");
    if approving && package.status != "Completed" {
        return Err(ApiError::validation(format!(
            "Model package {arn} with status {} cannot be approved.",
            package.status
        )));
    }
    let updated = apply(package, &digested);
    if !updated.is_empty() {
        package.modified = call.now;
        let detail = package.event_detail(Some(&updated));
        let kind = "SageMaker Model Package State Change";
        world.emit_sagemaker_event(&place, kind, vec![arn.clone()], detail, call.now, 2);
    }
    Ok(json!({"ModelPackageArn": arn}))
}

/// Applies what is new and names it as the event does.
fn apply(package: &mut Package, request: &Value) -> Vec<String> {
    let mut updated = Vec::new();
    if let Some(status) = text(request, "ModelApprovalStatus")
        && status != package.approval
    {
        package.approval = status.to_owned();
        updated.push("ModelApprovalStatus".to_owned());
    }
    // Events write the source's name with a small letter.
    let fields = [
        ("ApprovalDescription", "ApprovalDescription"),
        ("ModelLifeCycle", "ModelLifeCycle"),
        ("SourceUri", "sourceUri"),
        ("InferenceSpecification", "InferenceSpecification"),
    ];
    for (key, told) in fields {
        if let Some(value) = request.get(key).filter(|v| !v.is_null())
            && package.request.get(key) != Some(value)
        {
            put(&mut package.request, key, value.clone());
            updated.push(told.to_owned());
        }
    }
    if apply_metadata(package, request) {
        updated.push("CustomerMetadataProperties".to_owned());
    }
    updated
}

fn apply_metadata(package: &mut Package, request: &Value) -> bool {
    let before = package.request.get("CustomerMetadataProperties").cloned().unwrap_or_else(|| json!({}));
    let mut after = before.as_object().cloned().unwrap_or_default();
    let given: Map<String, Value> =
        request.get("CustomerMetadataProperties").and_then(Value::as_object).cloned().unwrap_or_default();
    after.extend(given);
    for key in list(request, "CustomerMetadataPropertiesToRemove").iter().filter_map(Value::as_str) {
        after.remove(key);
    }
    let after = Value::Object(after);
    let changed = after != before;
    if changed {
        put(&mut package.request, "CustomerMetadataProperties", after);
    }
    changed
}
