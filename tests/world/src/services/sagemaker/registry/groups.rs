//! Model package groups and their resource policies.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{resource_policy, user};
use crate::account::{AccountRegion, Call, parse_arn};
use crate::error::ApiError;
use crate::json::{epoch, need, put_some, tag_map, text};
use crate::services::Operations;
use crate::world::World;

pub(crate) const OPERATIONS: Operations = &[
    ("CreateModelPackageGroup", create_group),
    ("DescribeModelPackageGroup", describe_group),
    ("PutModelPackageGroupPolicy", put_policy),
    ("GetModelPackageGroupPolicy", get_policy),
];

/// A model package group.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) arn: String,
    description: Option<String>,
    created: Timestamp,
    by: String,
    pub(super) policy: Option<String>,
    pub(super) next_version: i64,
}

/// The location and the name of a group that is given by name or ARN.
pub(super) fn locate_group(call: &Call, name_or_arn: &str) -> (AccountRegion, String) {
    match parse_arn(name_or_arn) {
        Some((place, "model-package-group", name)) => (place, name.to_owned()),
        _ => (call.place.clone(), name_or_arn.to_owned()),
    }
}

pub(super) fn no_group(place: &AccountRegion, name: &str) -> ApiError {
    ApiError::validation(format!(
        "ModelPackageGroup {} does not exist.",
        place.arn("model-package-group", name)
    ))
}

fn create_group(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "ModelPackageGroupName")?;
    let arn = call.place.arn("model-package-group", name);
    if world.resources(&call.place).is_some_and(|resources| resources.groups.contains_key(name)) {
        return Err(ApiError::validation(format!("Model Package Group already exists: {arn}")));
    }
    let description = text(request, "ModelPackageGroupDescription").map(str::to_owned);
    world.ensure_group(&call.place, name, description, &call.principal, call.now);
    world.resources_mut(&call.place).tag(&arn, tag_map(request));
    Ok(json!({"ModelPackageGroupArn": arn}))
}

fn describe_group(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let (place, name) = locate_group(call, need(request, "ModelPackageGroupName")?);
    let group = world.admitted_group(call, &place, &name, "sagemaker:DescribeModelPackageGroup")?;
    let mut answer = json!({
        "ModelPackageGroupName": name,
        "ModelPackageGroupArn": group.arn,
        "CreationTime": epoch(group.created),
        "CreatedBy": user(&group.by),
        "ModelPackageGroupStatus": "Completed",
    });
    put_some(&mut answer, "ModelPackageGroupDescription", group.description.clone());
    Ok(answer)
}

fn put_policy(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "ModelPackageGroupName")?;
    let policy = need(request, "ResourcePolicy")?;
    resource_policy::check(policy).map_err(ApiError::validation)?;
    let group =
        world.resources_mut(&call.place).groups.get_mut(name).ok_or_else(|| no_group(&call.place, name))?;
    group.policy = Some(policy.to_owned());
    Ok(json!({"ModelPackageGroupArn": group.arn}))
}

fn get_policy(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "ModelPackageGroupName")?;
    let group = world
        .resources(&call.place)
        .and_then(|resources| resources.groups.get(name))
        .ok_or_else(|| no_group(&call.place, name))?;
    let policy = group
        .policy
        .as_deref()
        .ok_or_else(|| ApiError::validation(format!("Cannot find resource policy for {}.", group.arn)))?;
    Ok(json!({"ResourcePolicy": policy}))
}

impl World {
    /// Creates a group if it is missing, as registering through a pipeline does.
    pub(crate) fn ensure_group(
        &mut self,
        place: &AccountRegion,
        name: &str,
        description: Option<String>,
        by: &str,
        at: Timestamp,
    ) {
        let arn = place.arn("model-package-group", name);
        self.resources_mut(place).groups.entry(name.to_owned()).or_insert_with(|| Group {
            arn,
            description,
            created: at,
            by: by.to_owned(),
            policy: None,
            next_version: 1,
        });
    }

    pub(super) fn admitted_group(
        &self,
        call: &Call,
        place: &AccountRegion,
        name: &str,
        action: &str,
    ) -> Result<&Group, ApiError> {
        self.admit(call, place, name, action, &place.arn("model-package-group", name))?;
        self.resources(place)
            .and_then(|resources| resources.groups.get(name))
            .ok_or_else(|| no_group(place, name))
    }
}
