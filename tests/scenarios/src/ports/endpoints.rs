//! Endpoints, configurations, models and components.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_engine::ports::Endpoints;
use tidegate_engine::{CallError, Class};
use tidegate_events::EndpointStatus;
use tidegate_policy::deploy::{
    Component, ComponentStatus, DeployedImage, Endpoint, Rollout, RunningComponent, RunningConfig,
    RunningContainer, RunningModel, ScalableTarget, VARIANT,
};
use tidegate_policy::endpoint::{BatchSize, CopySize, EndpointConfigSpec, ModelSpec, ProductionVariant};
use tidegate_policy::owner::Tags;

use super::{settings, tag_list, text, time};
use crate::cloud::Account;

const SAGEMAKER: &str = "sagemaker";

/// What the creation of a model or a configuration did. Their names are derived from content, so one that is taken is taken
/// by the same thing.
fn made(what: &str, name: &str, asked: Result<Value, CallError>) -> Result<String, CallError> {
    match asked {
        Ok(_) => Ok(format!("created {what} {name}")),
        Err(error) if error.message.contains("already exist") => Ok(format!("{what} {name} exists already")),
        Err(error) => Err(error),
    }
}

fn variant(variant: &ProductionVariant) -> Value {
    match variant {
        ProductionVariant::RealTime { model, instance_type, instances } => json!({
            "VariantName": VARIANT, "ModelName": model, "InstanceType": instance_type,
            "InitialInstanceCount": instances, "InitialVariantWeight": 1.0,
        }),
        ProductionVariant::Serverless { model, memory_mb, max_concurrency } => json!({
            "VariantName": VARIANT, "ModelName": model, "InitialVariantWeight": 1.0,
            "ServerlessConfig": {"MemorySizeInMB": memory_mb, "MaxConcurrency": max_concurrency},
        }),
        ProductionVariant::Components { instance_type, min_instances, max_instances } => json!({
            "VariantName": VARIANT, "InstanceType": instance_type, "InitialInstanceCount": 1,
            "ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": min_instances, "MaxInstanceCount": max_instances},
            "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
        }),
    }
}

/// Adds a member to a request.
fn put(request: &mut Value, name: &str, value: Value) {
    if let Some(members) = request.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

fn deployment(rollout: &Rollout) -> Option<Value> {
    if rollout.is_default() {
        return None;
    }
    let percent = |value: u32| json!({"Type": "CAPACITY_PERCENT", "Value": value});
    let mut config = json!({"AutoRollbackConfiguration": alarms(rollout)});
    if let Some(batches) = rollout.rolling {
        let policy = json!({"MaximumBatchSize": size(batches.size), "WaitIntervalInSeconds": batches.bake});
        put(&mut config, "RollingUpdatePolicy", policy);
        return Some(config);
    }
    let routing = match (rollout.canary, rollout.linear) {
        (Some((part, bake)), _) => {
            json!({"Type": "CANARY", "WaitIntervalInSeconds": bake, "CanarySize": percent(part)})
        }
        (None, Some((part, bake))) => {
            json!({"Type": "LINEAR", "WaitIntervalInSeconds": bake, "LinearStepSize": percent(part)})
        }
        (None, None) => json!({"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}),
    };
    put(
        &mut config,
        "BlueGreenUpdatePolicy",
        json!({"TrafficRoutingConfiguration": routing,
        "TerminationWaitInSeconds": rollout.bake.unwrap_or(300)}),
    );
    Some(config)
}

fn alarms(rollout: &Rollout) -> Value {
    let alarms: Vec<Value> = rollout.alarms.iter().map(|name| json!({"AlarmName": name})).collect();
    json!({"Alarms": alarms})
}

fn size(size: BatchSize) -> Value {
    match size {
        BatchSize::Percent(percent) => json!({"Type": "CAPACITY_PERCENT", "Value": percent}),
        BatchSize::Copies(copies) => json!({"Type": "COPY_COUNT", "Value": copies}),
    }
}

fn needs(size: CopySize) -> Value {
    let all = [
        ("MinMemoryRequiredInMb", Some(size.memory_mb)),
        ("MaxMemoryRequiredInMb", size.max_memory_mb),
        ("NumberOfAcceleratorDevicesRequired", size.accelerators),
        ("NumberOfCpuCoresRequired", size.cpus),
    ];
    all.into_iter().filter_map(|(key, number)| Some((key.to_owned(), json!(number?)))).collect()
}

fn component_request(component: &Component) -> Value {
    let mut specification =
        json!({"ModelName": component.model, "ComputeResourceRequirements": needs(component.size)});
    if let (Some(times), Some(members)) = (component.startup, specification.as_object_mut()) {
        members.insert("StartupParameters".to_owned(), settings::startup(times));
    }
    json!({
        "InferenceComponentName": component.name,
        "Specification": specification,
        "RuntimeConfig": {"CopyCount": component.copies},
    })
}

fn desired_instances(found: &Value) -> Option<u32> {
    let count = found.pointer("/ProductionVariants/0/DesiredInstanceCount").and_then(Value::as_u64);
    count.and_then(|count| u32::try_from(count).ok())
}

/// The images that the variants of an endpoint run.
fn images(found: &Value) -> Vec<DeployedImage> {
    let variants = ["/ProductionVariants", "/ShadowProductionVariants"].map(|key| items(found, key));
    let images = variants.into_iter().flatten().flat_map(|variant| items(variant, "/DeployedImages"));
    images.filter_map(image).collect()
}

fn image(found: &Value) -> Option<DeployedImage> {
    Some(DeployedImage {
        specified: text(found, "/SpecifiedImage")?,
        resolved: text(found, "/ResolvedImage"),
    })
}

fn items<'v>(found: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    found.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

impl Account {
    fn model_role(&self) -> String {
        format!("arn:aws:iam::{}:role/model", self.place().account)
    }
}

#[async_trait]
impl Endpoints for Account {
    async fn endpoint(&self, name: &str) -> Result<Option<Endpoint>, CallError> {
        let found = self.find(SAGEMAKER, "DescribeEndpoint", json!({"EndpointName": name})).await?;
        Ok(found.map(|found| Endpoint {
            arn: text(&found, "/EndpointArn").unwrap_or_default(),
            status: EndpointStatus::read(&text(&found, "/EndpointStatus").unwrap_or_default()),
            config: text(&found, "/EndpointConfigName"),
            pending_config: text(&found, "/PendingDeploymentSummary/EndpointConfigName"),
            failure: text(&found, "/FailureReason"),
            images: images(&found),
            desired_instances: desired_instances(&found),
            created: time(&found, "/CreationTime"),
            last_modified: time(&found, "/LastModifiedTime"),
        }))
    }

    async fn changed_since(&self, since: Timestamp) -> Result<Vec<String>, CallError> {
        let request = json!({"LastModifiedTimeAfter": since.as_second(), "MaxResults": 100});
        let endpoints = self.call(SAGEMAKER, "ListEndpoints", request.clone()).await?;
        let components = self.call(SAGEMAKER, "ListInferenceComponents", request).await?;
        let names = |list: &Value, key: &str, name: &str| -> Vec<String> {
            let listed = list.get(key).and_then(Value::as_array).into_iter().flatten();
            listed.filter_map(|one| text(one, name)).collect()
        };
        let mut found = names(&endpoints, "Endpoints", "/EndpointName");
        found.extend(names(&components, "InferenceComponents", "/InferenceComponentName"));
        Ok(found)
    }

    async fn component(&self, name: &str) -> Result<Option<RunningComponent>, CallError> {
        let request = json!({"InferenceComponentName": name});
        let found = self.find(SAGEMAKER, "DescribeInferenceComponent", request).await?;
        let number = |found: &Value, pointer: &str| {
            found.pointer(pointer).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok())
        };
        let size = |found: &Value| {
            let of = |key: &str| number(found, &format!("/Specification/ComputeResourceRequirements/{key}"));
            Some(CopySize {
                memory_mb: of("MinMemoryRequiredInMb")?,
                max_memory_mb: of("MaxMemoryRequiredInMb"),
                accelerators: of("NumberOfAcceleratorDevicesRequired"),
                cpus: of("NumberOfCpuCoresRequired"),
            })
        };
        Ok(found.map(|found| RunningComponent {
            arn: text(&found, "/InferenceComponentArn").unwrap_or_default(),
            endpoint: text(&found, "/EndpointName"),
            created: time(&found, "/CreationTime"),
            status: ComponentStatus::read(&text(&found, "/InferenceComponentStatus").unwrap_or_default()),
            model: text(&found, "/Specification/ModelName"),
            image: found.pointer("/Specification/Container/DeployedImage").and_then(image),
            size: size(&found),
            copies: number(&found, "/RuntimeConfig/CurrentCopyCount"),
            startup: settings::times(&found),
            failure: text(&found, "/FailureReason"),
            last_modified: time(&found, "/LastModifiedTime"),
        }))
    }

    async fn running_config(&self, name: &str, endpoint: &Endpoint) -> Result<RunningConfig, CallError> {
        self.running(name, endpoint.config.as_deref().unwrap_or_default()).await
    }

    async fn model(&self, name: &str) -> Result<Option<RunningModel>, CallError> {
        let found = self.find(SAGEMAKER, "DescribeModel", json!({"ModelName": name})).await?;
        let container = |container: &Value| RunningContainer {
            package: text(container, "/ModelPackageName"),
            image: text(container, "/Image"),
            model_data: text(container, "/ModelDataUrl"),
        };
        Ok(found.map(|found| {
            let all = found.get("PrimaryContainer").into_iter().chain(items(&found, "/Containers"));
            RunningModel { containers: all.map(container).collect() }
        }))
    }

    async fn component_limits(&self, name: &str) -> Result<Option<ScalableTarget>, CallError> {
        self.limits_of(&format!("inference-component/{name}")).await
    }

    async fn add_tags(&self, arn: &str, tags: &[(String, String)]) -> Result<String, CallError> {
        let request = json!({"ResourceArn": arn, "Tags": tag_list(tags)});
        self.call(SAGEMAKER, "AddTags", request).await.map(|_| format!("tagged {arn}"))
    }

    async fn tags(&self, arn: &str) -> Result<Tags, CallError> {
        self.tags_of(arn).await
    }

    async fn create_model(&self, model: &ModelSpec) -> Result<String, CallError> {
        let request = settings::model(model, &self.model_role());
        made("model", &model.name, self.call(SAGEMAKER, "CreateModel", request).await)
    }

    async fn create_config(&self, config: &EndpointConfigSpec) -> Result<String, CallError> {
        let request = settings::config(config, variant(&config.variant), &self.model_role());
        made("configuration", &config.name, self.call(SAGEMAKER, "CreateEndpointConfig", request).await)
    }

    async fn create_endpoint(
        &self,
        name: &str,
        config: &str,
        tags: &[(String, String)],
    ) -> Result<String, CallError> {
        let request = json!({"EndpointName": name, "EndpointConfigName": config, "Tags": tag_list(tags)});
        let error = match self.call(SAGEMAKER, "CreateEndpoint", request).await {
            Ok(_) => return Ok(format!("created endpoint {name}")),
            Err(error) if error.message.contains("already exist") => error,
            Err(error) => return Err(error),
        };
        match self.endpoint(name).await? {
            Some(found) if found.heads_for() == Some(config) => Ok(format!("endpoint {name} exists already")),
            _ => Err(CallError { class: Class::Busy, ..error }),
        }
    }

    async fn update_endpoint(
        &self,
        name: &str,
        config: &str,
        rollout: &Rollout,
        keep_instances: bool,
    ) -> Result<String, CallError> {
        let mut request = json!({"EndpointName": name, "EndpointConfigName": config,
            "RetainAllVariantProperties": keep_instances});
        if let (Some(deployment), Some(members)) = (deployment(rollout), request.as_object_mut()) {
            members.insert("DeploymentConfig".to_owned(), deployment);
        }
        let error = match self.call(SAGEMAKER, "UpdateEndpoint", request).await {
            Ok(_) => return Ok(format!("updating endpoint {name} to {config}")),
            Err(error) => error,
        };
        if !matches!(error.class, Class::Permanent | Class::Busy) {
            return Err(error);
        }
        if self.endpoint(name).await?.is_some_and(|found| found.heads_for() == Some(config)) {
            return Ok(format!("endpoint {name} has {config} already"));
        }
        Err(error)
    }

    async fn create_component(
        &self,
        component: &Component,
        tags: &[(String, String)],
    ) -> Result<String, CallError> {
        let mut request = component_request(component);
        if let Some(members) = request.as_object_mut() {
            members.insert("EndpointName".to_owned(), json!(component.endpoint));
            members.insert("VariantName".to_owned(), json!(VARIANT));
            members.insert("Tags".to_owned(), tag_list(tags));
        }
        let name = &component.name;
        let error = match self.call(SAGEMAKER, "CreateInferenceComponent", request).await {
            Ok(_) => return Ok(format!("created component {name}")),
            Err(error) if error.message.contains("already exist") => error,
            Err(error) => return Err(error),
        };
        match self.component(name).await? {
            Some(found) if found.runs(component) => Ok(format!("component {name} exists already")),
            _ => Err(CallError { class: Class::Busy, ..error }),
        }
    }

    async fn update_component(&self, component: &Component, keep_copies: bool) -> Result<String, CallError> {
        let (name, model) = (&component.name, &component.model);
        let mut request = component_request(component);
        if let Some(members) = request.as_object_mut().filter(|_| keep_copies) {
            members.remove("RuntimeConfig");
        }
        if let Some(batches) = component.rollout.rolling {
            let policy =
                json!({"MaximumBatchSize": size(batches.size), "WaitIntervalInSeconds": batches.bake});
            let alarms = alarms(&component.rollout);
            let config = json!({"RollingUpdatePolicy": policy, "AutoRollbackConfiguration": alarms});
            put(&mut request, "DeploymentConfig", config);
        }
        match self.call(SAGEMAKER, "UpdateInferenceComponent", request).await {
            Ok(_) => Ok(format!("updating component {name} to {model}")),
            Err(error) if matches!(error.class, Class::Permanent | Class::Busy) => {
                match self.component(name).await? {
                    Some(found) if found.runs(component) && found.has_copies(component.copies) => {
                        Ok(format!("component {name} has {model} already"))
                    }
                    _ => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn delete_endpoint(&self, name: &str) -> Result<String, CallError> {
        let answer = self.find(SAGEMAKER, "DeleteEndpoint", json!({"EndpointName": name})).await;
        gone("endpoint", name, answer)
    }

    async fn delete_component(&self, name: &str) -> Result<String, CallError> {
        let request = json!({"InferenceComponentName": name});
        gone("component", name, self.find(SAGEMAKER, "DeleteInferenceComponent", request).await)
    }
}

/// A deletion, which SageMaker continues after its answer.
fn gone(what: &str, name: &str, asked: Result<Option<Value>, CallError>) -> Result<String, CallError> {
    match asked {
        Ok(Some(_)) => Ok(format!("deleting {what} {name}")),
        Ok(None) => Ok(format!("{what} {name} does not exist any more")),
        Err(error) => Err(error),
    }
}
