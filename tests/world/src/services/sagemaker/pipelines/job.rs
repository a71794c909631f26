//! Training and processing jobs: their stages, their events and their descriptions.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::account::{AccountRegion, Call};
use crate::error::ApiError;
use crate::json::{copy, epoch, later, millis, need, put, put_some, text};
use crate::services::sagemaker::models::Encryption;
use crate::world::{Scheduled, World};

/// What kind of job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Training,
    Processing,
}

/// A job of a pipeline step.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) kind: Kind,
    request: Value,
    pub(crate) status: &'static str,
    secondary: &'static str,
    transitions: Vec<(&'static str, Timestamp, &'static str)>,
    created: Timestamp,
    started: Option<Timestamp>,
    ended: Option<Timestamp>,
    modified: Timestamp,
    pub(crate) failure: Option<String>,
    /// The reason with which it will fail, if it will.
    planned_failure: Option<String>,
    stages: Vec<Stage>,
}

/// Status, secondary status, message and the share of the job's time after which it is reached.
type Stage = (&'static str, &'static str, &'static str, f64);

const TRAINING: &[Stage] = &[
    ("InProgress", "Downloading", "Downloading input data", 0.1),
    ("InProgress", "Training", "Training image download completed. Training in progress.", 0.25),
    ("InProgress", "Uploading", "Uploading generated training model", 0.9),
    ("Completed", "Completed", "Training job completed", 1.0),
];

const PROCESSING: &[Stage] =
    &[("InProgress", "Processing", "Processing", 0.2), ("Completed", "Completed", "Completed", 1.0)];

impl Job {
    /// Where the model lies when a training job is over.
    fn artifacts(&self) -> Option<Value> {
        let folder = text(self.request.get("OutputDataConfig")?, "S3OutputPath")?.trim_end_matches('/');
        Some(json!({"S3ModelArtifacts": format!("{folder}/{}/output/model.tar.gz", self.name)}))
    }

    /// The key of the model that a training job wrote to this URL. `None` if the job wrote no such model.
    pub(crate) fn encryption(&self, url: &str) -> Option<Encryption> {
        let artifacts = self.artifacts().filter(|_| self.kind == Kind::Training)?;
        if text(&artifacts, "S3ModelArtifacts") != Some(url) {
            return None;
        }
        let key = text(self.request.get("OutputDataConfig")?, "KmsKeyId").filter(|key| !key.is_empty());
        Some(key.map_or(Encryption::AwsManagedKey, |key| Encryption::CustomerKey(key.to_owned())))
    }

    /// The description as the API answers it; also what `Steps.X.*` refers to.
    pub(crate) fn describe(&self) -> Value {
        match self.kind {
            Kind::Training => self.describe_training(epoch),
            Kind::Processing => self.describe_processing(epoch),
        }
    }

    fn describe_training(&self, time: fn(Timestamp) -> Value) -> Value {
        let transitions: Vec<Value> = self
            .transitions
            .iter()
            .map(|(status, at, message)| {
                json!({"Status": status, "StartTime": time(*at), "StatusMessage": message})
            })
            .collect();
        let mut written = json!({
            "TrainingJobName": self.name,
            "TrainingJobArn": self.arn,
            "TrainingJobStatus": self.status,
            "SecondaryStatus": self.secondary,
            "CreationTime": time(self.created),
            "LastModifiedTime": time(self.modified),
            "SecondaryStatusTransitions": transitions,
        });
        let keys = [
            "HyperParameters",
            "AlgorithmSpecification",
            "RoleArn",
            "InputDataConfig",
            "OutputDataConfig",
            "ResourceConfig",
            "VpcConfig",
            "StoppingCondition",
            "EnableNetworkIsolation",
            "EnableInterContainerTrafficEncryption",
            "EnableManagedSpotTraining",
            "CheckpointConfig",
            "Environment",
        ];
        copy(&self.request, &keys, &mut written);
        put_some(&mut written, "TrainingStartTime", self.started.map(time));
        put_some(&mut written, "TrainingEndTime", self.ended.map(time));
        put_some(&mut written, "FailureReason", self.failure.clone());
        put_some(&mut written, "ModelArtifacts", self.artifacts());
        written
    }

    fn describe_processing(&self, time: fn(Timestamp) -> Value) -> Value {
        let mut written = json!({
            "ProcessingJobName": self.name,
            "ProcessingJobArn": self.arn,
            "ProcessingJobStatus": self.status,
            "CreationTime": time(self.created),
            "LastModifiedTime": time(self.modified),
        });
        let keys = [
            "ProcessingInputs",
            "ProcessingOutputConfig",
            "ProcessingResources",
            "StoppingCondition",
            "AppSpecification",
            "Environment",
            "NetworkConfig",
            "RoleArn",
            "ExperimentConfig",
        ];
        copy(&self.request, &keys, &mut written);
        put_some(&mut written, "ProcessingStartTime", self.started.map(time));
        put_some(&mut written, "ProcessingEndTime", self.ended.map(time));
        put_some(&mut written, "FailureReason", self.failure.clone());
        written
    }

    fn event_detail(&self, tags: Value) -> Value {
        match self.kind {
            Kind::Training => {
                let mut detail = self.describe_training(millis);
                put(&mut detail, "Tags", tags);
                if self.status != "Completed"
                    && let Some(members) = detail.as_object_mut()
                {
                    members.remove("ModelArtifacts");
                }
                detail
            }
            Kind::Processing => {
                let mut detail = self.describe_processing(millis);
                shout(&mut detail);
                detail
            }
        }
    }
}

/// Events of processing jobs write some enums in capitals, unlike the API.
fn shout(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (key, member) in members.iter_mut() {
                let loud = match (key.as_str(), member.as_str()) {
                    ("S3DataType", Some("S3Prefix")) => "S3_PREFIX",
                    ("S3DataType", Some("ManifestFile")) => "MANIFEST_FILE",
                    ("S3InputMode", Some("File")) => "FILE",
                    ("S3InputMode", Some("Pipe")) => "PIPE",
                    ("S3DataDistributionType", Some("FullyReplicated")) => "FULLYREPLICATED",
                    ("S3DataDistributionType", Some("ShardedByS3Key")) => "SHARDEDBYS3KEY",
                    ("S3UploadMode", Some("EndOfJob")) => "END_OF_JOB",
                    ("S3UploadMode", Some("Continuous")) => "CONTINUOUS",
                    ("S3CompressionType", Some("None")) => "NONE",
                    ("S3CompressionType", Some("Gzip")) => "GZIP",
                    _ => {
                        shout(member);
                        continue;
                    }
                };
                *member = json!(loud);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(shout),
        _ => {}
    }
}

impl World {
    /// Starts a job, emits its event and returns when it ends.
    pub(crate) fn start_job(
        &mut self,
        place: &AccountRegion,
        kind: Kind,
        name: &str,
        request: Value,
        failure: Option<String>,
        at: Timestamp,
    ) -> Timestamp {
        let (type_name, stages, lasts) = match kind {
            Kind::Training => ("training-job", TRAINING, self.pace.training),
            Kind::Processing => ("processing-job", PROCESSING, self.pace.processing),
        };
        let arn = place.arn(type_name, name);
        let job = Job {
            name: name.to_owned(),
            arn: arn.clone(),
            kind,
            status: "InProgress",
            secondary: "Starting",
            transitions: vec![("Starting", at, "Preparing the instances for training")],
            created: at,
            started: None,
            ended: None,
            modified: at,
            failure: None,
            planned_failure: failure,
            stages: stages.to_vec(),
            request,
        };
        let resources = self.resources_mut(place);
        resources.tag(&arn, crate::json::tag_map(&job.request));
        resources.jobs.insert(name.to_owned(), job);
        self.emit_job_change(place, name, at);
        let mut end = at;
        for (.., share) in stages {
            end = later(at, lasts.mul_f64(*share));
            self.schedule(end, place, Scheduled::Job { name: name.to_owned() });
        }
        end
    }

    /// The next stage of a job is due; a stopped job has none.
    pub(crate) fn job_stage(&mut self, place: &AccountRegion, name: &str, at: Timestamp) {
        let Some(job) = self.resources_mut(place).jobs.get_mut(name) else { return };
        if job.status != "InProgress" || job.stages.is_empty() {
            return;
        }
        let (status, secondary, message, _) = job.stages.remove(0);
        job.modified = at;
        job.started.get_or_insert(at);
        (job.status, job.secondary) = (status, secondary);
        job.transitions.push((secondary, at, message));
        if status == "Completed" {
            job.ended = Some(at);
            if let Some(reason) = job.planned_failure.take() {
                (job.status, job.secondary) = ("Failed", "Failed");
                job.failure = Some(reason);
                job.transitions.pop();
                job.transitions.push(("Failed", at, "Training job failed"));
            }
        }
        self.emit_job_change(place, name, at);
    }

    /// Stops a job.
    pub(crate) fn stop_job(&mut self, place: &AccountRegion, name: &str, at: Timestamp) {
        let Some(job) = self.resources_mut(place).jobs.get_mut(name) else { return };
        if job.status == "InProgress" {
            (job.status, job.secondary) = ("Stopped", "Stopped");
            job.transitions.push(("Stopped", at, "Training job stopped"));
            job.ended = Some(at);
            job.modified = at;
            self.emit_job_change(place, name, at);
        }
    }

    fn emit_job_change(&mut self, place: &AccountRegion, name: &str, at: Timestamp) {
        let Some(resources) = self.resources(place) else { return };
        let Some(job) = resources.jobs.get(name) else { return };
        let kind = match job.kind {
            Kind::Training => "SageMaker Training Job State Change",
            Kind::Processing => "SageMaker Processing Job State Change",
        };
        let (arn, detail) = (job.arn.clone(), job.event_detail(resources.tag_object(&job.arn)));
        self.emit_sagemaker_event(place, kind, vec![arn], detail, at, 1);
    }
}

fn job<'a>(world: &'a World, call: &Call, name: &str, kind: Kind) -> Option<&'a Job> {
    world.resources(&call.place)?.jobs.get(name).filter(|job| job.kind == kind)
}

pub(super) fn describe_training(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "TrainingJobName")?;
    let found = job(world, call, name, Kind::Training);
    found.map(Job::describe).ok_or_else(|| ApiError::validation("Requested resource not found."))
}

pub(super) fn describe_processing(
    world: &mut World,
    call: &Call,
    request: &Value,
) -> Result<Value, ApiError> {
    let name = need(request, "ProcessingJobName")?;
    let found = job(world, call, name, Kind::Processing);
    found
        .map(Job::describe)
        .ok_or_else(|| ApiError::validation(format!("Could not find requested job with name: {name}")))
}
