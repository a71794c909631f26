//! SageMaker Pipelines.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::types::{Parameter, PipelineExecutionStatus, SortOrder, SortPipelineExecutionsBy};
use tidegate_engine::{CallError, ports::Pipelines};
use tidegate_policy::train::Pipeline;

use crate::error::{failed, refused};

const SERVICE: &str = "sagemaker";
/// The largest page of `ListPipelineExecutions`. The operation has no filter by status. A running execution that is
/// older than a hundred newer ones is not found.
const PAGE: i32 = 100;

/// SageMaker Pipelines.
#[derive(Debug, Clone)]
pub struct SageMakerPipelines {
    client: Client,
    role_arn: String,
}

impl SageMakerPipelines {
    pub(crate) fn new(client: Client, role_arn: &str) -> Self {
        Self { client, role_arn: role_arn.to_owned() }
    }
}

#[async_trait]
impl Pipelines for SageMakerPipelines {
    async fn pipeline(&self, name: &str) -> Result<Option<Pipeline>, CallError> {
        const DESCRIBE: &str = "DescribePipeline";
        let answer = self.client.describe_pipeline().pipeline_name(name).send().await;
        match answer.map_err(failed(SERVICE, DESCRIBE)) {
            Ok(found) => match found.pipeline_definition {
                Some(definition) => Ok(Some(Pipeline { definition })),
                None => Err(refused(SERVICE, DESCRIBE, format!("pipeline `{name}` has no definition"))),
            },
            Err(failure) if failure.not_there() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn running(&self, name: &str) -> Result<Vec<String>, CallError> {
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
        let runs = |status: Option<&PipelineExecutionStatus>| {
            matches!(status, Some(PipelineExecutionStatus::Executing | PipelineExecutionStatus::Stopping))
        };
        Ok(listed
            .pipeline_execution_summaries()
            .iter()
            .filter(|execution| runs(execution.pipeline_execution_status()))
            .filter_map(|execution| execution.pipeline_execution_arn().map(str::to_owned))
            .collect())
    }

    async fn create(&self, name: &str, definition: &str, token: &str) -> Result<(), CallError> {
        let answer = self
            .client
            .create_pipeline()
            .pipeline_name(name)
            .pipeline_definition(definition)
            .role_arn(&self.role_arn)
            .client_request_token(token)
            .send()
            .await;
        match answer.map_err(failed(SERVICE, "CreatePipeline")) {
            Ok(_) => Ok(()),
            // Another invocation created the pipeline, or the answer to an earlier attempt was lost. The definitions
            // must be equal.
            Err(failure) if failure.already_there() || failure.is("ConflictException") => {
                self.update(name, definition).await
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn update(&self, name: &str, definition: &str) -> Result<(), CallError> {
        // The pipeline keeps its role, which may be a role of its team.
        self.client
            .update_pipeline()
            .pipeline_name(name)
            .pipeline_definition(definition)
            .send()
            .await
            .map_err(failed(SERVICE, "UpdatePipeline"))?;
        Ok(())
    }

    async fn start(
        &self,
        name: &str,
        token: &str,
        display_name: &str,
        description: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Result<String, CallError> {
        const START: &str = "StartPipelineExecution";
        let parameters: Vec<Parameter> = parameters
            .iter()
            .map(|(name, value)| Parameter::builder().name(name).value(value).build())
            .collect();
        let started = self
            .client
            .start_pipeline_execution()
            .pipeline_name(name)
            .client_request_token(token)
            .pipeline_execution_display_name(display_name)
            .pipeline_execution_description(description)
            .set_pipeline_parameters((!parameters.is_empty()).then_some(parameters))
            .send()
            .await
            .map_err(failed(SERVICE, START))?;
        started.pipeline_execution_arn.ok_or_else(|| {
            refused(SERVICE, START, format!("the new execution of pipeline `{name}` has no ARN"))
        })
    }
}
