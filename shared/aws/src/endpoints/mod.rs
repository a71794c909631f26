//! SageMaker endpoints, endpoint configurations, models and inference components.

mod shapes;

use async_trait::async_trait;
use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::types::{
    ContainerDefinition, InferenceComponentRuntimeConfig, InferenceComponentSpecification, Tag,
};
use tidegate_engine::{CallError, Class, ports::Endpoints};
use tidegate_events::EndpointStatus;
use tidegate_policy::deploy::Endpoint;
use tidegate_policy::endpoint::{
    Component, ComponentStatus, EndpointConfigSpec, ModelSpec, Rollout, RunningComponent, VARIANT,
};

use crate::convert::{int, timestamp};
use crate::error::{Failure, failed, refused};

const SERVICE: &str = "sagemaker";

/// SageMaker endpoints.
#[derive(Debug, Clone)]
pub struct SageMakerEndpoints {
    client: Client,
    model_role_arn: String,
}

impl SageMakerEndpoints {
    pub(crate) fn new(client: Client, model_role_arn: &str) -> Self {
        Self { client, model_role_arn: model_role_arn.to_owned() }
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
            status: EndpointStatus::read(status.as_str()),
            config: found.endpoint_config_name().map(str::to_owned),
            pending_config: found
                .pending_deployment_summary()
                .and_then(|pending| pending.endpoint_config_name())
                .map(str::to_owned),
            failure: found.failure_reason().map(str::to_owned),
            last_modified: found.last_modified_time().and_then(timestamp),
        }))
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
            status: ComponentStatus::read(status.as_str()),
            model: specification.and_then(|specification| specification.model_name()).map(str::to_owned),
            size: requirements.and_then(shapes::size),
            copies: copies.and_then(|copies| u32::try_from(copies).ok()),
            failure: found.failure_reason().map(str::to_owned),
            last_modified: found.last_modified_time().and_then(timestamp),
        }))
    }

    async fn create_model(&self, model: &ModelSpec) -> Result<String, CallError> {
        // The package is in a list of containers, because only there it may belong to another account.
        let container = ContainerDefinition::builder().model_package_name(&model.package_arn).build();
        let answer = self
            .client
            .create_model()
            .model_name(&model.name)
            .containers(container)
            .execution_role_arn(&self.model_role_arn)
            .send()
            .await;
        creation_result("model", &model.name, answer.map_err(failed(SERVICE, "CreateModel")))
    }

    async fn create_config(&self, config: &EndpointConfigSpec) -> Result<String, CallError> {
        // A configuration without a model must contain the role with which its models will run.
        let role = config.variant.model().is_none().then(|| self.model_role_arn.clone());
        let answer = self
            .client
            .create_endpoint_config()
            .endpoint_config_name(&config.name)
            .production_variants(shapes::variant(&config.variant))
            .set_execution_role_arn(role)
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
        let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
        let answer = self
            .client
            .create_endpoint()
            .endpoint_name(name)
            .endpoint_config_name(config)
            .set_tags(Some(tags))
            .send()
            .await;
        creation_result("endpoint", name, answer.map_err(failed(SERVICE, "CreateEndpoint")))
    }

    async fn update_endpoint(
        &self,
        name: &str,
        config: &str,
        rollout: &Rollout,
    ) -> Result<String, CallError> {
        // The properties of the variant are not retained, so that the endpoint runs exactly the requested
        // configuration.
        let answer = self
            .client
            .update_endpoint()
            .endpoint_name(name)
            .endpoint_config_name(config)
            .set_deployment_config(shapes::deployment(rollout))
            .send()
            .await;
        let failure = match answer.map_err(failed(SERVICE, "UpdateEndpoint")) {
            Ok(_) => return Ok(format!("updating endpoint {name} to {config}")),
            Err(failure) => failure,
        };
        // SageMaker rejects invalid updates with the same message, so only the description of the endpoint shows
        // whether the update is already done.
        if failure.is("ValidationException")
            && self.endpoint(name).await?.is_some_and(|found| found.heads_for() == Some(config))
        {
            return Ok(format!("endpoint {name} has {config} already"));
        }
        Err(conflict_if_in_progress(failure))
    }

    async fn create_component(&self, component: &Component) -> Result<String, CallError> {
        let answer = self
            .client
            .create_inference_component()
            .inference_component_name(&component.name)
            .endpoint_name(&component.endpoint)
            .variant_name(VARIANT)
            .specification(specification(component))
            .runtime_config(runtime(component))
            .send()
            .await;
        creation_result(
            "component",
            &component.name,
            answer.map_err(failed(SERVICE, "CreateInferenceComponent")),
        )
    }

    async fn update_component(&self, component: &Component) -> Result<String, CallError> {
        let (name, model) = (&component.name, &component.model);
        let answer = self
            .client
            .update_inference_component()
            .inference_component_name(name)
            .specification(specification(component))
            .runtime_config(runtime(component))
            .send()
            .await;
        let failure = match answer.map_err(failed(SERVICE, "UpdateInferenceComponent")) {
            Ok(_) => return Ok(format!("updating component {name} to {model}")),
            Err(failure) => failure,
        };
        if failure.is("ValidationException")
            && let Some(found) = self.component(name).await?
            && found.runs(component)
            && found.has_copies(component.copies)
        {
            return Ok(format!("component {name} has {model} already"));
        }
        Err(conflict_if_in_progress(failure))
    }
}

/// Describes the result of a creation. Names are derived from content, so an existing resource with the same name has
/// the same content.
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

/// Classifies "Cannot update in-progress endpoint" as a conflict. It is a `ValidationException`, but a later retry can
/// succeed.
fn conflict_if_in_progress(failure: Failure) -> CallError {
    let in_progress = failure.is("ValidationException") && failure.says("in-progress");
    let class = if in_progress { Class::Conflict } else { failure.call.class };
    CallError { class, ..failure.call }
}

fn specification(component: &Component) -> InferenceComponentSpecification {
    InferenceComponentSpecification::builder()
        .model_name(&component.model)
        .compute_resource_requirements(shapes::requirements(component.size))
        .build()
}

fn runtime(component: &Component) -> InferenceComponentRuntimeConfig {
    InferenceComponentRuntimeConfig::builder().copy_count(int(component.copies)).build()
}
