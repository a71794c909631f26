//! Helpers that run the binary with the repository's own files.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

pub(crate) const POLICY: &str = "events/policies/churn.yaml";
pub(crate) const DRIFT: &str = "events/cloudwatch/alarm.drift.alarm.json";

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The command with arguments.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(arguments).current_dir(root()).env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

pub(crate) fn tidegate(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the command runs")
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// The errors and warnings of a command that succeeded.
pub(crate) fn remark(output: &Output) -> String {
    let said = String::from_utf8(output.stderr.clone()).expect("text");
    assert_eq!(output.status.code(), Some(0), "{said}");
    said
}

/// The error of a command with invalid input.
pub(crate) fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{}", out(output));
    String::from_utf8(output.stderr.clone()).expect("text")
}

pub(crate) fn objects(output: &Output) -> Vec<Value> {
    out(output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The content of a file of the repository.
pub(crate) fn text(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).expect("the file exists")
}

pub(crate) fn sample(file: &str) -> Value {
    serde_json::from_str(&text(file)).expect("JSON")
}

/// The drift alarm three times: twice the same event, and once a day and a half later.
pub(crate) fn stream(folder: &Path) -> String {
    let first = sample(DRIFT);
    let mut later = first.clone();
    later["time"] = json!("2026-03-04T20:15:04Z");
    later["id"] = json!("another");
    later["detail"]["state"]["timestamp"] = json!("2026-03-04T20:15:04.707+0000");
    file(folder, "events.jsonl", &format!("{first}\n{first}\n{later}\n"))
}

/// Writes a file to a folder and returns its path.
pub(crate) fn file(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).expect("the file is written");
    file.to_str().expect("text").to_owned()
}

/// The example policy for another model.
pub(crate) fn policy_of(model: &str) -> String {
    let renamed =
        text(POLICY).replace("churn-", &format!("{model}-")).replace("churn\n", &format!("{model}\n"));
    renamed.replace("name: churn,", &format!("name: {model},"))
}
