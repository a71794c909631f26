//! An endpoint in API answers (API spelling, epoch seconds) and in events (upper snake case, epoch milliseconds).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Endpoint, Variant, no_endpoint};
use crate::account::Call;
use crate::error::ApiError;
use crate::json::{epoch, listing, millis, need, put, put_some, stamp, text};
use crate::world::World;

/// `InService` as events write it.
fn upper_snake(status: &str) -> String {
    let mut written = String::new();
    for letter in status.chars() {
        if letter.is_uppercase() && !written.is_empty() {
            written.push('_');
        }
        written.extend(letter.to_uppercase());
    }
    written
}

fn variant_status(variant: &Variant, time: fn(Timestamp) -> Value) -> Option<Value> {
    let status = variant.status.as_ref()?;
    Some(json!([{"Status": status.status, "StatusMessage": status.message, "StartTime": time(status.since)}]))
}

/// A variant as events write it: what does not exist yet is left out.
fn event_variant(variant: &Variant, creating: bool) -> Value {
    let mut written = json!({"VariantName": variant.name, "DesiredWeight": variant.desired_weight});
    if !creating {
        put(&mut written, "CurrentWeight", json!(variant.weight));
    }
    if let Some(serverless) = &variant.serverless {
        put(&mut written, "CurrentServerlessConfig", serverless.clone());
    } else {
        if !creating {
            put(&mut written, "CurrentInstanceCount", json!(variant.count));
        }
        put(&mut written, "DesiredInstanceCount", json!(variant.desired));
    }
    put_some(&mut written, "VariantStatus", variant_status(variant, millis));
    written
}

/// The body of an endpoint event; the configuration in it is the one that runs.
pub(super) fn event_detail(endpoint: &Endpoint, tags: Value, deployment: bool) -> Value {
    let creating = endpoint.status == "Creating";
    let variants = |of: &[Variant]| of.iter().map(|v| event_variant(v, creating)).collect::<Vec<_>>();
    let mut detail = json!({
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.config,
        "EndpointStatus": upper_snake(endpoint.status),
        "CreationTime": millis(endpoint.created),
        "LastModifiedTime": millis(endpoint.modified),
        "Tags": tags,
    });
    if endpoint.status != "Deleted" {
        put(&mut detail, "ProductionVariants", json!(variants(&endpoint.variants)));
    }
    put_some(&mut detail, "FailureReason", endpoint.failure.clone());
    if let Some(pending) = endpoint.pending.as_ref().filter(|_| deployment) {
        let summary = json!({
            "EndpointConfigName": pending.config,
            "StartTime": millis(pending.started),
            "ProductionVariants": variants(&pending.variants),
        });
        put(&mut detail, "PendingDeploymentSummary", summary);
    }
    detail
}

/// A variant as the API writes it.
fn api_variant(variant: &Variant, endpoint: &Endpoint) -> Value {
    let mut written = json!({
        "VariantName": variant.name,
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.desired_weight,
    });
    // "the path resolves to a path of the form registry/repository[@digest]":
    // https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeployedImage.html
    let images = variant.images.iter().map(|(specified, resolved)| {
        json!({"SpecifiedImage": specified, "ResolvedImage": resolved,
            "ResolutionTime": epoch(endpoint.created)})
    });
    if !variant.images.is_empty() {
        put(&mut written, "DeployedImages", images.collect());
    }
    if let Some(serverless) = &variant.serverless {
        put(&mut written, "CurrentServerlessConfig", serverless.clone());
        put(&mut written, "DesiredServerlessConfig", serverless.clone());
    } else {
        put(&mut written, "CurrentInstanceCount", json!(variant.count));
        put(&mut written, "DesiredInstanceCount", json!(variant.desired));
    }
    put_some(&mut written, "ManagedInstanceScaling", variant.managed.clone());
    put_some(&mut written, "RoutingConfig", variant.routing.clone());
    put_some(&mut written, "VariantStatus", variant_status(variant, epoch));
    written
}

pub(super) fn describe_endpoint(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "EndpointName")?;
    let resources = world.resources(&call.place);
    let endpoint =
        resources.and_then(|s| s.endpoints.get(name)).ok_or_else(|| no_endpoint(&call.place, name))?;
    let mut answer = json!({
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.config,
        "EndpointStatus": endpoint.status,
        "CreationTime": epoch(endpoint.created),
        "LastModifiedTime": epoch(endpoint.modified),
        "ProductionVariants":
            endpoint.variants.iter().map(|v| api_variant(v, endpoint)).collect::<Vec<_>>(),
    });
    put_some(&mut answer, "FailureReason", endpoint.failure.clone());
    put_some(&mut answer, "LastDeploymentConfig", endpoint.deployment.clone());
    if let Some(pending) = &endpoint.pending {
        let variants: Vec<Value> = pending.variants.iter().map(|v| api_variant(v, endpoint)).collect();
        let summary = json!({
            "EndpointConfigName": pending.config,
            "StartTime": epoch(pending.started),
            "ProductionVariants": variants,
        });
        put(&mut answer, "PendingDeploymentSummary", summary);
    }
    let config = resources.and_then(|s| s.configs.get(&endpoint.config));
    if let Some(capture) = config.and_then(|c| c.request.get("DataCaptureConfig")).filter(|c| !c.is_null()) {
        put(&mut answer, "DataCaptureConfig", capture_summary(capture));
    }
    if let Some(queue) = config.and_then(|c| c.request.get("AsyncInferenceConfig")).filter(|c| !c.is_null()) {
        put(&mut answer, "AsyncInferenceConfig", queue.clone());
    }
    Ok(answer)
}

fn capture_summary(capture: &Value) -> Value {
    let on = capture.get("EnableCapture") == Some(&json!(true));
    let of = |key: &str| capture.get(key).cloned().unwrap_or(Value::Null);
    json!({
        "EnableCapture": on,
        "CaptureStatus": if on { "Started" } else { "Stopped" },
        "CurrentSamplingPercentage": of("InitialSamplingPercentage"),
        "DestinationS3Uri": of("DestinationS3Uri"),
        "KmsKeyId": text(capture, "KmsKeyId").unwrap_or_default(),
    })
}

pub(super) fn list_endpoints(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let after = |key: &str, at: Timestamp| stamp(request, key).is_none_or(|bound| at > bound);
    let before = |key: &str, at: Timestamp| stamp(request, key).is_none_or(|bound| at < bound);
    let mut found: Vec<&Endpoint> = world
        .resources(&call.place)
        .into_iter()
        .flat_map(|resources| resources.endpoints.values())
        .filter(|e| text(request, "StatusEquals").is_none_or(|status| e.status == status))
        .filter(|e| text(request, "NameContains").is_none_or(|part| e.name.contains(part)))
        .filter(|e| after("CreationTimeAfter", e.created) && before("CreationTimeBefore", e.created))
        .filter(|e| {
            after("LastModifiedTimeAfter", e.modified) && before("LastModifiedTimeBefore", e.modified)
        })
        .collect();
    match text(request, "SortBy") {
        Some("Name") => {}
        Some("Status") => found.sort_by_key(|e| e.status),
        _ => found.sort_by_key(|e| e.created),
    }
    if text(request, "SortOrder") != Some("Ascending") {
        found.reverse();
    }
    let items = found.into_iter().map(|e| {
        json!({
            "EndpointName": e.name, "EndpointArn": e.arn, "EndpointStatus": e.status,
            "CreationTime": epoch(e.created), "LastModifiedTime": epoch(e.modified),
        })
    });
    listing("Endpoints", items.collect(), request)
}
