//! SageMaker models: an image and its weights under a name.

use serde_json::{Value, json};

use crate::account::{AccountRegion, Call, parse_arn};
use crate::error::ApiError;
use crate::json::{copy, epoch, list, listing, millis, need, put, stamp, tag_map, text};
use crate::resources::Stored;
use crate::services::Operations;
use crate::world::World;

pub(crate) const OPERATIONS: Operations = &[
    ("CreateModel", create_model),
    ("DescribeModel", describe_model),
    ("DeleteModel", delete_model),
    ("ListModels", list_models),
];

/// The data of a container that a model serves.
pub(crate) struct Artifact {
    /// Where it is, as `s3://…`.
    pub(crate) url: String,
    /// The account of the package, which wrote it.
    pub(crate) account: String,
    pub(crate) encryption: Encryption,
}

/// How the data of a model is encrypted in S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// Nothing is known: no training job of the world wrote it.
    Unknown,
    /// "If you don't provide a KMS key ID, SageMaker uses the default KMS key for Amazon S3 for your role's account."
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html>
    AwsManagedKey,
    CustomerKey(String),
}

fn create_model(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "ModelName")?;
    let arn = call.place.arn("model", name);
    if world.resources(&call.place).is_some_and(|resources| resources.models.contains_key(name)) {
        return Err(ApiError::already_existing("model", &arn));
    }
    let containers = containers(request);
    if containers.is_empty() {
        return Err(ApiError::validation("Either PrimaryContainer or Containers must be provided."));
    }
    for container in &containers {
        check_container(world, call, container)?;
    }
    check_role(call, text(request, "ExecutionRoleArn"))?;
    world.store_model(&call.place, name, request, call.now);
    Ok(json!({"ModelArn": arn}))
}

/// The containers of a model request, whichever way they are given.
pub(crate) fn containers(request: &Value) -> Vec<&Value> {
    request
        .get("PrimaryContainer")
        .filter(|c| !c.is_null())
        .into_iter()
        .chain(list(request, "Containers"))
        .collect()
}

/// A role can be passed only in its own account. The text is ours.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>
pub(crate) fn check_role(call: &Call, role: Option<&str>) -> Result<(), ApiError> {
    let role = role.unwrap_or_default();
    let account = role.split(':').nth(4).unwrap_or(call.place.account.as_str());
    if account == call.place.account {
        return Ok(());
    }
    Err(ApiError::new("AccessDeniedException", format!("Cross-account pass role is not allowed: {role}")))
}

fn check_container(world: &World, call: &Call, container: &Value) -> Result<(), ApiError> {
    if let Some(package) = text(container, "ModelPackageName") {
        let package = world.admitted_package(call, package, "sagemaker:CreateModel")?;
        // A package is an image and its data. Variables may be added to it:
        // https://github.com/aws/sagemaker-python-sdk/pull/3581. The text is ours.
        if ["Image", "ModelDataUrl", "ModelDataSource"].iter().any(|member| container.get(member).is_some()) {
            return Err(ApiError::validation(
                "A container with a ModelPackageName must not have an Image, a ModelDataUrl or a ModelDataSource.",
            ));
        }
        return package.deployable();
    }
    if text(container, "Image").is_none() {
        return Err(ApiError::validation("A container needs either an Image or a ModelPackageName."));
    }
    Ok(())
}

/// The digest that the tag of an image has after as many moves.
pub(crate) fn image_digest(image: &str, moves: usize) -> String {
    use sha2::{Digest, Sha256};
    let content = if moves == 0 { image.to_owned() } else { format!("{image} {moves}") };
    let hex: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

impl World {
    /// The images of a model, as it or its package names them, and as SageMaker resolves them now.
    pub(crate) fn images_of(&self, place: &AccountRegion, model: Option<&str>) -> Vec<(String, String)> {
        let model = model.and_then(|name| self.resources(place)?.models.get(name));
        let containers = model.map(|model| containers(&model.request)).unwrap_or_default();
        let mut images = Vec::new();
        for container in containers {
            match text(container, "ModelPackageName") {
                Some(arn) => {
                    let specification =
                        self.package_request(arn).and_then(|of| of.get("InferenceSpecification"));
                    let of_package = specification.map(|of| list(of, "Containers")).unwrap_or_default();
                    images.extend(of_package.iter().filter_map(|of| text(of, "Image")));
                }
                None => images.extend(text(container, "Image")),
            }
        }
        let resolved = |image: &str| {
            let repository = image.rsplit_once(':').map_or(image, |(repository, _)| repository);
            format!("{repository}@{}", image_digest(image, self.faults.tag_moves(image)))
        };
        images.into_iter().map(|image| (image.to_owned(), resolved(image))).collect()
    }

    /// The request that registered a package.
    fn package_request(&self, arn: &str) -> Option<&Value> {
        let (place, ..) = parse_arn(arn)?;
        let package = self.resources(&place)?.packages.values().find(|package| package.arn == arn);
        package.map(|package| &package.request)
    }

    /// The number of containers of a model, with those of its packages.
    fn container_count(&self, place: &AccountRegion, model: &str) -> usize {
        let model = self.resources(place).and_then(|resources| resources.models.get(model));
        let count = |container: &Value| {
            let arn = text(container, "ModelPackageName");
            let package = arn.and_then(|arn| self.package_request(arn));
            let specification = package.and_then(|package| package.get("InferenceSpecification"));
            specification.map_or(1, |specification| list(specification, "Containers").len().max(1))
        };
        model.map_or(0, |model| containers(&model.request).into_iter().map(count).sum())
    }

    /// The data that the packages of a model request refer to.
    pub(crate) fn artifacts(&self, place: &AccountRegion, request: &Value) -> Vec<Artifact> {
        let mut artifacts = Vec::new();
        for arn in containers(request).into_iter().filter_map(|c| text(c, "ModelPackageName")) {
            let home = parse_arn(arn).map_or_else(|| place.clone(), |(place, ..)| place);
            let Some(resources) = self.resources(&home) else { continue };
            let package = resources.packages.values().find(|package| package.arn == arn);
            let Some(specification) = package.and_then(|p| p.request.get("InferenceSpecification")) else {
                continue;
            };
            for url in list(specification, "Containers").iter().filter_map(|c| text(c, "ModelDataUrl")) {
                let encryption = resources.jobs.values().find_map(|job| job.encryption(url));
                artifacts.push(Artifact {
                    url: url.to_owned(),
                    account: home.account.clone(),
                    encryption: encryption.unwrap_or(Encryption::Unknown),
                });
            }
        }
        artifacts
    }

    /// Refuses a model of several containers where SageMaker runs only one. Serverless endpoints are documented:
    /// <https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html>. For components it is assumed, because a
    /// specification has one container:
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentSpecificationSummary.html>. The text
    /// is ours.
    pub(crate) fn check_one_container(
        &self,
        place: &AccountRegion,
        model: Option<&str>,
        place_of_use: &str,
    ) -> Result<(), ApiError> {
        match model {
            Some(model) if self.container_count(place, model) > 1 => Err(ApiError::validation(format!(
                "Model \"{}\" has several containers. Inference pipelines are not supported for {place_of_use}.",
                place.arn("model", model)
            ))),
            _ => Ok(()),
        }
    }

    /// Stores a model that was checked before, and emits its event.
    pub(crate) fn store_model(
        &mut self,
        place: &AccountRegion,
        name: &str,
        request: &Value,
        at: jiff::Timestamp,
    ) {
        let arn = place.arn("model", name);
        let resources = self.resources_mut(place);
        resources.tag(&arn, tag_map(request));
        let stored = Stored { arn: arn.clone(), request: request.clone(), created: at };
        let detail = event_detail(name, &stored, resources.tag_object(&arn));
        resources.models.insert(name.to_owned(), stored);
        self.emit_sagemaker_event(place, "SageMaker Model State Change", vec![arn], detail, at, 1);
    }
}

/// The same for a creation and a deletion, except for the tags: the service does not distinguish them.
fn event_detail(name: &str, model: &Stored, tags: Value) -> Value {
    let of = |key: &str| model.request.get(key).cloned().unwrap_or(Value::Null);
    json!({
        "ModelName": name,
        "PrimaryContainer": of("PrimaryContainer"),
        "Containers": of("Containers"),
        "ExecutionRoleArn": of("ExecutionRoleArn"),
        "CreationTime": millis(model.created),
        "ModelArn": model.arn,
        "Tags": tags,
    })
}

fn describe_model(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "ModelName")?;
    let model = world
        .resources(&call.place)
        .and_then(|resources| resources.models.get(name))
        .ok_or_else(|| ApiError::could_not_find("model", &call.place.arn("model", name)))?;
    let mut answer = json!({"ModelName": name, "ModelArn": model.arn, "CreationTime": epoch(model.created)});
    let keys =
        ["PrimaryContainer", "Containers", "InferenceExecutionConfig", "ExecutionRoleArn", "VpcConfig"];
    copy(&model.request, &keys, &mut answer);
    let isolated = model.request.get("EnableNetworkIsolation").cloned().unwrap_or(json!(false));
    put(&mut answer, "EnableNetworkIsolation", isolated);
    Ok(answer)
}

fn delete_model(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "ModelName")?;
    let resources = world.resources_mut(&call.place);
    let model = resources
        .models
        .remove(name)
        .ok_or_else(|| ApiError::could_not_find("model", &call.place.arn("model", name)))?;
    resources.tags.remove(&model.arn);
    let detail = event_detail(name, &model, json!({}));
    world.emit_sagemaker_event(
        &call.place,
        "SageMaker Model State Change",
        vec![model.arn],
        detail,
        call.now,
        1,
    );
    Ok(json!({}))
}

fn list_models(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let stored = world.resources(&call.place).map(|resources| &resources.models);
    let items = sorted(
        stored.into_iter().flatten(),
        request,
        |name, model| json!({"ModelName": name, "ModelArn": model.arn, "CreationTime": epoch(model.created)}),
    );
    listing("Models", items, request)
}

/// Stored things that the request's filters admit, newest first unless it asks otherwise.
pub(crate) fn sorted<'a>(
    stored: impl Iterator<Item = (&'a String, &'a Stored)>,
    request: &Value,
    summary: impl Fn(&str, &Stored) -> Value,
) -> Vec<Value> {
    let mut found: Vec<(&String, &Stored)> = stored
        .filter(|(name, _)| text(request, "NameContains").is_none_or(|part| name.contains(part)))
        .filter(|(_, s)| stamp(request, "CreationTimeAfter").is_none_or(|after| s.created > after))
        .filter(|(_, s)| stamp(request, "CreationTimeBefore").is_none_or(|before| s.created < before))
        .collect();
    if text(request, "SortBy") != Some("Name") {
        found.sort_by_key(|(_, s)| s.created);
    }
    if text(request, "SortOrder") != Some("Ascending") {
        found.reverse();
    }
    found.into_iter().map(|(name, s)| summary(name, s)).collect()
}
