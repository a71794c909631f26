//! `SageMaker Model Building Pipeline Execution Status Change`.

use jiff::Timestamp;

use super::resource;
use crate::{EventError, fields::Fields, status::statuses};

/// A change of the status of a pipeline execution.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html>. The event does not
/// contain the failure reason. `DescribePipelineExecution` returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineExecutionChanged {
    /// The ARN of the execution, with AWS's case.
    pub execution_arn: String,
    /// The name of the pipeline, from the ARN. AWS may have lower-cased it, so it must be compared without case.
    pub pipeline: String,
    /// The status after the change.
    pub status: ExecutionStatus,
    /// The status before the change.
    pub previous: Option<ExecutionStatus>,
    /// The display name that was given at the start of the execution.
    pub display_name: Option<String>,
    /// The time at which the execution began.
    pub started: Option<Timestamp>,
    /// The time at which the execution ended.
    pub ended: Option<Timestamp>,
}

statuses! {
    /// The status of a pipeline execution, see
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribePipelineExecution.html>.
    ///
    /// Only [`ExecutionStatus::Succeeded`] is a success.
    ExecutionStatus {
        /// The execution is running.
        Executing = "Executing",
        /// The execution is being stopped.
        Stopping = "Stopping",
        /// The execution was stopped.
        Stopped = "Stopped",
        /// The execution failed.
        Failed = "Failed",
        /// Every step succeeded.
        Succeeded = "Succeeded",
        /// The execution ended although steps failed. The API documents this status, and the event documentation does
        /// not.
        CompletedWithFailures = "CompletedWithFailures",
    }
}

/// The members of the detail that [`read`] uses.
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

/// The end time of a running execution is not documented. An empty text counts as absent.
fn end(fields: &Fields<'_>) -> Result<Option<Timestamp>, EventError> {
    match fields.get("executionEndTime") {
        Some(value) if value.as_str() == Some("") => Ok(None),
        _ => fields.time_opt("executionEndTime"),
    }
}
