//! Tags of SageMaker resources.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::account::{AccountRegion, Call, parse_arn};
use crate::error::ApiError;
use crate::http::permissions::OWN_ACCOUNT;
use crate::json::{listing, need, tag_map, text};
use crate::resources::Resources;
use crate::services::Operations;
use crate::world::World;

pub(crate) const OPERATIONS: Operations = &[("AddTags", add_tags), ("ListTags", list_tags)];

/// The most tags of a resource. <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>
const MOST: usize = 50;

/// The operations whose requests may have tags, with the type and the name of what they create.
const CREATIONS: &[(&str, &str, &str)] = &[
    ("CreateModel", "model", "ModelName"),
    ("CreateEndpointConfig", "endpoint-config", "EndpointConfigName"),
    ("CreateEndpoint", "endpoint", "EndpointName"),
    ("CreateInferenceComponent", "inference-component", "InferenceComponentName"),
    ("CreatePipeline", "pipeline", "PipelineName"),
];

/// What AWS checks about the tags of a request, whatever it creates.
pub(crate) fn check(world: &World, call: &Call, operation: &str, request: &Value) -> Result<(), ApiError> {
    let tags = tag_map(request);
    // The prefix is reserved: https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html. The
    // text is ours.
    if let Some((key, _)) = tags.iter().find(|(key, _)| key.to_lowercase().starts_with("aws:")) {
        let text = format!("Tag key {key} is invalid. The prefix aws: is reserved for AWS use.");
        return Err(ApiError::validation(text));
    }
    let Some((_, kind, member)) = CREATIONS.iter().find(|(name, ..)| *name == operation) else {
        return Ok(());
    };
    // A condition on aws:RequestTag. The message does not say which tag is missing. Recorded:
    // https://github.com/aws/amazon-sagemaker-feedback/issues/193
    let mut required = world.faults.required_tags(&call.place.account);
    if required.all(|key| tags.iter().any(|(have, _)| have.eq_ignore_ascii_case(key))) {
        return Ok(());
    }
    let arn = call.place.arn(kind, text(request, member).unwrap_or_default());
    let action = format!("sagemaker:{operation}");
    Err(ApiError::denied(&call.principal, &action, &arn, "with an explicit deny in a service control policy"))
}

/// The ARN in its stored spelling, if the resource exists in the caller's account and region.
fn known(resources: Option<&Resources>, place: &AccountRegion, arn: &str) -> Result<String, ApiError> {
    let invalid = || ApiError::validation(format!("Invalid ARN {arn}"));
    let (there, kind, name) = parse_arn(arn).ok_or_else(invalid)?;
    let found = resources.filter(|_| there == *place).and_then(|resources| {
        let same = |candidate: &str| candidate.eq_ignore_ascii_case(arn);
        match kind {
            "pipeline" if name.contains("/execution/") => {
                resources.executions.keys().find(|a| same(a)).cloned()
            }
            "pipeline" => resources.pipelines.values().map(|p| &p.arn).find(|a| same(a)).cloned(),
            "model-package-group" => resources.groups.values().map(|g| &g.arn).find(|a| same(a)).cloned(),
            "model-package" => resources.packages.keys().find(|a| same(a)).cloned(),
            "model" => resources.models.values().map(|m| &m.arn).find(|a| same(a)).cloned(),
            "endpoint-config" => resources.configs.values().map(|c| &c.arn).find(|a| same(a)).cloned(),
            "endpoint" => resources.endpoints.values().map(|e| &e.arn).find(|a| same(a)).cloned(),
            "inference-component" => resources.components.values().map(|c| &c.arn).find(|a| same(a)).cloned(),
            "training-job" | "processing-job" => {
                resources.jobs.values().map(|j| &j.arn).find(|a| same(a)).cloned()
            }
            _ => None,
        }
    });
    found.ok_or_else(|| ApiError::validation(format!("Resource {arn} does not exist.")))
}

/// Tags as the API writes them.
fn tag_list(resources: Option<&Resources>, arn: &str) -> Vec<Value> {
    resources
        .and_then(|resources| resources.tags.get(arn))
        .into_iter()
        .flatten()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect()
}

impl World {
    /// The tags of a resource in each account that has it. In the ARN, `{account}` stands for the account.
    pub(crate) fn tags_by_account(&self, arn: &str) -> BTreeMap<String, Value> {
        let mut found = BTreeMap::new();
        for (place, resources) in &self.resources {
            let arn = arn.replace(OWN_ACCOUNT, &place.account);
            if resources.tags.contains_key(&arn) {
                found.insert(place.account.clone(), resources.tag_object(&arn));
            }
        }
        found
    }
}

fn add_tags(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let arn = known(world.resources(&call.place), &call.place, need(request, "ResourceArn")?)?;
    let resources = world.resources_mut(&call.place);
    let mut keys: BTreeSet<String> = tag_map(request).into_iter().map(|(key, _)| key).collect();
    keys.extend(resources.tags.get(&arn).into_iter().flat_map(|tags| tags.keys().cloned()));
    if keys.len() > MOST {
        // The limit is documented for all services; the text is ours.
        return Err(ApiError::validation(format!("A resource cannot have more than {MOST} tags: {arn}")));
    }
    resources.tag(&arn, tag_map(request));
    Ok(json!({"Tags": tag_list(Some(resources), &arn)}))
}

fn list_tags(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let resources = world.resources(&call.place);
    let arn = known(resources, &call.place, need(request, "ResourceArn")?)?;
    let mut request = request.clone();
    let size = request.get("MaxResults").cloned().unwrap_or(json!(50));
    crate::json::put(&mut request, "MaxResults", size);
    listing("Tags", tag_list(resources, &arn), &request)
}
