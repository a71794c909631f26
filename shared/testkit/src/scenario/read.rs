//! The files of scenarios.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// A file that cannot be read, or is not a scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {message}")]
pub struct ScenarioError {
    /// The file.
    pub file: String,
    /// The problem, and its place.
    pub message: String,
}

impl ScenarioError {
    pub(super) fn new(file: &Path, message: impl ToString) -> Self {
        Self { file: file.display().to_string(), message: message.to_string() }
    }
}

pub(super) fn read(file: &Path) -> Result<String, ScenarioError> {
    std::fs::read_to_string(file).map_err(|error| ScenarioError::new(file, error))
}

pub(super) fn read_json(file: &Path) -> Result<Value, ScenarioError> {
    serde_json::from_str(&read(file)?).map_err(|error| ScenarioError::new(file, error))
}

/// The folder of the files that a scenario refers to: `events` for one in `events/scenarios`, its own folder for any
/// other.
pub(super) fn root_of(file: &Path) -> PathBuf {
    let beside = file.parent().map(Path::to_owned).unwrap_or_default();
    let scenarios =
        file.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "scenarios"));
    scenarios.and_then(Path::parent).map_or(beside, Path::to_owned)
}
