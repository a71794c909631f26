//! SageMaker Pipelines.

use async_trait::async_trait;
use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::types::{Parameter, PipelineExecutionStep, SortOrder, SortPipelineExecutionsBy};
use tidegate_engine::{CallError, ports::Pipelines};
use tidegate_events::ExecutionStatus;
use tidegate_policy::owner::Tags;
use tidegate_policy::train::{
    DescribedExecution, ExecutedStep, JobRoles, ListedExecution, Pipeline, PipelineRoles, StartRequest,
};

use crate::convert::timestamp;
use crate::error::{failed, refused};
use crate::tags;

const SERVICE: &str = "sagemaker";
const DESCRIBE: &str = "DescribePipeline";
/// The largest page of the list operations. `ListPipelineExecutions` has no filter by status: a running execution that is
/// older than a hundred newer ones is not found. An execution has at most 50 steps.
/// <https://docs.aws.amazon.com/general/latest/gr/sagemaker.html>
const PAGE: i32 = 100;

/// SageMaker Pipelines.
#[derive(Debug, Clone)]
pub struct SageMakerPipelines {
    client: Client,
    role_arn: String,
    passable_roles: Option<Vec<String>>,
    passable_pipeline_roles: Vec<String>,
}

impl SageMakerPipelines {
    pub(crate) fn new(client: Client, role_arn: &str) -> Self {
        Self {
            client,
            role_arn: role_arn.to_owned(),
            passable_roles: None,
            passable_pipeline_roles: Vec::new(),
        }
    }

    /// The same, with the other roles that the pipeline role may pass to jobs; `None` if they are not known.
    #[must_use]
    pub fn with_passable_roles(self, passable_roles: Option<Vec<String>>) -> Self {
        Self { passable_roles, ..self }
    }

    /// The same, with the other roles that train may pass as the role of a pipeline.
    #[must_use]
    pub fn with_pipeline_roles(self, passable_pipeline_roles: Vec<String>) -> Self {
        Self { passable_pipeline_roles, ..self }
    }
}

#[async_trait]
impl Pipelines for SageMakerPipelines {
    async fn pipeline(&self, name: &str) -> Result<Option<Pipeline>, CallError> {
        let answer = self.client.describe_pipeline().pipeline_name(name).send().await;
        match answer.map_err(failed(SERVICE, DESCRIBE)) {
            Ok(found) => match found.pipeline_definition {
                Some(definition) => Ok(Some(Pipeline {
                    arn: found.pipeline_arn.unwrap_or_default(),
                    definition,
                    role: found.role_arn,
                })),
                None => Err(refused(SERVICE, DESCRIBE, format!("pipeline `{name}` has no definition"))),
            },
            Err(failure) if failure.not_there() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    fn job_roles(&self) -> Option<JobRoles> {
        let passable = self.passable_roles.clone()?;
        Some(JobRoles { own: self.role_arn.clone(), passable })
    }

    fn pipeline_roles(&self) -> PipelineRoles {
        PipelineRoles { own: self.role_arn.clone(), passable: self.passable_pipeline_roles.clone() }
    }

    async fn executions(&self, name: &str) -> Result<Vec<ListedExecution>, CallError> {
        let answer = self
            .client
            .list_pipeline_executions()
            .pipeline_name(name)
            .sort_by(SortPipelineExecutionsBy::CreationTime)
            .sort_order(SortOrder::Descending)
            .max_results(PAGE)
            .send()
            .await;
        let listed = match answer.map_err(failed(SERVICE, "ListPipelineExecutions")) {
            Ok(listed) => listed,
            Err(failure) if failure.not_there() => return Ok(Vec::new()),
            Err(failure) => return Err(failure.into()),
        };
        let summaries = listed.pipeline_execution_summaries().iter();
        Ok(summaries
            .filter_map(|execution| {
                Some(ListedExecution {
                    arn: execution.pipeline_execution_arn()?.to_owned(),
                    name: execution.pipeline_execution_display_name().map(str::to_owned),
                    status: ExecutionStatus::read(execution.pipeline_execution_status()?.as_str()),
                })
            })
            .collect())
    }

    async fn execution(&self, arn: &str) -> Result<Option<DescribedExecution>, CallError> {
        let answer = self.client.describe_pipeline_execution().pipeline_execution_arn(arn).send().await;
        let found = match answer.map_err(failed(SERVICE, "DescribePipelineExecution")) {
            Ok(found) => found,
            Err(failure) if failure.not_there() => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        let steps = self.steps(arn).await?;
        let definition = self.definition_of_execution(arn).await?;
        let status = found.pipeline_execution_status().map(|status| status.as_str()).unwrap_or_default();
        Ok(Some(DescribedExecution {
            status: ExecutionStatus::read(status),
            last_modified: found.last_modified_time().and_then(timestamp),
            version: found.pipeline_version_id,
            failure: found.failure_reason,
            definition,
            steps,
        }))
    }

    async fn versions(&self, name: &str) -> Result<Vec<i64>, CallError> {
        let answer = self
            .client
            .list_pipeline_versions()
            .pipeline_name(name)
            .sort_order(SortOrder::Descending)
            .max_results(PAGE)
            .send()
            .await;
        match answer.map_err(failed(SERVICE, "ListPipelineVersions")) {
            Ok(listed) => {
                let summaries = listed.pipeline_version_summaries().iter();
                Ok(summaries.filter_map(|version| version.pipeline_version_id()).collect())
            }
            Err(failure) if failure.not_there() => Ok(Vec::new()),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn definition(&self, name: &str, version: i64) -> Result<Option<String>, CallError> {
        let answer =
            self.client.describe_pipeline().pipeline_name(name).pipeline_version_id(version).send().await;
        match answer.map_err(failed(SERVICE, DESCRIBE)) {
            Ok(found) => Ok(found.pipeline_definition),
            Err(failure) if failure.not_there() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn tags(&self, arn: &str) -> Result<Tags, CallError> {
        tags::of(&self.client, arn).await
    }

    async fn add_tags(&self, arn: &str, tags: &[(String, String)]) -> Result<String, CallError> {
        tags::add(&self.client, arn, tags).await
    }

    async fn create(
        &self,
        name: &str,
        definition: &str,
        role: Option<&str>,
        token: &str,
        tags: &[(String, String)],
    ) -> Result<(), CallError> {
        let answer = self
            .client
            .create_pipeline()
            .pipeline_name(name)
            .pipeline_definition(definition)
            .role_arn(role.unwrap_or(&self.role_arn))
            .client_request_token(token)
            .set_tags(tags::list(tags))
            .send()
            .await;
        match answer.map_err(failed(SERVICE, "CreatePipeline")) {
            Ok(_) => Ok(()),
            // Another invocation created the pipeline, or the answer to an earlier attempt was lost. The definitions
            // must be equal.
            Err(failure) if failure.already_there() || failure.is("ConflictException") => {
                self.update(name, definition, role).await.map(|_| ())
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn update(
        &self,
        name: &str,
        definition: &str,
        role: Option<&str>,
    ) -> Result<Option<i64>, CallError> {
        // Without a role the pipeline keeps the one that it has, which may be a role of its team.
        let updated = self
            .client
            .update_pipeline()
            .pipeline_name(name)
            .pipeline_definition(definition)
            .set_role_arn(role.map(str::to_owned))
            .send()
            .await
            .map_err(failed(SERVICE, "UpdatePipeline"))?;
        Ok(updated.pipeline_version_id)
    }

    async fn start(&self, request: &StartRequest<'_>) -> Result<String, CallError> {
        const START: &str = "StartPipelineExecution";
        let StartRequest { pipeline, token, display_name, description, parameters, version } = request;
        let parameters: Vec<Parameter> = parameters
            .iter()
            .map(|(name, value)| Parameter::builder().name(name).value(value).build())
            .collect();
        let started = self
            .client
            .start_pipeline_execution()
            .pipeline_name(*pipeline)
            .client_request_token(*token)
            .pipeline_execution_display_name(*display_name)
            .pipeline_execution_description(*description)
            .set_pipeline_parameters((!parameters.is_empty()).then_some(parameters))
            .set_pipeline_version_id(*version)
            .send()
            .await
            .map_err(failed(SERVICE, START))?;
        started.pipeline_execution_arn.ok_or_else(|| {
            refused(SERVICE, START, format!("the new execution of pipeline `{pipeline}` has no ARN"))
        })
    }
}

impl SageMakerPipelines {
    async fn steps(&self, arn: &str) -> Result<Vec<ExecutedStep>, CallError> {
        let answer = self
            .client
            .list_pipeline_execution_steps()
            .pipeline_execution_arn(arn)
            .sort_order(SortOrder::Ascending)
            .max_results(PAGE)
            .send()
            .await
            .map_err(failed(SERVICE, "ListPipelineExecutionSteps"))?;
        Ok(answer.pipeline_execution_steps().iter().map(step).collect())
    }

    /// The definition that an execution runs. The pipeline may have another one by now.
    async fn definition_of_execution(&self, arn: &str) -> Result<Option<String>, CallError> {
        let client = &self.client;
        let answer =
            client.describe_pipeline_definition_for_execution().pipeline_execution_arn(arn).send().await;
        match answer.map_err(failed(SERVICE, "DescribePipelineDefinitionForExecution")) {
            Ok(found) => Ok(found.pipeline_definition),
            Err(failure) if failure.not_there() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }
}

fn step(step: &PipelineExecutionStep) -> ExecutedStep {
    let metadata = step.metadata();
    let trains = metadata.is_some_and(|metadata| {
        metadata.training_job().is_some()
            || metadata.tuning_job().is_some()
            || metadata.auto_ml_job().is_some()
    });
    let registered = metadata.and_then(|metadata| metadata.register_model());
    ExecutedStep {
        name: step.step_name().unwrap_or_default().to_owned(),
        status: step.step_status().map(|status| status.as_str()).unwrap_or_default().to_owned(),
        failure: step.failure_reason().map(str::to_owned),
        trains,
        package: registered.and_then(|registered| registered.arn()).map(str::to_owned),
    }
}
