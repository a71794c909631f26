//! `SageMaker Model Building Pipeline Execution Status Change`.

use jiff::Timestamp;

use super::resource;
use crate::{EventError, fields::Fields, status::statuses};

/// An execution of a pipeline began, went on or ended.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html>. Why it failed is not
/// in the event: `DescribePipelineExecution` knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineExecutionChanged {
    /// The execution, in AWS's casing.
    pub execution_arn: String,
    /// The pipeline's name, out of the ARN; AWS may have lower-cased it, so compare without case.
    pub pipeline: String,
    /// What it is doing now.
    pub status: ExecutionStatus,
    /// What it was doing before.
    pub previous: Option<ExecutionStatus>,
    /// The name that whoever started it gave it.
    pub display_name: Option<String>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

statuses! {
    /// What an execution of a pipeline is doing, after
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribePipelineExecution.html>.
    ///
    /// Only [`ExecutionStatus::Succeeded`] is a success.
    ExecutionStatus {
        /// Running.
        Executing = "Executing",
        /// Being stopped.
        Stopping = "Stopping",
        /// Stopped by somebody.
        Stopped = "Stopped",
        /// Failed.
        Failed = "Failed",
        /// Every step succeeded.
        Succeeded = "Succeeded",
        /// It ended although steps failed. In the API's list; not documented for events.
        CompletedWithFailures = "CompletedWithFailures",
    }
}

/// What [`read`] reads of the detail.
pub(crate) const MEMBERS: &[&str] = &[
    "currentPipelineExecutionStatus",
    "executionEndTime",
    "executionStartTime",
    "pipelineExecutionArn",
    "pipelineExecutionDisplayName",
    "previousPipelineExecutionStatus",
];

pub(crate) fn read(fields: &Fields<'_>) -> Result<PipelineExecutionChanged, EventError> {
    let (execution_arn, name) = resource(fields, "pipelineExecutionArn", "pipeline")?;
    let (pipeline, execution) = name.split_once('/').unwrap_or((&name, ""));
    if pipeline.is_empty() || execution.is_empty() {
        let expected = "an ARN of an execution (pipeline/NAME/execution/ID)";
        return Err(EventError::bad_value(fields.path("pipelineExecutionArn"), &execution_arn, expected));
    }
    Ok(PipelineExecutionChanged {
        pipeline: pipeline.to_owned(),
        status: ExecutionStatus::read(&fields.text("currentPipelineExecutionStatus")?),
        previous: fields
            .text_opt("previousPipelineExecutionStatus")?
            .map(|said| ExecutionStatus::read(&said)),
        display_name: fields.text_opt("pipelineExecutionDisplayName")?,
        started: fields.time_opt("executionStartTime")?,
        ended: end(fields)?,
        execution_arn,
    })
}

/// What the end of a running execution looks like is not documented; an empty text is no time.
fn end(fields: &Fields<'_>) -> Result<Option<Timestamp>, EventError> {
    match fields.get("executionEndTime") {
        Some(value) if value.as_str() == Some("") => Ok(None),
        _ => fields.time_opt("executionEndTime"),
    }
}
