//! What each type of step does.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::definition::Step;
use super::execution::Execution;
use super::expression::{Names, all_hold, resolve};
use super::job::Kind;
use crate::account::AccountRegion;
use crate::emissions::{Emission, Object};
use crate::json::{later, list, put, text};
use crate::world::{Scheduled, World};

/// How a step ended: what it left behind, or why it failed.
type Outcome = Result<(), String>;

fn names(run: &Execution) -> Names<'_> {
    Names { parameters: &run.parameters, execution: &run.facts, steps: &run.properties }
}

impl World {
    /// Starts a step: emits `Starting`, then `Executing`, and schedules its end.
    pub(super) fn begin_step(
        &mut self,
        place: &AccountRegion,
        run: &mut Execution,
        at_step: usize,
        at: Timestamp,
    ) {
        let definition = std::sync::Arc::clone(&run.definition);
        let Some(step) = definition.steps.get(at_step) else { return };
        let arguments = resolve(step.arguments(), &names(run));
        if let Some(state) = run.steps.get_mut(at_step) {
            state.status = "Starting";
            state.started = Some(at);
            state.arguments = arguments.clone();
        }
        self.emit_step_change(place, run, at_step, None, at);
        let refusal = self.step_refusal(&run.role, &step.name);
        let refusal = refusal.or_else(|| self.role_refusal(&run.role, &arguments));
        let (end, metadata, job) = match &refusal {
            Some(_) => (later(at, self.pace.short_step), json!({}), None),
            None => self.launch(place, run, step, arguments, at),
        };
        if let Some(state) = run.steps.get_mut(at_step) {
            state.refusal = refusal;
            state.status = "Executing";
            state.metadata = metadata;
            state.job = job;
        }
        self.emit_step_change(place, run, at_step, Some("Starting"), at);
        self.schedule(end, place, Scheduled::Step { execution: run.arn.clone(), step: at_step });
    }

    /// Starts the job of a step, if it has one. Returns its end, its metadata and the job's name.
    fn launch(
        &mut self,
        place: &AccountRegion,
        run: &Execution,
        step: &Step,
        arguments: Value,
        at: Timestamp,
    ) -> (Timestamp, Value, Option<String>) {
        let mark = self.id("job", 10);
        let name = job_name(run, step, &mark);
        let account = place.account.as_str();
        let (kind, failure) = match step.kind.as_str() {
            "Training" => {
                let failure = self.faults.training(account, &run.pipeline);
                (Kind::Training, failure.or_else(|| training_rejection(&arguments)))
            }
            "Processing" | "QualityCheck" | "ClarifyCheck" => {
                (Kind::Processing, self.faults.processing(account, &run.pipeline, &step.name))
            }
            "Transform" | "Tuning" | "AutoML" | "NotebookJob" | "EMR" | "EMRServerless" => {
                return (later(at, self.pace.processing), other_metadata(place, step, &name), None);
            }
            _ => return (later(at, self.pace.short_step), other_metadata(place, step, &name), None),
        };
        let end = self.start_job(place, kind, &name, arguments, failure, at);
        let arn = place.arn(if kind == Kind::Training { "training-job" } else { "processing-job" }, &name);
        let metadata = match step.kind.as_str() {
            "Training" => json!({"TrainingJob": {"Arn": arn}}),
            "Processing" => json!({"ProcessingJob": {"Arn": arn}}),
            check => {
                let kind = text(&step.raw, "CheckType").unwrap_or_default();
                let mut metadata = json!({});
                put(&mut metadata, check, json!({"CheckType": kind, "CheckJobArn": arn}));
                metadata
            }
        };
        (end, metadata, Some(name))
    }

    /// Ends a step that ran its time.
    pub(super) fn complete_step(
        &mut self,
        place: &AccountRegion,
        run: &mut Execution,
        at_step: usize,
        at: Timestamp,
    ) {
        let definition = std::sync::Arc::clone(&run.definition);
        let Some(step) = definition.steps.get(at_step) else { return };
        let outcome = self.outcome(place, run, step, at_step, at);
        if let Some(state) = run.steps.get_mut(at_step) {
            state.ended = Some(at);
            state.status = if outcome.is_ok() { "Succeeded" } else { "Failed" };
            state.failure = outcome.err();
        }
        run.modified = at;
        self.emit_step_change(place, run, at_step, Some("Executing"), at);
    }

    fn outcome(
        &mut self,
        place: &AccountRegion,
        run: &mut Execution,
        step: &Step,
        at_step: usize,
        at: Timestamp,
    ) -> Outcome {
        let state = run.steps.get(at_step).cloned().unwrap_or_default();
        if let Some(reason) = state.refusal {
            return Err(reason);
        }
        let mut metadata = state.metadata.clone();
        let properties = match step.kind.as_str() {
            "Condition" => {
                let conditions = list(step.arguments(), "Conditions");
                // A property file that no fault sets satisfies its conditions.
                let outcome = all_hold(conditions, &names(run)).unwrap_or(true);
                metadata = json!({"Condition": {"Outcome": if outcome { "True" } else { "False" }}});
                if let Some(state) = run.steps.get_mut(at_step) {
                    state.outcome = Some(outcome);
                }
                json!({"Outcome": outcome})
            }
            "RegisterModel" => {
                let arn = self.register_from(place, run, &state.arguments, at)?;
                metadata = json!({"RegisterModel": {"Arn": arn}});
                json!({"ModelPackageArn": arn, "ModelPackageName": arn})
            }
            "Model" | "CreateModel" => {
                let name = job_name(run, step, &self.id("model", 10));
                self.store_model(place, &name, &state.arguments, at);
                let arn = place.arn("model", &name);
                metadata = json!({"Model": {"Arn": arn}});
                json!({"ModelName": name, "ModelArn": arn})
            }
            "Fail" => {
                let message = text(&state.arguments, "ErrorMessage").unwrap_or_default().to_owned();
                if let Some(state) = run.steps.get_mut(at_step) {
                    state.metadata = json!({"Fail": {"ErrorMessage": message}});
                }
                return Err(message);
            }
            _ => self.job_outcome(place, run, step, state.job.as_deref(), at)?,
        };
        if let Some(state) = run.steps.get_mut(at_step) {
            state.metadata = metadata;
        }
        run.properties.insert(step.name.clone(), properties);
        Ok(())
    }

    /// What a job leaves behind: its description and its property files, which are also written to S3.
    fn job_outcome(
        &mut self,
        place: &AccountRegion,
        run: &Execution,
        step: &Step,
        job: Option<&str>,
        at: Timestamp,
    ) -> Result<Value, String> {
        let job = job.and_then(|name| self.resources(place)?.jobs.get(name));
        if let Some(reason) = job.and_then(|job| job.failure.clone()) {
            return Err(reason);
        }
        let mut properties = job.map_or_else(|| json!({}), super::job::Job::describe);
        let mut files = Map::new();
        for file in list(&step.raw, "PropertyFiles") {
            let name = text(file, "PropertyFileName").unwrap_or_default();
            let Some(content) = self.faults.property_file(&place.account, &run.pipeline, name) else {
                continue;
            };
            let outputs =
                properties.get("ProcessingOutputConfig").map(|c| list(c, "Outputs")).unwrap_or_default();
            let output = outputs.iter().find(|o| text(o, "OutputName") == text(file, "OutputName"));
            let folder = output.and_then(|o| o.get("S3Output")).and_then(|s3| text(s3, "S3Uri"));
            if let (Some(folder), Some(path)) = (folder, text(file, "FilePath")) {
                let object = Object {
                    account: place.account.clone(),
                    region: place.region.clone(),
                    uri: format!("{}/{path}", folder.trim_end_matches('/')),
                    body: content.to_string(),
                };
                tracing::debug!(uri = %object.uri, %at, "a job writes a property file");
                self.push_emission(Emission::Object(object));
            }
            files.insert(name.to_owned(), content);
        }
        put(&mut properties, "PropertyFiles", Value::Object(files));
        Ok(properties)
    }

    /// Registers the version that a step describes; the group is made if it is missing.
    fn register_from(
        &mut self,
        place: &AccountRegion,
        run: &Execution,
        arguments: &Value,
        at: Timestamp,
    ) -> Result<String, String> {
        let group =
            text(arguments, "ModelPackageGroupName").ok_or("ModelPackageGroupName is missing")?.to_owned();
        let group = group.rsplit('/').next().unwrap_or_default().to_owned();
        let mut request = arguments.clone();
        let mut metadata =
            request.get("MetadataProperties").cloned().filter(Value::is_object).unwrap_or(json!({}));
        put(&mut metadata, "GeneratedBy", json!(run.arn));
        put(&mut request, "MetadataProperties", metadata);
        self.ensure_group(place, &group, None, &run.by, at);
        Ok(self.register(place, &group, &request, &run.by, at))
    }
}

/// `pipelines-<execution>-<step>-<mark>`, at most 63 characters.
fn job_name(run: &Execution, step: &Step, mark: &str) -> String {
    let short: String = step.name.chars().map(|c| if c == '_' { '-' } else { c }).take(25).collect();
    format!("pipelines-{}-{}-{mark}", run.id, short.trim_end_matches('-'))
}

/// What `CreateTrainingJob` refuses although the pipeline service accepted it.
fn training_rejection(arguments: &Value) -> Option<String> {
    let condition = arguments.get("StoppingCondition")?;
    let seconds = |key: &str| match condition.get(key) {
        Some(Value::String(text)) => text.parse().ok(),
        other => other.and_then(Value::as_i64),
    };
    let (wait, run) = (seconds("MaxWaitTimeInSeconds")?, seconds("MaxRuntimeInSeconds")?);
    (wait < run).then(|| {
        "ClientError: Failed to invoke sagemaker:CreateTrainingJob. Error Details: MaxWaitTimeInSeconds must be \
         greater than or equal to MaxRuntimeInSeconds"
            .to_owned()
    })
}

/// The metadata of steps whose work lies outside the world.
fn other_metadata(place: &AccountRegion, step: &Step, name: &str) -> Value {
    match step.kind.as_str() {
        "Transform" => json!({"TransformJob": {"Arn": place.arn("transform-job", &name.to_lowercase())}}),
        "Tuning" => {
            json!({"TuningJob": {"Arn": place.arn("hyper-parameter-tuning-job", &name.to_lowercase())}})
        }
        "Lambda" => json!({"Lambda": {"Arn": text(&step.raw, "FunctionArn"), "OutputParameters": []}}),
        "Callback" => {
            json!({"Callback": {"SqsQueueUrl": text(&step.raw, "SqsQueueUrl"), "OutputParameters": []}})
        }
        _ => json!({}),
    }
}
