//! `RetryPipelineExecution`: an execution that failed or was stopped continues under the same ARN.
//!
//! Source: <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RetryPipelineExecution.html>, and
//! <https://github.com/aws-controllers-k8s/community/issues/1494> for the same ARN.

use serde_json::{Value, json};

use super::execution::{StepRun, known, no_execution};
use crate::account::Call;
use crate::error::ApiError;
use crate::json::{later, need};
use crate::world::{Scheduled, World};

pub(super) fn retry(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    need(request, "ClientRequestToken")?;
    let arn = known(world, call, request)?;
    let Some(mut run) = world.resources_mut(&call.place).executions.remove(&arn) else {
        return Err(no_execution(&arn));
    };
    let was = run.status;
    if matches!(was, "Failed" | "Stopped") {
        for state in &mut run.steps {
            // What succeeded is kept; everything else runs again.
            if state.status != "Succeeded" {
                *state = StepRun { metadata: json!({}), ..StepRun::default() };
            }
        }
        (run.status, run.failure, run.ended, run.modified) = ("Executing", None, None, call.now);
        world.emit_execution_change(&call.place, &run, Some(was), call.now);
        let soon = later(call.now, world.pace.short_step);
        world.schedule(soon, &call.place, Scheduled::Execution { arn: arn.clone() });
    }
    world.resources_mut(&call.place).executions.insert(arn.clone(), run);
    if matches!(was, "Failed" | "Stopped") {
        return Ok(json!({"PipelineExecutionArn": arn}));
    }
    // The code is documented; the text is ours.
    Err(ApiError::conflict(format!("Pipeline execution '{arn}' is {was} and cannot be retried.")))
}
