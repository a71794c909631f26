//! The events of executions and steps: small first letters and ISO times.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Execution;
use crate::account::AccountRegion;
use crate::json::{iso, lower_first, put, put_some, text};
use crate::world::World;

/// `{"TrainingJob": {"Arn": …}}` as events write it.
fn camel(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(key, member)| (lower_first(key), camel(member))).collect()
        }
        other => other.clone(),
    }
}

impl World {
    /// Tells the status of an execution; `previous` is left out when it starts.
    pub(super) fn emit_execution_change(
        &mut self,
        place: &AccountRegion,
        run: &Execution,
        previous: Option<&str>,
        at: Timestamp,
    ) {
        let mut detail = json!({
            "currentPipelineExecutionStatus": run.status,
            "executionStartTime": iso(run.created),
            "pipelineArn": run.pipeline_arn,
            "pipelineExecutionArn": run.arn,
        });
        let shown = text(&run.request, "PipelineExecutionDisplayName").map(str::to_owned);
        let shown = shown.unwrap_or_else(|| format!("execution-{}", run.created.as_millisecond()));
        put(&mut detail, "pipelineExecutionDisplayName", json!(shown));
        let described = text(&run.request, "PipelineExecutionDescription");
        put_some(&mut detail, "pipelineExecutionDescription", described);
        put_some(&mut detail, "previousPipelineExecutionStatus", previous);
        put_some(&mut detail, "executionEndTime", run.ended.map(iso));
        let copies = if run.ended.is_some() { 2 } else { 1 };
        let resources = vec![run.pipeline_arn.clone(), run.arn.clone()];
        let kind = "SageMaker Model Building Pipeline Execution Status Change";
        self.emit_sagemaker_event(place, kind, resources, detail, at, copies);
    }

    /// Tells the status of a step; `previous` is left out when it starts.
    pub(super) fn emit_step_change(
        &mut self,
        place: &AccountRegion,
        run: &Execution,
        step: usize,
        previous: Option<&str>,
        at: Timestamp,
    ) {
        let (Some(defined), Some(state)) = (run.definition.steps.get(step), run.steps.get(step)) else {
            return;
        };
        let mut detail = json!({
            "metadata": camel(&state.metadata),
            "stepName": defined.name,
            "stepType": defined.kind,
            "currentStepStatus": state.status,
            "pipelineArn": run.pipeline_arn,
            "pipelineExecutionArn": run.arn,
        });
        put_some(&mut detail, "previousStepStatus", previous);
        put_some(&mut detail, "stepStartTime", state.started.map(iso));
        put_some(&mut detail, "stepEndTime", state.ended.map(iso));
        put_some(&mut detail, "failureReason", state.failure.clone());
        let resources = vec![run.pipeline_arn.clone(), run.arn.clone()];
        let kind = "SageMaker Model Building Pipeline Execution Step Status Change";
        self.emit_sagemaker_event(place, kind, resources, detail, at, 1);
    }
}
