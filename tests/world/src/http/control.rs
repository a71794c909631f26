//! Changes a running world: commits, approvals, traffic, faults.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::account::{AccountRegion, Caller, parse_arn};
use crate::call_log::ApiCall;
use crate::emissions::Emission;
use crate::error::ApiError;
use crate::faults::Fault;
use crate::http::server::Shared;
use crate::json::{put_some, text};
use crate::services::codecommit::git::Pushed;
use crate::snapshot::Snapshot;

/// A handle on a running world. Cheap to clone.
#[derive(Clone)]
pub struct Control {
    pub(crate) shared: Arc<Shared>,
}

impl Control {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Sets the address of the emulator.
    pub fn connect(&self, ministack_url: &str) {
        self.shared.emulator.connect(ministack_url);
    }

    /// Registers a git repository under a CodeCommit name; creates a bare repository if the folder does not exist.
    ///
    /// # Errors
    /// Git's message.
    pub fn add_repository(
        &self,
        place: &AccountRegion,
        name: &str,
        path: impl Into<PathBuf>,
    ) -> Result<(), String> {
        self.shared.world().add_repository(place, name, path.into())
    }

    /// Pushes a real commit: files by path, `None` deletes. The world then emits the event.
    ///
    /// # Errors
    /// When the repository is unknown, or git's message.
    pub fn commit(
        &self,
        place: &AccountRegion,
        repository: &str,
        branch: &str,
        files: &[(String, Option<String>)],
        message: &str,
    ) -> Result<Pushed, String> {
        self.shared.world().commit(place, repository, branch, files, message, Timestamp::now())
    }

    /// Emits the event of a push that was made with git itself.
    pub fn emit_push(
        &self,
        place: &AccountRegion,
        repository: &str,
        reference: &str,
        old: Option<&str>,
        new: Option<&str>,
    ) {
        self.shared.world().emit_push(place, repository, reference, old, new, Timestamp::now());
    }

    /// Approves a model package as a person of its account would.
    ///
    /// # Errors
    /// As `UpdateModelPackage`.
    pub fn approve(&self, package_arn: &str, description: &str) -> Result<(), ApiError> {
        let (place, ..) = parse_arn(package_arn)
            .ok_or_else(|| ApiError::validation(format!("{package_arn} is no ARN of a model package")))?;
        let caller = Caller {
            account: place.account.clone(),
            region: place.region,
            principal: format!("arn:aws:sts::{}:assumed-role/Reviewer/alice", place.account),
        };
        let request = json!({
            "ModelPackageArn": package_arn,
            "ModelApprovalStatus": "Approved",
            "ApprovalDescription": description,
        });
        self.shared.world().call(&caller, "sagemaker", "UpdateModelPackage", &request, Timestamp::now())?;
        Ok(())
    }

    /// Injects a fault, or ends the faults with [`Fault::Clear`].
    pub fn inject_fault(&self, fault: Fault) {
        self.shared.world().inject_fault(fault);
    }

    /// Makes any call as the root user of an account, without authorization and validation.
    ///
    /// # Errors
    /// What the service would answer.
    pub fn call(
        &self,
        place: &AccountRegion,
        service: &str,
        operation: &str,
        request: &Value,
    ) -> Result<Value, ApiError> {
        let caller = Caller::root(&place.account, &place.region);
        let mut world = self.shared.world();
        // Without authorization there is nobody to ask which roles the pipeline's role may pass.
        if operation == "StartPipelineExecution" {
            world.pass_every_role(&caller, text(request, "PipelineName").unwrap_or_default());
        }
        world.call(&caller, service, operation, request, Timestamp::now())
    }

    /// Invokes an endpoint `count` times and returns how many invocations were answered.
    #[must_use]
    pub fn traffic(&self, place: &AccountRegion, endpoint: &str, component: Option<&str>, count: u32) -> u32 {
        let mut request = json!({"EndpointName": endpoint, "Body": "1,2,3", "ContentType": "text/csv"});
        put_some(&mut request, "InferenceComponentName", component);
        (0..count)
            .map(|_| u32::from(self.call(place, "sagemaker-runtime", "InvokeEndpoint", &request).is_ok()))
            .sum()
    }

    /// Runs a scaling policy as an alarm does.
    ///
    /// # Errors
    /// When there is no such policy.
    pub fn alarm_action(&self, place: &AccountRegion, action_arn: &str, alarm: &str) -> Result<(), ApiError> {
        self.shared.world().alarm_action(place, action_arn, alarm, 0.0, Timestamp::now())
    }

    /// Puts an alarm into ALARM: deployments that name it roll back.
    pub fn alarm_fired(&self, place: &AccountRegion, alarm: &str) {
        self.shared.world().alarm_fired(place, alarm, Timestamp::now());
    }

    /// Every call so far.
    #[must_use]
    pub fn calls(&self) -> Vec<ApiCall> {
        self.shared.world().calls().to_vec()
    }

    /// Everything emitted so far.
    #[must_use]
    pub fn emissions(&self) -> Vec<Emission> {
        self.shared.emissions()
    }

    /// The current resources.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.world().snapshot()
    }
}
