//! The control API below `/_world`: [`Control`] over HTTP.

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

use crate::account::AccountRegion;
use crate::faults::Fault;
use crate::http::control::Control;
use crate::http::server::Shared;
use crate::outages::Outage;

/// The routes of the control API.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/_world/calls", get(calls))
        .route("/_world/state", get(state))
        .route("/_world/emissions", get(emissions))
        .route("/_world/faults", post(faults))
        .route("/_world/alarm-action", post(alarm_action))
        .route("/_world/alarm-state", post(alarm_state))
        .route("/_world/repository", post(repository))
        .route("/_world/commit", post(commit))
        .route("/_world/push", post(push))
        .route("/_world/approve", post(approve))
        .route("/_world/traffic", post(traffic))
        .route("/_world/outage", post(outage))
}

fn ok(value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(body) => (StatusCode::OK, [("content-type", "application/json")], body).into_response(),
        Err(error) => rejected(&error.to_string()),
    }
}

fn rejected(why: &str) -> Response {
    let body = json!({"error": why}).to_string();
    (StatusCode::BAD_REQUEST, [("content-type", "application/json")], body).into_response()
}

/// Parses the body, runs `work` on it and answers with its result.
fn handle<T: for<'a> Deserialize<'a>>(
    shared: Arc<Shared>,
    body: &Bytes,
    work: impl FnOnce(&Control, T) -> Result<Value, String>,
) -> Response {
    let input = match serde_json::from_slice::<T>(body) {
        Ok(input) => input,
        Err(error) => return rejected(&error.to_string()),
    };
    match work(&Control::new(shared), input) {
        Ok(answer) => ok(&answer),
        Err(why) => rejected(&why),
    }
}

async fn calls(State(shared): State<Arc<Shared>>) -> Response {
    ok(&Control::new(shared).calls())
}

async fn state(State(shared): State<Arc<Shared>>) -> Response {
    ok(&Control::new(shared).snapshot())
}

async fn emissions(State(shared): State<Arc<Shared>>) -> Response {
    ok(&shared.emissions())
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Fault>),
    One(Fault),
}

async fn faults(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    handle(shared, &body, |control, input: OneOrMany| {
        match input {
            OneOrMany::One(one) => control.inject_fault(one),
            OneOrMany::Many(many) => many.into_iter().for_each(|one| control.inject_fault(one)),
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
    handle(shared, &body, |control, input: AlarmAction| {
        let place = AccountRegion::new(input.account, input.region);
        let mut world = control.shared.world();
        world
            .alarm_action(&place, &input.action_arn, &input.alarm_name, input.breach, Timestamp::now())
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
    handle(shared, &body, |control, input: AlarmState| {
        if input.state == "ALARM" {
            control.alarm_fired(&AccountRegion::new(input.account, input.region), &input.alarm_name);
        }
        Ok(json!({}))
    })
}

/// An endpoint or a component to which something happens by itself.
#[derive(Deserialize)]
struct OutageOf {
    account: String,
    region: String,
    /// An endpoint with its outage, or a component, which fails.
    endpoint: Option<String>,
    outage: Option<Outage>,
    component: Option<String>,
    reason: Option<String>,
}

async fn outage(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    handle(shared, &body, |control, input: OutageOf| {
        let place = AccountRegion::new(input.account, input.region);
        let mut world = control.shared.world();
        let reason = input.reason.as_deref();
        let found = match (&input.endpoint, input.outage, &input.component) {
            (Some(name), Some(outage), None) => {
                world.endpoint_outage(&place, name, outage, reason, Timestamp::now())
            }
            (None, None, Some(name)) => world.component_outage(
                &place,
                name,
                reason.unwrap_or("the container stopped"),
                Timestamp::now(),
            ),
            _ => return Err("give an endpoint and an outage, or a component".to_owned()),
        };
        Ok(json!({"found": found}))
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
    handle(shared, &body, |control, input: NewRepository| {
        let place = AccountRegion::new(input.account, input.region);
        control.add_repository(&place, &input.name, input.path).map(|()| json!({}))
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
    handle(shared, &body, |control, input: Commit| {
        let place = AccountRegion::new(input.account, input.region);
        let files: Vec<(String, Option<String>)> = input.files.into_iter().collect();
        let pushed = control.commit(&place, &input.repository, &input.branch, &files, &input.message)?;
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
    handle(shared, &body, |control, input: Push| {
        let place = AccountRegion::new(input.account, input.region);
        let (old, new) = (input.old.as_deref(), input.new.as_deref());
        control.emit_push(&place, &input.repository, &input.reference, old, new);
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
    handle(shared, &body, |control, input: Approve| {
        let done = control.approve(&input.package_arn, &input.description);
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
    handle(shared, &body, |control, input: Traffic| {
        let place = AccountRegion::new(input.account, input.region);
        let answered = control.traffic(&place, &input.endpoint, input.component.as_deref(), input.count);
        Ok(json!({"answered": answered}))
    })
}
