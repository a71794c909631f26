//! SageMaker endpoints, endpoint configurations, models and inference components.

mod async_inference;
mod changes;
mod rollouts;
mod running;
mod shapes;

use async_trait::async_trait;
use aws_sdk_applicationautoscaling::Client as AutoScaling;
use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::types::{InferenceComponentRuntimeConfig, InferenceComponentSpecification};
use jiff::Timestamp;
use tidegate_engine::{CallError, Class, ports::Endpoints};
use tidegate_events::EndpointStatus;
use tidegate_policy::deploy::{Endpoint, RunningConfig, RunningModel, ScalableTarget};
use tidegate_policy::endpoint::{
    Component, ComponentStatus, EndpointConfigSpec, ModelSpec, Rollout, RunningComponent, VARIANT,
};
use tidegate_policy::names::RoleArn;
use tidegate_policy::owner::Tags;

use crate::convert::{int, timestamp};
use crate::error::{Failure, failed, failed_with, refused};
use crate::{scalable_targets, tags};

const SERVICE: &str = "sagemaker";

/// SageMaker endpoints.
#[derive(Debug, Clone)]
pub struct SageMakerEndpoints {
    client: Client,
    scaling: AutoScaling,
    model_role_arn: String,
    passable_role_arns: Vec<String>,
}

impl SageMakerEndpoints {
    pub(crate) fn new(
        client: Client,
        scaling: AutoScaling,
        model_role_arn: &str,
        passable_role_arns: Vec<String>,
    ) -> Self {
        Self { client, scaling, model_role_arn: model_role_arn.to_owned(), passable_role_arns }
    }

    /// Describes a configuration and its models. What was deleted has no settings.
    async fn config_and_models(&self, name: &str) -> Result<RunningConfig, CallError> {
        let answer = self.client.describe_endpoint_config().endpoint_config_name(name).send().await;
        let found = match answer.map_err(failed(SERVICE, "DescribeEndpointConfig")) {
            Ok(found) => found,
            Err(failure) if failure.not_there() => return Ok(RunningConfig::default()),
            Err(failure) => return Err(failure.into()),
        };
        let mut running = running::config(&found);
        for model in found.production_variants().iter().filter_map(|variant| variant.model_name()) {
            let answer = self.client.describe_model().model_name(model).send().await;
            match answer.map_err(failed(SERVICE, "DescribeModel")) {
                Ok(found) => running.settings.extend(running::model(&found)),
                Err(failure) if failure.not_there() => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(running)
    }

    /// The role with which a model runs. IAM's refusal to pass a role does not say how to allow it, so a role that this
    /// function may not pass is refused before the call.
    fn role(&self, operation: &'static str, wanted: Option<&RoleArn>) -> Result<&str, CallError> {
        let Some(wanted) = wanted else { return Ok(&self.model_role_arn) };
        let passable = self.passable_role_arns.iter().find(|arn| *arn == wanted.as_str());
        passable.map(String::as_str).ok_or_else(|| {
            let message = format!(
                "deploy may not pass the role {wanted}; add it to the parameter PassableModelRoleArns of the stack, and send the request again"
            );
            CallError { class: Class::Denied, ..refused(SERVICE, operation, message) }
        })
    }
}

#[async_trait]
impl Endpoints for SageMakerEndpoints {
    async fn endpoint(&self, name: &str) -> Result<Option<Endpoint>, CallError> {
        const DESCRIBE: &str = "DescribeEndpoint";
        let answer = self.client.describe_endpoint().endpoint_name(name).send().await;
        let found = match answer.map_err(failed(SERVICE, DESCRIBE)) {
            Ok(found) => found,
            Err(failure) if failure.not_there() => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        let Some(status) = found.endpoint_status() else {
            return Err(refused(SERVICE, DESCRIBE, format!("endpoint `{name}` has no status")));
        };
        Ok(Some(Endpoint {
            arn: found.endpoint_arn().unwrap_or_default().to_owned(),
            status: EndpointStatus::read(status.as_str()),
            config: found.endpoint_config_name().map(str::to_owned),
            pending_config: found
                .pending_deployment_summary()
                .and_then(|pending| pending.endpoint_config_name())
                .map(str::to_owned),
            failure: found.failure_reason().map(str::to_owned),
            images: found
                .production_variants()
                .iter()
                .chain(found.shadow_production_variants())
                .flat_map(|variant| variant.deployed_images())
                .filter_map(running::image)
                .collect(),
            desired_instances: found
                .production_variants()
                .first()
                .and_then(|variant| variant.desired_instance_count())
                .and_then(|count| u32::try_from(count).ok()),
            created: found.creation_time().and_then(timestamp),
            last_modified: found.last_modified_time().and_then(timestamp),
        }))
    }

    async fn changed_since(&self, since: Timestamp) -> Result<Vec<String>, CallError> {
        changes::endpoints_and_components(&self.client, since).await
    }

    async fn component(&self, name: &str) -> Result<Option<RunningComponent>, CallError> {
        const DESCRIBE: &str = "DescribeInferenceComponent";
        let answer = self.client.describe_inference_component().inference_component_name(name).send().await;
        let found = match answer.map_err(failed(SERVICE, DESCRIBE)) {
            Ok(found) => found,
            Err(failure) if failure.not_there() => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        let Some(status) = found.inference_component_status() else {
            return Err(refused(SERVICE, DESCRIBE, format!("component `{name}` has no status")));
        };
        let specification = found.specification();
        let requirements = specification.and_then(|found| found.compute_resource_requirements());
        let copies = found.runtime_config().and_then(|runtime| runtime.current_copy_count());
        Ok(Some(RunningComponent {
            arn: found.inference_component_arn().unwrap_or_default().to_owned(),
            endpoint: found.endpoint_name().map(str::to_owned),
            created: found.creation_time().and_then(timestamp),
            status: ComponentStatus::read(status.as_str()),
            model: specification.and_then(|specification| specification.model_name()).map(str::to_owned),
            image: specification
                .and_then(|specification| specification.container()?.deployed_image())
                .and_then(running::image),
            size: requirements.and_then(shapes::size),
            copies: copies.and_then(|copies| u32::try_from(copies).ok()),
            startup: specification.and_then(|s| s.startup_parameters()).map(shapes::times),
            failure: found.failure_reason().map(str::to_owned),
            last_modified: found.last_modified_time().and_then(timestamp),
        }))
    }

    async fn running_config(&self, name: &str, endpoint: &Endpoint) -> Result<RunningConfig, CallError> {
        let config = endpoint.config.as_deref().unwrap_or_default();
        let mut running = self.config_and_models(config).await?;
        for variant in &running.variants {
            let resource = scalable_targets::of_variant(name, variant);
            running.scalable_targets.extend(scalable_targets::find(&self.scaling, resource).await?);
        }
        Ok(running)
    }

    async fn model(&self, name: &str) -> Result<Option<RunningModel>, CallError> {
        let answer = self.client.describe_model().model_name(name).send().await;
        match answer.map_err(failed(SERVICE, "DescribeModel")) {
            Ok(found) => Ok(Some(running::containers(&found))),
            Err(failure) if failure.not_there() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn component_limits(&self, name: &str) -> Result<Option<ScalableTarget>, CallError> {
        let resource = scalable_targets::of_component(name);
        scalable_targets::find(&self.scaling, resource).await
    }

    async fn add_tags(&self, arn: &str, tags: &[(String, String)]) -> Result<String, CallError> {
        tags::add(&self.client, arn, tags).await
    }

    async fn tags(&self, arn: &str) -> Result<Tags, CallError> {
        tags::of(&self.client, arn).await
    }

    async fn create_model(&self, model: &ModelSpec) -> Result<String, CallError> {
        let settings = &model.settings;
        // The package is in a list of containers, because only there it may belong to another account.
        let container = shapes::container(model);
        let role = self.role("CreateModel", settings.execution_role.as_ref())?;
        let answer = self
            .client
            .create_model()
            .model_name(&model.name)
            .containers(container)
            .execution_role_arn(role)
            .set_vpc_config(settings.vpc.as_ref().map(shapes::vpc))
            .set_enable_network_isolation(settings.network_isolation.then_some(true))
            .set_tags(tags::list(&model.tags))
            .send()
            .await;
        creation_result("model", &model.name, answer.map_err(failed(SERVICE, "CreateModel")))
    }

    async fn create_config(&self, config: &EndpointConfigSpec) -> Result<String, CallError> {
        // A configuration without a model must contain the role with which its models will run.
        let host = config.settings.components.clone().unwrap_or_default();
        let role = self.role("CreateEndpointConfig", host.execution_role.as_ref())?;
        let settings = &config.settings;
        let capture = settings.capture.as_ref();
        let capture = capture.map(|capture| shapes::capture(capture, settings.capture_key.as_ref()));
        let answer = self
            .client
            .create_endpoint_config()
            .endpoint_config_name(&config.name)
            .production_variants(shapes::variant(&config.variant, &config.settings))
            .set_execution_role_arn(config.variant.model().is_none().then(|| role.to_owned()))
            .set_vpc_config(host.vpc.as_ref().map(shapes::vpc))
            .set_enable_network_isolation(host.network_isolation.then_some(true))
            .set_kms_key_id(config.settings.volume_key.as_ref().map(ToString::to_string))
            .set_data_capture_config(capture)
            .set_async_inference_config(async_inference::config(&config.settings))
            .set_tags(tags::list(&config.tags))
            .send()
            .await;
        let answer = answer.map_err(failed(SERVICE, "CreateEndpointConfig")).map_err(explain_zero_instances);
        creation_result("configuration", &config.name, answer)
    }

    async fn create_endpoint(
        &self,
        name: &str,
        config: &str,
        tags: &[(String, String)],
    ) -> Result<String, CallError> {
        let answer = self
            .client
            .create_endpoint()
            .endpoint_name(name)
            .endpoint_config_name(config)
            .set_tags(tags::list(tags))
            .send()
            .await;
        let failure = match answer.map_err(failed_with(SERVICE, "CreateEndpoint", &[config])) {
            Ok(_) => return Ok(format!("created endpoint {name}")),
            Err(failure) => failure,
        };
        if !failure.already_there() {
            return Err(failure.into());
        }
        // An endpoint that exists may have another configuration, and may not be visible yet.
        match self.endpoint(name).await? {
            Some(found) if found.heads_for() == Some(config) => Ok(format!("endpoint {name} exists already")),
            _ => Err(failure.busy()),
        }
    }

    async fn update_endpoint(
        &self,
        name: &str,
        config: &str,
        rollout: &Rollout,
        keep_instances: bool,
    ) -> Result<String, CallError> {
        // Without it the number of instances in the configuration replaces the one that Application Auto Scaling set.
        // https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
        let answer = self
            .client
            .update_endpoint()
            .endpoint_name(name)
            .endpoint_config_name(config)
            .set_deployment_config(rollouts::of_endpoint(rollout))
            .set_retain_all_variant_properties(keep_instances.then_some(true))
            .send()
            .await;
        let failure = match answer.map_err(failed_with(SERVICE, "UpdateEndpoint", &[config])) {
            Ok(_) => return Ok(format!("updating endpoint {name} to {config}")),
            Err(failure) => failure,
        };
        if !failure.is("ValidationException") {
            return Err(failure.into());
        }
        // SageMaker rejects invalid updates with the same code, so only the description of the endpoint shows whether
        // the update is already done, or has to wait for another one.
        match self.endpoint(name).await? {
            Some(found) if found.heads_for() == Some(config) => {
                Ok(format!("endpoint {name} has {config} already"))
            }
            Some(found) if is_changing(&found.status) => Err(failure.busy()),
            _ => Err(failure.into()),
        }
    }

    async fn create_component(
        &self,
        component: &Component,
        tags: &[(String, String)],
    ) -> Result<String, CallError> {
        let answer = self
            .client
            .create_inference_component()
            .inference_component_name(&component.name)
            .endpoint_name(&component.endpoint)
            .variant_name(VARIANT)
            .specification(specification(component))
            .runtime_config(runtime(component))
            .set_tags(tags::list(tags))
            .send()
            .await;
        let failure = match answer.map_err(failed(SERVICE, "CreateInferenceComponent")) {
            Ok(_) => return Ok(format!("created component {}", component.name)),
            Err(failure) => failure,
        };
        if failure.already_there() {
            return match self.component(&component.name).await? {
                Some(found) if found.runs(component) => {
                    Ok(format!("component {} exists already", component.name))
                }
                _ => Err(failure.busy()),
            };
        }
        // How SageMaker rejects a component while its endpoint changes is not documented.
        if failure.is("ValidationException")
            && let Some(host) = self.endpoint(&component.endpoint).await?
            && is_changing(&host.status)
        {
            return Err(failure.busy());
        }
        Err(failure.into())
    }

    async fn update_component(&self, component: &Component, keep_copies: bool) -> Result<String, CallError> {
        let (name, model) = (&component.name, &component.model);
        let answer = self
            .client
            .update_inference_component()
            .inference_component_name(name)
            .specification(specification(component))
            .set_runtime_config((!keep_copies).then(|| runtime(component)))
            .set_deployment_config(rollouts::of_component(&component.rollout, component.copies))
            .send()
            .await;
        let failure = match answer.map_err(failed(SERVICE, "UpdateInferenceComponent")) {
            Ok(_) => return Ok(format!("updating component {name} to {model}")),
            Err(failure) => failure,
        };
        if !failure.is("ValidationException") {
            return Err(failure.into());
        }
        match self.component(name).await? {
            Some(found) if found.runs(component) && found.has_copies(component.copies) => {
                Ok(format!("component {name} has {model} already"))
            }
            Some(found) if found.status.is_changing() => Err(failure.busy()),
            _ => Err(failure.into()),
        }
    }

    async fn delete_endpoint(&self, name: &str) -> Result<String, CallError> {
        let answer = self.client.delete_endpoint().endpoint_name(name).send().await;
        deletion_result("endpoint", name, answer.map_err(failed(SERVICE, "DeleteEndpoint")))
    }

    async fn delete_component(&self, name: &str) -> Result<String, CallError> {
        let answer = self.client.delete_inference_component().inference_component_name(name).send().await;
        deletion_result("component", name, answer.map_err(failed(SERVICE, "DeleteInferenceComponent")))
    }
}

/// Describes the result of a deletion, which SageMaker continues after its answer.
fn deletion_result<T>(what: &str, name: &str, answer: Result<T, Failure>) -> Result<String, CallError> {
    match answer {
        Ok(_) => Ok(format!("deleting {what} {name}")),
        Err(failure) if failure.not_there() => Ok(format!("{what} {name} does not exist any more")),
        Err(failure) => Err(failure.into()),
    }
}

/// Describes the result of a creation of a model or a configuration. Their names are derived from content, so an existing
/// resource with the same name has the same content.
fn creation_result<T>(what: &str, name: &str, answer: Result<T, Failure>) -> Result<String, CallError> {
    match answer {
        Ok(_) => Ok(format!("created {what} {name}")),
        Err(failure) if failure.already_there() => Ok(format!("{what} {name} exists already")),
        Err(failure) => Err(failure.into()),
    }
}

/// Says what to do in a region that refuses a minimum of zero instances.
/// <https://github.com/stdapi-ai/stdapi.ai/issues/43>
fn explain_zero_instances(mut failure: Failure) -> Failure {
    if failure.says("min instance count needs to be greater than 0") {
        failure.call.message.push_str(
            ". This region does not support scaling to zero instances: remove `scale.toZero` from the policy, apply it, \
             and send the version again",
        );
    }
    failure
}

/// Whether SageMaker is changing an endpoint of this status, so that it rejects other changes.
fn is_changing(status: &EndpointStatus) -> bool {
    matches!(
        status,
        EndpointStatus::Creating
            | EndpointStatus::Updating
            | EndpointStatus::SystemUpdating
            | EndpointStatus::RollingBack
            | EndpointStatus::Deleting
    )
}

fn specification(component: &Component) -> InferenceComponentSpecification {
    InferenceComponentSpecification::builder()
        .model_name(&component.model)
        .set_startup_parameters(component.startup.map(shapes::startup))
        .compute_resource_requirements(shapes::requirements(component.size))
        .build()
}

fn runtime(component: &Component) -> InferenceComponentRuntimeConfig {
    InferenceComponentRuntimeConfig::builder().copy_count(int(component.copies)).build()
}
