//! Helpers for several tests: the sample events of the repository.

use std::{fs, path::PathBuf};

use serde_json::Value;

/// The folder with the sample events.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

/// A sample as JSON.
pub(crate) fn sample(file: &str) -> Value {
    let bytes = fs::read(folder().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The names of the files in one folder of samples, without subfolders.
pub(crate) fn files(folder_name: &str) -> Vec<String> {
    let entries = fs::read_dir(folder().join(folder_name)).expect("the folder exists");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry can be read"))
        .filter(|entry| entry.file_type().expect("an entry has a type").is_file())
        .map(|entry| format!("{folder_name}/{}", entry.file_name().to_string_lossy()))
        .collect();
    names.sort();
    names
}
