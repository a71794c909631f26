//! Tags of SageMaker resources.

use serde_json::{Value, json};

use crate::core::{Handler, World};
use crate::error::ApiError;
use crate::json::{listing, need, tag_map};
use crate::place::{Call, Place, parse_arn};
use crate::scope::Scope;

pub(crate) const OPERATIONS: &[(&str, Handler)] = &[("AddTags", add_tags), ("ListTags", list_tags)];

/// The ARN as the world writes it, if the resource exists in the caller's place.
fn known(scope: Option<&Scope>, place: &Place, arn: &str) -> Result<String, ApiError> {
    let invalid = || ApiError::validation(format!("Invalid ARN {arn}"));
    let (there, kind, name) = parse_arn(arn).ok_or_else(invalid)?;
    let found = scope.filter(|_| there == *place).and_then(|scope| {
        let same = |candidate: &str| candidate.eq_ignore_ascii_case(arn);
        match kind {
            "pipeline" if name.contains("/execution/") => scope.executions.keys().find(|a| same(a)).cloned(),
            "pipeline" => scope.pipelines.values().map(|p| &p.arn).find(|a| same(a)).cloned(),
            "model-package-group" => scope.groups.values().map(|g| &g.arn).find(|a| same(a)).cloned(),
            "model-package" => scope.packages.keys().find(|a| same(a)).cloned(),
            "model" => scope.models.values().map(|m| &m.arn).find(|a| same(a)).cloned(),
            "endpoint-config" => scope.configs.values().map(|c| &c.arn).find(|a| same(a)).cloned(),
            "endpoint" => scope.endpoints.values().map(|e| &e.arn).find(|a| same(a)).cloned(),
            "inference-component" => scope.components.values().map(|c| &c.arn).find(|a| same(a)).cloned(),
            "training-job" | "processing-job" => {
                scope.jobs.values().map(|j| &j.arn).find(|a| same(a)).cloned()
            }
            _ => None,
        }
    });
    found.ok_or_else(|| ApiError::validation(format!("Resource {arn} does not exist.")))
}

/// Tags as the API writes them.
fn tag_list(scope: Option<&Scope>, arn: &str) -> Vec<Value> {
    scope
        .and_then(|scope| scope.tags.get(arn))
        .into_iter()
        .flatten()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect()
}

fn add_tags(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let arn = known(world.scope(&call.place), &call.place, need(request, "ResourceArn")?)?;
    let scope = world.scope_mut(&call.place);
    scope.tag(&arn, tag_map(request));
    Ok(json!({"Tags": tag_list(Some(scope), &arn)}))
}

fn list_tags(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let scope = world.scope(&call.place);
    let arn = known(scope, &call.place, need(request, "ResourceArn")?)?;
    let mut request = request.clone();
    let size = request.get("MaxResults").cloned().unwrap_or(json!(50));
    crate::json::put(&mut request, "MaxResults", size);
    listing("Tags", tag_list(scope, &arn), &request)
}
