//! The format of a scenario file.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tidegate_policy::decision::Evidence;

use super::read::{ScenarioError, read};
use super::seen::Seen;

/// The fields of a scenario. A file that only sets up an invocation has some of them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Fields {
    /// What it shows, in a sentence.
    pub(super) about: Option<String>,
    /// The event: a file under `events/`, or the event itself.
    pub(super) event: Option<Value>,
    /// The fields in which the event differs from that file, by path; `null` removes.
    pub(super) change: BTreeMap<String, Value>,
    /// The policy: a file under `events/`, or `none`.
    pub(super) policy: Option<String>,
    /// The fields in which the policy differs from that file, by path; `null` removes.
    pub(super) policy_change: BTreeMap<String, Value>,
    /// When it happens.
    pub(super) now: Option<Timestamp>,
    /// Where the function runs; the hub or staging, if it is not said.
    pub(super) environment: Option<String>,
    /// The account where it runs; the environment's if it is not said.
    pub(super) account: Option<String>,
    /// What the function remembers.
    pub(super) state: Value,
    /// What it finds when it looks.
    pub(super) seen: Seen,
    /// What it decides.
    pub(super) expect: Option<Expect>,
}

/// What is decided.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The verdict; `not_applicable` if the event concerns no model here, `unchanged` if a sweep found nothing new.
    pub verdict: String,
    /// The reason's code.
    pub reason: String,
    /// The reason in words.
    #[serde(default)]
    pub message: Option<String>,
    /// Evidence that must be among what is given.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// The actions, in order, each with at least these fields. Without a list nothing may be done.
    #[serde(default)]
    pub plan: Vec<Value>,
    /// What the function must remember afterwards, at least.
    #[serde(default)]
    pub state: Option<Value>,
}

pub(super) fn fields(file: &Path) -> Result<Fields, ScenarioError> {
    serde_saphyr::from_str(&read(file)?).map_err(|error| ScenarioError::new(file, error))
}
