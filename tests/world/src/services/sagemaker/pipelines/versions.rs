//! The versions of a pipeline: each update of its definition makes one, and an execution keeps the one that it runs.
//!
//! Source: <https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-version-aliases.html> and
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListPipelineVersions.html>.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::execution::no_execution;
use super::{Definition, Pipeline, no_pipeline, plain_name};
use crate::account::Call;
use crate::error::ApiError;
use crate::json::{epoch, int, listing, need, text};
use crate::world::World;

/// One version of a definition.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) text: String,
    pub(super) definition: Arc<Definition>,
    pub(super) created: Timestamp,
}

impl Pipeline {
    /// The version that a request names, or the newest one, with its number.
    pub(super) fn version(&self, request: &Value) -> Result<(i64, &Version), ApiError> {
        let newest = i64::try_from(self.versions.len()).unwrap_or(i64::MAX);
        let number = int(request, "PipelineVersionId").unwrap_or(newest);
        let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let found = place.and_then(|place| self.versions.get(place));
        // The code is documented; the text is ours.
        let missing =
            || ApiError::not_found(format!("Version {number} of pipeline '{}' does not exist.", self.arn));
        found.map(|found| (number, found)).ok_or_else(missing)
    }
}

pub(super) fn list(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = plain_name(need(request, "PipelineName")?);
    let pipeline = world
        .resources(&call.place)
        .and_then(|resources| resources.pipelines.get(name))
        .ok_or_else(|| no_pipeline(&call.place, name))?;
    let mut items: Vec<Value> = pipeline
        .versions
        .iter()
        .enumerate()
        .map(|(place, version)| {
            json!({"PipelineArn": pipeline.arn, "PipelineVersionId": place + 1,
                "CreationTime": epoch(version.created)})
        })
        .collect();
    if text(request, "SortOrder") != Some("Ascending") {
        items.reverse();
    }
    listing("PipelineVersionSummaries", items, request)
}

/// The definition that an execution runs, whatever its pipeline has by now.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribePipelineDefinitionForExecution.html>
pub(super) fn definition_for_execution(
    world: &mut World,
    call: &Call,
    request: &Value,
) -> Result<Value, ApiError> {
    let arn = super::execution::known(world, call, request)?;
    let run = world.resources(&call.place).and_then(|resources| resources.executions.get(&arn));
    let run = run.ok_or_else(|| no_execution(&arn))?;
    Ok(json!({"PipelineDefinition": run.text, "CreationTime": epoch(run.created)}))
}
