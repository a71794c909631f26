//! The format of a scenario file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tidegate_engine::FunctionSpec;
use tidegate_functions::FUNCTIONS;
use tidegate_policy::decision::Evidence;

use super::seen::Seen;

/// One situation and what is decided in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows, in a sentence.
    pub about: String,
    /// The event: a file under `events/`, or the event itself.
    pub event: Value,
    /// The fields in which the event differs from that file, by path; `null` removes.
    #[serde(default)]
    pub change: BTreeMap<String, Value>,
    /// The policy: a file under `events/`, or `none`.
    #[serde(default = "usual_policy")]
    pub policy: String,
    /// The fields in which the policy differs from that file, by path; `null` removes.
    #[serde(default)]
    pub policy_change: BTreeMap<String, Value>,
    /// When it happens.
    pub now: Timestamp,
    /// Where the function runs; the hub for train and promote, staging for the others, if it is not said.
    #[serde(default)]
    pub environment: Option<String>,
    /// The account where it runs; the environment's if it is not said.
    #[serde(default)]
    pub account: Option<String>,
    /// What the function remembers.
    #[serde(default)]
    pub state: Value,
    /// What it finds when it looks.
    #[serde(default)]
    pub seen: Seen,
    /// What it decides.
    pub expect: Expect,
}

fn usual_policy() -> String {
    "policies/churn.yaml".to_owned()
}

/// What is decided.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The verdict; `pass` if the event concerns no model here, `unchanged` if a sweep found no news.
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

/// A scenario with its place.
#[derive(Debug, Clone)]
pub struct Found {
    /// The function whose folder it is in.
    pub function: &'static FunctionSpec,
    /// Its file's name without the ending.
    pub name: String,
    /// The scenario.
    pub scenario: Scenario,
}

/// A scenario that cannot be read or run.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {message}")]
pub struct ScenarioError {
    /// The file.
    pub file: String,
    /// What is wrong.
    pub message: String,
}

impl ScenarioError {
    pub(crate) fn new(file: impl Into<String>, message: impl ToString) -> Self {
        Self { file: file.into(), message: message.to_string() }
    }
}

/// The folder `events` of this repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

/// Every scenario below `events`, by function and name.
///
/// # Errors
/// The first file that is no scenario.
pub fn load(events: &Path) -> Result<Vec<Found>, ScenarioError> {
    let mut all = Vec::new();
    for function in FUNCTIONS {
        let folder = events.join("scenarios").join(function.name);
        let shown = folder.display().to_string();
        let entries = std::fs::read_dir(&folder).map_err(|error| ScenarioError::new(&shown, error))?;
        let mut files = Vec::new();
        for entry in entries {
            files.push(entry.map_err(|error| ScenarioError::new(&shown, error))?.path());
        }
        files.sort();
        for file in files {
            let shown = file.display().to_string();
            let (Some(name), Some("yaml")) =
                (file.file_stem().and_then(|s| s.to_str()), file.extension().and_then(|e| e.to_str()))
            else {
                return Err(ScenarioError::new(shown, "a scenario is a file that ends in .yaml"));
            };
            let text = std::fs::read_to_string(&file).map_err(|error| ScenarioError::new(&shown, error))?;
            let scenario =
                serde_saphyr::from_str(&text).map_err(|error| ScenarioError::new(&shown, error))?;
            all.push(Found { function, name: name.to_owned(), scenario });
        }
    }
    Ok(all)
}
