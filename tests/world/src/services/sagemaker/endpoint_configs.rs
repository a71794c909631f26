//! Endpoint configurations: the models and the capacity of an endpoint.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::account::{AccountRegion, Call};
use crate::error::ApiError;
use crate::instance_types;
use crate::json::{copy, epoch, int, list, listing, millis, need, put, tag_map, text};
use crate::resources::{Resources, Stored};
use crate::services::Operations;
use crate::services::sagemaker::endpoints::queue::asynchronous;
use crate::services::sagemaker::models::sorted;
use crate::world::World;

pub(crate) const OPERATIONS: Operations = &[
    ("CreateEndpointConfig", create_endpoint_config),
    ("DescribeEndpointConfig", describe_endpoint_config),
    ("DeleteEndpointConfig", delete_endpoint_config),
    ("ListEndpointConfigs", list_endpoint_configs),
];

fn create_endpoint_config(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "EndpointConfigName")?;
    let arn = call.place.arn("endpoint-config", name);
    let zero = world.faults.accepts_zero_instances(&call.place.region);
    for variant in list(request, "ProductionVariants").iter().filter(|v| v.get("ServerlessConfig").is_some())
    {
        world.check_one_container(&call.place, text(variant, "ModelName"), "serverless endpoints")?;
    }
    let resources = world.resources_mut(&call.place);
    if resources.configs.contains_key(name) {
        return Err(ApiError::already_existing("endpoint configuration", &arn));
    }
    let variants = list(request, "ProductionVariants");
    if variants.is_empty() {
        return Err(crate::json::missing("ProductionVariants"));
    }
    for (index, variant) in variants.iter().chain(list(request, "ShadowProductionVariants")).enumerate() {
        check_instance_type(variant, index + 1)?;
        check_variant(resources, call, request, variant)?;
        check_counts(request, variant, zero)?;
        check_storage(request, variant)?;
    }
    let mut names: Vec<&str> = variants.iter().filter_map(|v| text(v, "VariantName")).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() != variants.len() {
        return Err(ApiError::validation("Variant names must be unique within an endpoint configuration."));
    }
    resources.tag(&arn, tag_map(request));
    let stored = Stored { arn: arn.clone(), request: request.clone(), created: call.now };
    let detail = event_detail(name, &stored, resources.tag_object(&arn));
    resources.configs.insert(name.to_owned(), stored);
    world.emit_sagemaker_event(
        &call.place,
        "SageMaker Endpoint Config State Change",
        vec![arn.clone()],
        detail,
        call.now,
        1,
    );
    Ok(json!({"EndpointConfigArn": arn}))
}

impl World {
    /// The ARN of the key for the storage volumes of a configuration. There is no KMS here: the alias `alias/NAME` stands
    /// for the key with the id NAME.
    pub(crate) fn volume_key(&self, place: &AccountRegion, config: &str) -> Option<String> {
        let key = text(&self.resources(place)?.configs.get(config)?.request, "KmsKeyId")?;
        let id = key.strip_prefix("alias/").unwrap_or(key);
        let arn = format!("arn:aws:kms:{}:{}:key/{id}", place.region, place.account);
        Some(if key.starts_with("arn:") { key.to_owned() } else { arn })
    }

    /// The roles of the models of a configuration, or of the components that will run on it.
    pub(crate) fn execution_roles(&self, place: &AccountRegion, config: &str) -> BTreeSet<String> {
        let Some(resources) = self.resources(place) else { return BTreeSet::new() };
        let Some(config) = resources.configs.get(config) else { return BTreeSet::new() };
        let models = list(&config.request, "ProductionVariants").iter().filter_map(|v| text(v, "ModelName"));
        let models = models.filter_map(|name| resources.models.get(name)).map(|model| &model.request);
        let all = models.chain([&config.request]).filter_map(|request| text(request, "ExecutionRoleArn"));
        all.map(str::to_owned).collect()
    }
}

/// One variant against the others and against what exists.
fn check_variant(
    resources: &Resources,
    call: &Call,
    config: &Value,
    variant: &Value,
) -> Result<(), ApiError> {
    let name = text(variant, "VariantName").unwrap_or_default();
    let refuse = |why: &str| Err(ApiError::validation(format!("Production variant \"{name}\": {why}")));
    let given = |value: &Value, key: &str| value.get(key).is_some_and(|v| !v.is_null());
    let serverless = given(variant, "ServerlessConfig");
    match text(variant, "ModelName") {
        Some(model) if !resources.models.contains_key(model) => {
            return Err(ApiError::could_not_find("model", &call.place.arn("model", model)));
        }
        None if serverless => return refuse("a serverless variant requires a ModelName."),
        None if !given(config, "ExecutionRoleArn") => {
            return refuse("ExecutionRoleArn is required when no ModelName is provided.");
        }
        // The API has these members for components, whose models the configuration does not name. The text is ours.
        // https://github.com/hashicorp/terraform-provider-aws/pull/48738
        Some(_)
            if given(config, "VpcConfig") || config.get("EnableNetworkIsolation") == Some(&json!(true)) =>
        {
            return refuse(
                "VpcConfig and EnableNetworkIsolation are only for endpoints with inference components.",
            );
        }
        None | Some(_) => {}
    }
    if given(config, "AsyncInferenceConfig") {
        check_asynchronous(config, variant, name)?;
    }
    if serverless {
        if given(variant, "InstanceType") || given(variant, "InitialInstanceCount") {
            return refuse("ServerlessConfig cannot be combined with InstanceType or InitialInstanceCount.");
        }
        if given(config, "DataCaptureConfig") {
            return refuse("DataCaptureConfig is not supported for serverless endpoints.");
        }
        if list(config, "ProductionVariants").len() > 1 {
            return refuse("a serverless endpoint supports one production variant only.");
        }
        return check_serverless_model(resources, variant, name);
    }
    if !given(variant, "InstanceType") && list(variant, "InstancePools").is_empty() {
        return refuse("InstanceType is required.");
    }
    Ok(())
}

/// What an asynchronous endpoint does not support. The list is AWS's, where it is refused and the texts are assumed.
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/model-deploy-feature-matrix.html>
fn check_asynchronous(config: &Value, variant: &Value, name: &str) -> Result<(), ApiError> {
    let given = |value: &Value, key: &str| value.get(key).is_some_and(|v| !v.is_null());
    let refused = [
        (given(variant, "ServerlessConfig"), "ServerlessConfig"),
        (given(config, "DataCaptureConfig"), "DataCaptureConfig"),
        (list(config, "ProductionVariants").len() > 1, "More than one production variant"),
        (!list(config, "ShadowProductionVariants").is_empty(), "ShadowProductionVariants"),
    ];
    match refused.into_iter().find(|(given, _)| *given) {
        Some((_, what)) => Err(ApiError::validation(format!(
            "Production variant \"{name}\": {what} is not supported when specifying an AsyncInferenceConfig."
        ))),
        None => Ok(()),
    }
}

fn check_serverless_model(resources: &Resources, variant: &Value, name: &str) -> Result<(), ApiError> {
    let model = text(variant, "ModelName").and_then(|model| resources.models.get(model));
    // The feature exclusions of https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html. The texts are
    // ours.
    let refuse = |what: &str| {
        Err(ApiError::validation(format!(
            "Production variant \"{name}\": {what} is not supported for serverless endpoints."
        )))
    };
    let request = model.map(|model| &model.request);
    if request.and_then(|r| r.get("VpcConfig")).is_some_and(|v| !v.is_null()) {
        return refuse("VpcConfig");
    }
    if request.and_then(|r| r.get("EnableNetworkIsolation")) == Some(&json!(true)) {
        return refuse("EnableNetworkIsolation");
    }
    Ok(())
}

/// A type that is not one of hosting: <https://github.com/aws/sagemaker-python-sdk/issues/1623>. A type that the world
/// does not know is newer than its table.
fn check_instance_type(variant: &Value, index: usize) -> Result<(), ApiError> {
    let Some(name) = text(variant, "InstanceType") else { return Ok(()) };
    if instance_types::find(name).is_none_or(|found| found.hosting) {
        return Ok(());
    }
    let accepted: Vec<&str> = instance_types::hosting().collect();
    Err(ApiError::validation(format!(
        "1 validation error detected: Value '{name}' at 'productionVariants.{index}.member.instanceType' failed to \
         satisfy constraint: Member must satisfy enum value set: [{}]",
        accepted.join(", ")
    )))
}

/// Local NVMe storage is encrypted by its hardware and has one size. The first text is that of the SageMaker SDK, the second
/// is ours: <https://github.com/aws/sagemaker-python-sdk/issues/3677>,
/// <https://github.com/aws/sagemaker-python-sdk/pull/4828>
fn check_storage(config: &Value, variant: &Value) -> Result<(), ApiError> {
    let nvme = text(variant, "InstanceType").and_then(instance_types::find).is_some_and(|found| found.nvme);
    if nvme && text(config, "KmsKeyId").is_some() {
        return Err(ApiError::validation("KMS key is not supported for NVMe instance storage"));
    }
    if nvme && int(variant, "VolumeSizeInGB").is_some() {
        return Err(ApiError::validation("VolumeSizeInGB is not supported for NVMe instance storage"));
    }
    Ok(())
}

/// `zero`: whether the region accepts a minimum of zero instances.
fn check_counts(config: &Value, variant: &Value, zero: bool) -> Result<(), ApiError> {
    let name = text(variant, "VariantName").unwrap_or_default();
    let refuse = |why: &str| Err(ApiError::validation(format!("Production variant \"{name}\": {why}")));
    let scaling = variant.get("ManagedInstanceScaling").filter(|s| text(s, "Status") == Some("ENABLED"));
    let min = scaling.and_then(|s| int(s, "MinInstanceCount"));
    let max = scaling.and_then(|s| int(s, "MaxInstanceCount"));
    if variant.get("ServerlessConfig").is_some_and(|config| !config.is_null()) {
        return Ok(());
    }
    // <https://github.com/hashicorp/terraform-provider-aws/pull/45926>
    if text(variant, "ModelName").is_some() && scaling.is_some() {
        return Err(ApiError::validation(
            "ManagedInstanceScaling is only supported for inference component endpoints.",
        ));
    }
    // Measured in eu-west-3: <https://github.com/stdapi-ai/stdapi.ai/issues/43>
    if min == Some(0) && !zero {
        return Err(ApiError::validation(
            "Min instance count needs to be greater than 0 for enabled managed instance scaling",
        ));
    }
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        return refuse("MinInstanceCount must not be greater than MaxInstanceCount.");
    }
    let asynchronous = asynchronous(config).is_some();
    match int(variant, "InitialInstanceCount") {
        Some(count) if count < 1 && !asynchronous && min != Some(0) => {
            refuse("InitialInstanceCount must be at least 1 for a real-time endpoint.")
        }
        None if scaling.is_none() => refuse("InitialInstanceCount is required."),
        _ => Ok(()),
    }
}

/// The same for a creation and a deletion, but for the tags.
fn event_detail(name: &str, config: &Stored, tags: Value) -> Value {
    let of = |key: &str| config.request.get(key).cloned().unwrap_or(Value::Null);
    json!({
        "EndpointConfigName": name,
        "EndpointConfigArn": config.arn,
        "ProductionVariants": of("ProductionVariants"),
        "DataCaptureConfig": of("DataCaptureConfig"),
        "KmsKeyId": of("KmsKeyId"),
        "CreationTime": millis(config.created),
        "AsyncInferenceConfig": of("AsyncInferenceConfig"),
        "ExplainerConfig": of("ExplainerConfig"),
        "ShadowProductionVariants": of("ShadowProductionVariants"),
        "Tags": tags,
    })
}

fn describe_endpoint_config(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "EndpointConfigName")?;
    let config =
        world.resources(&call.place).and_then(|resources| resources.configs.get(name)).ok_or_else(|| {
            ApiError::could_not_find("endpoint configuration", &call.place.arn("endpoint-config", name))
        })?;
    let mut answer = json!({
        "EndpointConfigName": name, "EndpointConfigArn": config.arn, "CreationTime": epoch(config.created),
    });
    let keys = [
        "ProductionVariants",
        "DataCaptureConfig",
        "KmsKeyId",
        "AsyncInferenceConfig",
        "ExplainerConfig",
        "ShadowProductionVariants",
        "ExecutionRoleArn",
        "VpcConfig",
        "MetricsConfig",
    ];
    copy(&config.request, &keys, &mut answer);
    let isolated = config.request.get("EnableNetworkIsolation").cloned().unwrap_or(json!(false));
    put(&mut answer, "EnableNetworkIsolation", isolated);
    Ok(answer)
}

/// As with AWS, a configuration in use can be deleted; the next update of its endpoint then finds it missing.
fn delete_endpoint_config(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "EndpointConfigName")?;
    let resources = world.resources_mut(&call.place);
    let config = resources.configs.remove(name).ok_or_else(|| {
        ApiError::could_not_find("endpoint configuration", &call.place.arn("endpoint-config", name))
    })?;
    resources.tags.remove(&config.arn);
    let detail = event_detail(name, &config, json!({}));
    world.emit_sagemaker_event(
        &call.place,
        "SageMaker Endpoint Config State Change",
        vec![config.arn],
        detail,
        call.now,
        1,
    );
    Ok(json!({}))
}

fn list_endpoint_configs(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let stored = world.resources(&call.place).map(|resources| &resources.configs);
    let items = sorted(stored.into_iter().flatten(), request, |name, config| {
        json!({
            "EndpointConfigName": name, "EndpointConfigArn": config.arn, "CreationTime": epoch(config.created),
        })
    });
    listing("EndpointConfigs", items, request)
}
