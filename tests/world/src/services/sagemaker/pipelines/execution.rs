//! Pipeline executions: the operations.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Definition, no_pipeline, plain_name};
use crate::account::Call;
use crate::error::ApiError;
use crate::json::{copy, epoch, int, iso, later, list, listing, need, put, put_some, stamp, text};
use crate::services::sagemaker::registry::user;
use crate::world::{Scheduled, World};

/// How many executions may run at once in one account and region.
const MOST_AT_ONCE: usize = 200;

/// One step of one execution.
#[derive(Debug, Clone, Default)]
pub(crate) struct StepRun {
    /// As the API writes it; empty before the step starts, `Skipped` (never shown) when it never will.
    pub(crate) status: &'static str,
    pub(crate) started: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) failure: Option<String>,
    /// As the API writes it, for example `{"TrainingJob": {"Arn": …}}`.
    pub(crate) metadata: Value,
    pub(crate) job: Option<String>,
    /// The outcome of a condition.
    pub(crate) outcome: Option<bool>,
    /// Why the step cannot begin, if it cannot: no job exists then.
    pub(crate) refusal: Option<String>,
    /// The arguments with every expression resolved.
    pub(crate) arguments: Value,
}

impl StepRun {
    pub(crate) fn running(&self) -> bool {
        matches!(self.status, "Starting" | "Executing" | "Stopping")
    }
}

/// One execution of a pipeline.
#[derive(Debug, Clone)]
pub(crate) struct Execution {
    pub(crate) arn: String,
    pub(crate) id: String,
    pub(crate) pipeline: String,
    pub(crate) pipeline_arn: String,
    pub(crate) definition: Arc<Definition>,
    /// The role of the pipeline, which creates the jobs.
    pub(crate) role: String,
    /// The definition as text, and its version.
    pub(crate) text: String,
    pub(crate) version: i64,
    pub(crate) status: &'static str,
    pub(crate) failure: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) by: String,
    pub(crate) request: Value,
    pub(crate) parameters: BTreeMap<String, Value>,
    /// What `Execution.*` refers to.
    pub(crate) facts: Map<String, Value>,
    /// What `Steps.*` refers to.
    pub(crate) properties: BTreeMap<String, Value>,
    pub(crate) steps: Vec<StepRun>,
}

impl Execution {
    pub(crate) fn under_way(&self) -> bool {
        matches!(self.status, "Executing" | "Stopping")
    }

    /// Name and status of each step that is no longer waiting, in the order of the definition.
    pub(crate) fn step_states(&self) -> Vec<(String, String)> {
        let steps = self.definition.steps.iter().zip(&self.steps);
        let moved = steps.filter(|(_, state)| !state.status.is_empty());
        moved.map(|(step, state)| (step.name.clone(), state.status.to_owned())).collect()
    }
}

pub(super) fn no_execution(arn: &str) -> ApiError {
    ApiError::not_found(format!("Pipeline execution '{arn}' does not exist."))
}

/// The values of all parameters of one execution.
fn parameters(definition: &Definition, request: &Value) -> Result<BTreeMap<String, Value>, ApiError> {
    let mut values = BTreeMap::new();
    for given in list(request, "PipelineParameters") {
        let (name, value) = (need(given, "Name")?, need(given, "Value")?);
        let declared = definition.parameters.iter().find(|p| p.name == name).ok_or_else(|| {
            ApiError::validation(format!(
                "Pipeline parameter '{name}' is not declared in the pipeline definition."
            ))
        })?;
        values.insert(name.to_owned(), declared.read(value).map_err(ApiError::validation)?);
    }
    for declared in &definition.parameters {
        match (&declared.default, values.contains_key(&declared.name)) {
            (Some(default), false) => {
                values.insert(declared.name.clone(), default.clone());
            }
            (None, false) => {
                return Err(ApiError::validation(format!(
                    "Pipeline parameter '{}' has no default and was not given.",
                    declared.name
                )));
            }
            (_, true) => {}
        }
    }
    Ok(values)
}

pub(super) fn start(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = plain_name(need(request, "PipelineName")?).to_owned();
    let token = need(request, "ClientRequestToken")?;
    let resources = world.resources_mut(&call.place);
    let pipeline = resources.pipelines.get(&name).ok_or_else(|| no_pipeline(&call.place, &name))?;
    let asked_version = int(request, "PipelineVersionId");
    if let Some((arn, version)) = pipeline.tokens.get(token) {
        if *version != asked_version {
            // The code is documented; the text is ours.
            // https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StartPipelineExecution.html
            return Err(ApiError::conflict("The client request token was used for another request."));
        }
        return Ok(json!({"PipelineExecutionArn": arn}));
    }
    let (version, chosen) = pipeline.version(request)?;
    let (definition, written) = (Arc::clone(&chosen.definition), chosen.text.clone());
    let pipeline_arn = pipeline.arn.clone();
    let role = text(&pipeline.request, "RoleArn").unwrap_or_default().to_owned();
    let role_config = pipeline.request.get("ParallelismConfiguration").cloned();
    let parameters = parameters(&definition, request)?;
    if resources.executions.values().filter(|run| run.under_way()).count() >= MOST_AT_ONCE {
        return Err(ApiError::new("ResourceLimitExceeded", "Too many pipeline executions are running."));
    }
    let id = world.id("execution", 12);
    let arn = format!("{pipeline_arn}/execution/{id}");
    let mut request = request.clone();
    if request.get("ParallelismConfiguration").is_none() {
        put_some(&mut request, "ParallelismConfiguration", role_config);
    }
    let facts = json!({
        "PipelineExecutionId": id, "PipelineExecutionArn": arn, "PipelineName": name, "PipelineArn": pipeline_arn,
        "StartDateTime": iso(call.now), "CurrentDateTime": iso(call.now), "UserContext": null,
    });
    let run = Execution {
        arn: arn.clone(),
        id,
        pipeline: name.clone(),
        pipeline_arn,
        role,
        text: written,
        version,
        status: "Executing",
        failure: None,
        created: call.now,
        modified: call.now,
        ended: None,
        by: call.principal.clone(),
        parameters,
        facts: facts.as_object().cloned().unwrap_or_default(),
        properties: BTreeMap::new(),
        steps: vec![StepRun { metadata: json!({}), ..StepRun::default() }; definition.steps.len()],
        request,
        definition,
    };
    world.emit_execution_change(&call.place, &run, None, call.now);
    let resources = world.resources_mut(&call.place);
    if let Some(pipeline) = resources.pipelines.get_mut(&name) {
        pipeline.last_run = Some(call.now);
        pipeline.tokens.insert(token.to_owned(), (arn.clone(), asked_version));
    }
    resources.executions.insert(arn.clone(), run);
    let soon = later(call.now, world.pace.short_step);
    world.schedule(soon, &call.place, Scheduled::Execution { arn: arn.clone() });
    Ok(json!({"PipelineExecutionArn": arn}))
}

/// The ARN as the world writes it: callers may have it in another case.
pub(super) fn known(world: &World, call: &Call, request: &Value) -> Result<String, ApiError> {
    let arn = need(request, "PipelineExecutionArn")?;
    let executions = world.resources(&call.place).map(|resources| &resources.executions);
    let found =
        executions.into_iter().flatten().map(|(known, _)| known).find(|k| k.eq_ignore_ascii_case(arn));
    found.cloned().ok_or_else(|| no_execution(arn))
}

pub(super) fn stop(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    need(request, "ClientRequestToken")?;
    let arn = known(world, call, request)?;
    let Some(mut run) = world.resources_mut(&call.place).executions.remove(&arn) else {
        return Err(no_execution(&arn));
    };
    let was = run.status;
    if was == "Executing" {
        world.begin_stop(&call.place, &mut run, call.now);
    }
    world.resources_mut(&call.place).executions.insert(arn.clone(), run);
    if !matches!(was, "Executing" | "Stopping") {
        return Err(ApiError::conflict(format!(
            "Pipeline execution '{arn}' is {was} and cannot be stopped."
        )));
    }
    Ok(json!({"PipelineExecutionArn": arn}))
}

pub(super) fn describe(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let arn = known(world, call, request)?;
    let run = world
        .resources(&call.place)
        .and_then(|s| s.executions.get(&arn))
        .ok_or_else(|| no_execution(&arn))?;
    let mut answer = json!({
        "PipelineArn": run.pipeline_arn,
        "PipelineExecutionArn": run.arn,
        "PipelineExecutionDisplayName": format!("execution-{}", run.created.as_millisecond()),
        "PipelineExecutionStatus": run.status,
        "PipelineVersionId": run.version,
        "CreationTime": epoch(run.created),
        "LastModifiedTime": epoch(run.modified),
        "CreatedBy": user(&run.by),
    });
    let keys = ["PipelineExecutionDisplayName", "PipelineExecutionDescription", "ParallelismConfiguration"];
    copy(&run.request, &keys, &mut answer);
    put_some(&mut answer, "FailureReason", run.failure.clone());
    Ok(answer)
}

pub(super) fn list_executions(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = plain_name(need(request, "PipelineName")?);
    let resources = world.resources(&call.place);
    let resources = resources
        .filter(|resources| resources.pipelines.contains_key(name))
        .ok_or_else(|| no_pipeline(&call.place, name))?;
    let mut found: Vec<&Execution> = resources
        .executions
        .values()
        .filter(|run| run.pipeline == name)
        .filter(|run| stamp(request, "CreatedAfter").is_none_or(|after| run.created > after))
        .filter(|run| stamp(request, "CreatedBefore").is_none_or(|before| run.created < before))
        .collect();
    found.sort_by_key(|run| run.created);
    if text(request, "SortOrder") != Some("Ascending") {
        found.reverse();
    }
    let items = found.into_iter().map(|run| {
        let mut item = json!({
            "PipelineExecutionArn": run.arn,
            "StartTime": epoch(run.created),
            "PipelineExecutionStatus": run.status,
            "PipelineExecutionDisplayName": format!("execution-{}", run.created.as_millisecond()),
        });
        copy(&run.request, &["PipelineExecutionDisplayName", "PipelineExecutionDescription"], &mut item);
        put_some(&mut item, "PipelineExecutionFailureReason", run.failure.clone());
        item
    });
    listing("PipelineExecutionSummaries", items.collect(), request)
}

pub(super) fn list_steps(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let arn = known(world, call, request)?;
    let run = world
        .resources(&call.place)
        .and_then(|s| s.executions.get(&arn))
        .ok_or_else(|| no_execution(&arn))?;
    let mut shown: Vec<_> =
        run.definition.steps.iter().zip(&run.steps).filter(|(_, state)| state.started.is_some()).collect();
    shown.sort_by_key(|(_, state)| state.started);
    if text(request, "SortOrder") != Some("Ascending") {
        shown.reverse();
    }
    let items = shown.into_iter().map(|(step, state)| {
        let mut item = json!({
            "StepName": step.name,
            "StepStatus": state.status,
            "AttemptCount": 1,
            "Metadata": state.metadata,
        });
        put_some(&mut item, "StartTime", state.started.map(epoch));
        put_some(&mut item, "EndTime", state.ended.map(epoch));
        put_some(&mut item, "FailureReason", state.failure.clone());
        put_some(&mut item, "StepDisplayName", text(&step.raw, "DisplayName"));
        put_some(&mut item, "StepDescription", text(&step.raw, "Description"));
        item
    });
    let items = items.collect();
    let mut request = request.clone();
    let size = request.get("MaxResults").cloned().unwrap_or(json!(10));
    put(&mut request, "MaxResults", size);
    listing("PipelineExecutionSteps", items, &request)
}
