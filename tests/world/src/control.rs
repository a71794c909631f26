//! The strings the world is pulled by: from Rust, and over HTTP below `/_world`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::event::Emission;
use crate::git::Pushed;
use crate::journal::JournalEntry;
use crate::json::put_some;
use crate::mischief::Mischief;
use crate::place::{Caller, Place, parse_arn};
use crate::server::Shared;
use crate::snapshot::Snapshot;

/// A handle on a running world. Cheap to clone.
#[derive(Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

impl Control {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Tells the world where the emulator is.
    pub fn connect(&self, ministack_url: &str) {
        self.shared.emulator.connect(ministack_url);
    }

    /// Gives a git repository a CodeCommit name; a folder that does not exist becomes a bare repository.
    ///
    /// # Errors
    /// Git's message.
    pub fn add_repository(&self, place: &Place, name: &str, path: impl Into<PathBuf>) -> Result<(), String> {
        self.shared.world().add_repository(place, name, path.into())
    }

    /// Pushes a real commit: files by path, `None` deletes. The event follows.
    ///
    /// # Errors
    /// When the repository is unknown, or git's message.
    pub fn commit(
        &self,
        place: &Place,
        repository: &str,
        branch: &str,
        files: &[(String, Option<String>)],
        message: &str,
    ) -> Result<Pushed, String> {
        self.shared.world().commit(place, repository, branch, files, message, Timestamp::now())
    }

    /// Tells of a push that somebody made with git itself.
    pub fn notice_push(
        &self,
        place: &Place,
        repository: &str,
        reference: &str,
        old: Option<&str>,
        new: Option<&str>,
    ) {
        self.shared.world().notice_push(place, repository, reference, old, new, Timestamp::now());
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

    /// Makes something go wrong, or right again.
    pub fn set_mischief(&self, mischief: Mischief) {
        self.shared.world().mischief(mischief);
    }

    /// Any call, as the root user of a place and without the door's checks.
    ///
    /// # Errors
    /// What the service would answer.
    pub fn call(
        &self,
        place: &Place,
        service: &str,
        operation: &str,
        request: &Value,
    ) -> Result<Value, ApiError> {
        let caller = Caller::root(&place.account, &place.region);
        self.shared.world().call(&caller, service, operation, request, Timestamp::now())
    }

    /// `count` invocations; returns how many were answered.
    #[must_use]
    pub fn traffic(&self, place: &Place, endpoint: &str, component: Option<&str>, count: u32) -> u32 {
        let mut request = json!({"EndpointName": endpoint, "Body": "1,2,3", "ContentType": "text/csv"});
        put_some(&mut request, "InferenceComponentName", component);
        (0..count)
            .map(|_| u32::from(self.call(place, "sagemaker-runtime", "InvokeEndpoint", &request).is_ok()))
            .sum()
    }

    /// An alarm calls a scaling policy.
    ///
    /// # Errors
    /// When there is no such policy.
    pub fn alarm_action(&self, place: &Place, action_arn: &str, alarm: &str) -> Result<(), ApiError> {
        self.shared.world().alarm_action(place, action_arn, alarm, 0.0, Timestamp::now())
    }

    /// An alarm went into ALARM: deployments that it guards roll back.
    pub fn alarm_fired(&self, place: &Place, alarm: &str) {
        self.shared.world().alarm_fired(place, alarm, Timestamp::now());
    }

    /// Every call so far.
    #[must_use]
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.shared.world().journal().to_vec()
    }

    /// Everything told so far.
    #[must_use]
    pub fn emissions(&self) -> Vec<Emission> {
        self.shared.emissions()
    }

    /// What lives right now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.world().snapshot()
    }
}

/// The routes that control the world.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/_world/journal", get(journal))
        .route("/_world/state", get(state))
        .route("/_world/emissions", get(emissions))
        .route("/_world/mischief", post(mischief))
        .route("/_world/alarm-action", post(alarm_action))
        .route("/_world/alarm-state", post(alarm_state))
        .route("/_world/repository", post(repository))
        .route("/_world/commit", post(commit))
        .route("/_world/push", post(push))
        .route("/_world/approve", post(approve))
        .route("/_world/traffic", post(traffic))
}

fn written(value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(body) => (StatusCode::OK, [("content-type", "application/json")], body).into_response(),
        Err(error) => refused(&error.to_string()),
    }
}

fn refused(why: &str) -> Response {
    let body = json!({"error": why}).to_string();
    (StatusCode::BAD_REQUEST, [("content-type", "application/json")], body).into_response()
}

/// Reads the body, does it, and answers with what came out.
fn doing<T: for<'a> Deserialize<'a>>(
    shared: Arc<Shared>,
    body: &Bytes,
    work: impl FnOnce(&Control, T) -> Result<Value, String>,
) -> Response {
    let asked = match serde_json::from_slice::<T>(body) {
        Ok(asked) => asked,
        Err(error) => return refused(&error.to_string()),
    };
    match work(&Control::new(shared), asked) {
        Ok(answer) => written(&answer),
        Err(why) => refused(&why),
    }
}

async fn journal(State(shared): State<Arc<Shared>>) -> Response {
    written(&Control::new(shared).journal())
}

async fn state(State(shared): State<Arc<Shared>>) -> Response {
    written(&Control::new(shared).snapshot())
}

async fn emissions(State(shared): State<Arc<Shared>>) -> Response {
    written(&shared.emissions())
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Mischief>),
    One(Mischief),
}

async fn mischief(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    doing(shared, &body, |control, asked: OneOrMany| {
        match asked {
            OneOrMany::One(one) => control.set_mischief(one),
            OneOrMany::Many(many) => many.into_iter().for_each(|one| control.set_mischief(one)),
        }
        Ok(json!({}))
    })
}

#[derive(Deserialize)]
struct AlarmAction {
    account: String,
    region: String,
    action_arn: String,
    #[serde(default)]
    alarm_name: String,
    /// How far the metric is from the threshold.
    #[serde(default)]
    breach: f64,
}

async fn alarm_action(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    doing(shared, &body, |control, asked: AlarmAction| {
        let place = Place::new(asked.account, asked.region);
        let mut world = control.shared.world();
        world
            .alarm_action(&place, &asked.action_arn, &asked.alarm_name, asked.breach, Timestamp::now())
            .map(|()| json!({}))
            .map_err(|error| error.to_string())
    })
}

#[derive(Deserialize)]
struct AlarmState {
    account: String,
    region: String,
    alarm_name: String,
    state: String,
}

async fn alarm_state(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    doing(shared, &body, |control, asked: AlarmState| {
        if asked.state == "ALARM" {
            control.alarm_fired(&Place::new(asked.account, asked.region), &asked.alarm_name);
        }
        Ok(json!({}))
    })
}

#[derive(Deserialize)]
struct NewRepository {
    account: String,
    region: String,
    name: String,
    path: PathBuf,
}

async fn repository(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    doing(shared, &body, |control, asked: NewRepository| {
        let place = Place::new(asked.account, asked.region);
        control.add_repository(&place, &asked.name, asked.path).map(|()| json!({}))
    })
}

#[derive(Deserialize)]
struct Commit {
    account: String,
    region: String,
    repository: String,
    branch: String,
    files: BTreeMap<String, Option<String>>,
    message: String,
}

async fn commit(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    doing(shared, &body, |control, asked: Commit| {
        let place = Place::new(asked.account, asked.region);
        let files: Vec<(String, Option<String>)> = asked.files.into_iter().collect();
        let pushed = control.commit(&place, &asked.repository, &asked.branch, &files, &asked.message)?;
        Ok(json!({"commit": pushed.commit, "old": pushed.old}))
    })
}

#[derive(Deserialize)]
struct Push {
    account: String,
    region: String,
    repository: String,
    reference: String,
    old: Option<String>,
    new: Option<String>,
}

async fn push(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    doing(shared, &body, |control, asked: Push| {
        let place = Place::new(asked.account, asked.region);
        let (old, new) = (asked.old.as_deref(), asked.new.as_deref());
        control.notice_push(&place, &asked.repository, &asked.reference, old, new);
        Ok(json!({}))
    })
}

#[derive(Deserialize)]
struct Approve {
    package_arn: String,
    #[serde(default)]
    description: String,
}

async fn approve(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    doing(shared, &body, |control, asked: Approve| {
        let done = control.approve(&asked.package_arn, &asked.description);
        done.map(|()| json!({})).map_err(|error| error.to_string())
    })
}

#[derive(Deserialize)]
struct Traffic {
    account: String,
    region: String,
    endpoint: String,
    component: Option<String>,
    count: u32,
}

async fn traffic(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    doing(shared, &body, |control, asked: Traffic| {
        let place = Place::new(asked.account, asked.region);
        let answered = control.traffic(&place, &asked.endpoint, asked.component.as_deref(), asked.count);
        Ok(json!({"answered": answered}))
    })
}
