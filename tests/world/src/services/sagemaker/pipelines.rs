//! Pipelines: definitions, executions and their steps.

mod definition;
mod events;
mod execution;
mod expression;
pub(crate) mod job;
mod retry;
mod roles;
mod scheduler;
mod step;
mod versions;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::account::{AccountRegion, Call, parse_arn};
use crate::error::ApiError;
use crate::json::{copy, epoch, listing, need, put, put_some, stamp, tag_map, text};
use crate::services::Operations;
use crate::services::sagemaker::models::check_role;
use crate::services::sagemaker::registry::user;
use crate::world::World;
pub(crate) use definition::Definition;
pub(crate) use execution::Execution;

pub(crate) const OPERATIONS: Operations = &[
    ("CreatePipeline", create),
    ("UpdatePipeline", update),
    ("DescribePipeline", describe),
    ("ListPipelines", list_pipelines),
    ("DeletePipeline", delete),
    ("StartPipelineExecution", execution::start),
    ("StopPipelineExecution", execution::stop),
    ("RetryPipelineExecution", retry::retry),
    ("DescribePipelineExecution", execution::describe),
    ("DescribePipelineDefinitionForExecution", versions::definition_for_execution),
    ("ListPipelineVersions", versions::list),
    ("ListPipelineExecutions", execution::list_executions),
    ("ListPipelineExecutionSteps", execution::list_steps),
    ("DescribeTrainingJob", job::describe_training),
    ("DescribeProcessingJob", job::describe_processing),
];

/// A pipeline.
#[derive(Debug, Clone)]
pub(crate) struct Pipeline {
    pub(crate) arn: String,
    /// Its definitions, oldest first; the number of a version is its place, from 1.
    versions: Vec<versions::Version>,
    request: Value,
    token: String,
    created: Timestamp,
    modified: Timestamp,
    last_run: Option<Timestamp>,
    by: String,
    /// Which execution a client token started, and of which version.
    tokens: BTreeMap<String, (String, Option<i64>)>,
}

fn no_pipeline(place: &AccountRegion, name: &str) -> ApiError {
    // The code is AWS's, and so are the words "does not exist"; the rest of the sentence is ours.
    // https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribePipeline.html
    ApiError::not_found(format!("Pipeline '{}' does not exist.", place.arn("pipeline", name)))
}

/// The name out of a name or an ARN.
fn plain_name(name_or_arn: &str) -> &str {
    match parse_arn(name_or_arn) {
        Some((_, "pipeline", name)) => name,
        _ => name_or_arn,
    }
}

/// The text of a definition, wherever the request has it.
fn definition_text(world: &World, request: &Value) -> Result<Option<String>, ApiError> {
    let at_s3 = request.get("PipelineDefinitionS3Location").is_some_and(|location| !location.is_null());
    if let Some(given) = text(request, "PipelineDefinition") {
        if at_s3 {
            // https://github.com/getmoto/moto/blob/master/moto/sagemaker/models.py
            return Err(ApiError::validation(
                "Both Pipeline Definition and Pipeline Definition S3 Location shouldn't be present",
            ));
        }
        return Ok(Some(given.to_owned()));
    }
    let Some(location) = request.get("PipelineDefinitionS3Location").filter(|l| !l.is_null()) else {
        return Ok(None);
    };
    let uri = format!("s3://{}/{}", need(location, "Bucket")?, need(location, "ObjectKey")?);
    let found = world.objects.get(&uri).cloned();
    found
        .map(Some)
        .ok_or_else(|| ApiError::validation(format!("Unable to read the pipeline definition at {uri}.")))
}

/// The most characters of a definition.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePipeline.html>
const LONGEST_DEFINITION: usize = 1_048_576;

fn parse(text: &str) -> Result<Arc<Definition>, ApiError> {
    if text.chars().count() > LONGEST_DEFINITION {
        return Err(ApiError::validation(format!(
            "1 validation error detected: Value at 'pipelineDefinition' failed to satisfy constraint: Member must have \
             length less than or equal to {LONGEST_DEFINITION}"
        )));
    }
    Definition::parse(text)
        .map(Arc::new)
        .map_err(|why| ApiError::validation(format!("Unable to parse pipeline definition. {why}")))
}

fn create(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "PipelineName")?;
    let token = need(request, "ClientRequestToken")?;
    let arn = call.place.arn("pipeline", name);
    if let Some(existing) = world.resources(&call.place).and_then(|resources| resources.pipelines.get(name)) {
        if existing.token == token {
            return Ok(json!({"PipelineArn": existing.arn}));
        }
        return Err(ApiError::validation(format!(
            "Pipeline names must be unique within an AWS account and region. Pipeline with name ({name}) already \
             exists."
        )));
    }
    check_role(call, Some(need(request, "RoleArn")?))?;
    let written = definition_text(world, request)?.ok_or_else(|| {
        // https://github.com/getmoto/moto/blob/master/moto/sagemaker/models.py
        ApiError::validation(
            "Either Pipeline Definition or Pipeline Definition S3 location should be provided",
        )
    })?;
    let definition = parse(&written)?;
    let pipeline = Pipeline {
        arn: arn.clone(),
        versions: vec![versions::Version { text: written, definition, created: call.now }],
        request: request.clone(),
        token: token.to_owned(),
        created: call.now,
        modified: call.now,
        last_run: None,
        by: call.principal.clone(),
        tokens: BTreeMap::new(),
    };
    let resources = world.resources_mut(&call.place);
    resources.tag(&arn, tag_map(request));
    resources.pipelines.insert(name.to_owned(), pipeline);
    Ok(json!({"PipelineArn": arn}))
}

fn update(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "PipelineName")?;
    let written = definition_text(world, request)?;
    let known = world.resources(&call.place).is_some_and(|resources| resources.pipelines.contains_key(name));
    if !known {
        return Err(no_pipeline(&call.place, name));
    }
    check_role(call, text(request, "RoleArn"))?;
    let parsed = written.map(|text| parse(&text).map(|definition| (text, definition))).transpose()?;
    let pipeline = world
        .resources_mut(&call.place)
        .pipelines
        .get_mut(name)
        .ok_or_else(|| no_pipeline(&call.place, name))?;
    // Each update of the definition makes a version.
    // https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-version-aliases.html
    if let Some((text, definition)) = parsed {
        pipeline.versions.push(versions::Version { text, definition, created: call.now });
    }
    let keys = ["PipelineDisplayName", "PipelineDescription", "RoleArn", "ParallelismConfiguration"];
    copy(request, &keys, &mut pipeline.request);
    pipeline.modified = call.now;
    Ok(json!({"PipelineArn": pipeline.arn, "PipelineVersionId": pipeline.versions.len()}))
}

fn describe(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = plain_name(need(request, "PipelineName")?);
    let pipeline = world
        .resources(&call.place)
        .and_then(|resources| resources.pipelines.get(name))
        .ok_or_else(|| no_pipeline(&call.place, name))?;
    let (_, version) = pipeline.version(request)?;
    let mut answer = json!({
        "PipelineArn": pipeline.arn,
        "PipelineName": name,
        "PipelineDisplayName": name,
        "PipelineDefinition": version.text,
        "PipelineStatus": "Active",
        "CreationTime": epoch(pipeline.created),
        "LastModifiedTime": epoch(pipeline.modified),
        "CreatedBy": user(&pipeline.by),
    });
    let keys = ["PipelineDisplayName", "PipelineDescription", "RoleArn", "ParallelismConfiguration"];
    copy(&pipeline.request, &keys, &mut answer);
    put_some(&mut answer, "LastRunTime", pipeline.last_run.map(epoch));
    Ok(answer)
}

fn list_pipelines(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let mut found: Vec<(&String, &Pipeline)> = world
        .resources(&call.place)
        .into_iter()
        .flat_map(|resources| &resources.pipelines)
        .filter(|(name, _)| text(request, "PipelineNamePrefix").is_none_or(|prefix| name.starts_with(prefix)))
        .filter(|(_, p)| stamp(request, "CreatedAfter").is_none_or(|after| p.created > after))
        .filter(|(_, p)| stamp(request, "CreatedBefore").is_none_or(|before| p.created < before))
        .collect();
    if text(request, "SortBy") != Some("Name") {
        found.sort_by_key(|(_, p)| p.created);
    }
    if text(request, "SortOrder") != Some("Ascending") {
        found.reverse();
    }
    let items = found.into_iter().map(|(name, pipeline)| {
        let mut item = json!({
            "PipelineArn": pipeline.arn,
            "PipelineName": name,
            "PipelineDisplayName": name,
            "CreationTime": epoch(pipeline.created),
            "LastModifiedTime": epoch(pipeline.modified),
        });
        copy(&pipeline.request, &["PipelineDisplayName", "PipelineDescription", "RoleArn"], &mut item);
        put_some(&mut item, "LastExecutionTime", pipeline.last_run.map(epoch));
        item
    });
    listing("PipelineSummaries", items.collect(), request)
}

fn delete(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "PipelineName")?;
    let resources = world.resources_mut(&call.place);
    let pipeline = resources.pipelines.get(name).ok_or_else(|| no_pipeline(&call.place, name))?;
    let arn = pipeline.arn.clone();
    if resources.executions.values().any(|run| run.pipeline == name && run.under_way()) {
        return Err(ApiError::conflict(format!("Pipeline '{arn}' has executions that are running.")));
    }
    resources.pipelines.remove(name);
    resources.executions.retain(|_, run| run.pipeline != name);
    resources.tags.remove(&arn);
    let mut answer = json!({});
    put(&mut answer, "PipelineArn", json!(arn));
    Ok(answer)
}
