//! The format of a scenario file.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tidegate_policy::decision::Evidence;

use super::read::{ScenarioError, read};
use super::seen::Seen;

/// The fields of a scenario. A file that only sets up an invocation contains some of them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Fields {
    /// What it demonstrates, in one sentence.
    pub(super) about: Option<String>,
    /// The event: a file under `events/`, or the event itself.
    pub(super) event: Option<Value>,
    /// The fields in which the event differs from that file, by path; `null` removes a field.
    pub(super) change: BTreeMap<String, Value>,
    /// The policy: a file under `events/`, or `none`.
    pub(super) policy: Option<String>,
    /// The fields in which the policy differs from that file, by path; `null` removes a field.
    pub(super) policy_change: BTreeMap<String, Value>,
    /// The time of the invocation.
    pub(super) now: Option<Timestamp>,
    /// The site of the function; the hub or staging if absent.
    pub(super) environment: Option<String>,
    /// The account of the site; the environment's account if absent.
    pub(super) account: Option<String>,
    /// The state of the function before the invocation.
    pub(super) state: Value,
    /// The data that the function reads.
    pub(super) seen: Seen,
    /// The expected decision.
    pub(super) expect: Option<Expect>,
}

/// The expected decision.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The verdict; `not_applicable` if the event concerns no model here, `unchanged` if a sweep's decision is the
    /// same as before.
    pub verdict: String,
    /// The reason's code.
    pub reason: String,
    /// The message of the reason.
    #[serde(default)]
    pub message: Option<String>,
    /// Evidence that the decision must contain, among other evidence.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// The actions, in order, each with at least these fields. Without a list no action is allowed.
    #[serde(default)]
    pub plan: Vec<Value>,
    /// Fields that the state must contain afterwards.
    #[serde(default)]
    pub state: Option<Value>,
}

pub(super) fn fields(file: &Path) -> Result<Fields, ScenarioError> {
    serde_saphyr::from_str(&read(file)?).map_err(|error| ScenarioError::new(file, error))
}
