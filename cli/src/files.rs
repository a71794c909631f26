//! Policy files as a command line names them: one by one, or all of a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tidegate_policy::file::{self, Checked, Policy, PolicyError, Problem};

use crate::Failure;
use crate::print::say;

/// A file that was named, or that lies in a folder that was, with what it holds.
pub(crate) struct PolicyFile {
    name: String,
    read: Result<Checked, PolicyError>,
}

/// The policies; all that is wrong with any of the files is said at once, and warnings on standard error.
pub(crate) fn read(named: &[PathBuf]) -> Result<Vec<Policy>, Failure> {
    let files = all(named);
    files.iter().for_each(PolicyFile::warn);
    policies(files)
}

/// As [`read`], for a command whose output is for programs: if any file is wrong, each is an object.
pub(crate) fn read_as_json(named: &[PathBuf]) -> Result<Vec<Policy>, Failure> {
    let files = all(named);
    if files.iter().any(PolicyFile::is_wrong) {
        tell_as_json(&files);
    } else {
        files.iter().for_each(PolicyFile::warn);
    }
    policies(files)
}

/// Says of each file whether it is valid.
pub(crate) fn validate(named: &[PathBuf], json: bool) -> Result<(), Failure> {
    if json {
        let files = all(named);
        tell_as_json(&files);
        return policies(files).map(|_| ());
    }
    for policy in read(named)? {
        say(&format!("{}: valid, version {}", policy.model, policy.version()));
    }
    Ok(())
}

fn tell_as_json(files: &[PolicyFile]) {
    for file in files {
        say(&file.as_json().to_string());
    }
}

fn policies(files: Vec<PolicyFile>) -> Result<Vec<Policy>, Failure> {
    let wrong: Vec<String> =
        files.iter().filter_map(|file| file.read.as_ref().err()).map(ToString::to_string).collect();
    if !wrong.is_empty() {
        return Err(Failure::Input(wrong.join("\n")));
    }
    Ok(files.into_iter().filter_map(|file| file.read.ok()).map(|checked| checked.policy).collect())
}

/// Reads every file once, a folder's in the order of their names.
fn all(named: &[PathBuf]) -> Vec<PolicyFile> {
    let mut files = Vec::new();
    let mut seen = BTreeSet::new();
    for named in named {
        match expand(named) {
            Ok(paths) => {
                let new = paths.into_iter().filter(|path| seen.insert(path.clone()));
                files.extend(new.map(|path| PolicyFile::read(&path)));
            }
            Err(error) => {
                let name = named.display().to_string();
                files.push(PolicyFile { read: whole(&name, "", error.to_string()), name });
            }
        }
    }
    refuse_twins(&mut files);
    files
}

/// The files that a path stands for: itself, or the policy files of the folder.
fn expand(named: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !named.is_dir() {
        return Ok(vec![named.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(named)? {
        let path = entry?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if matches!(ending, Some("yaml" | "yml")) && !path.is_dir() {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(std::io::Error::other("no file in it ends in .yaml or .yml"));
    }
    files.sort();
    Ok(files)
}

/// A model has one policy: of two files for one model nobody knows which is meant.
fn refuse_twins(files: &mut [PolicyFile]) {
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    for file in files {
        let Ok(checked) = &file.read else { continue };
        let model = checked.policy.model.to_string();
        if let Some(other) = first.get(&model) {
            let message = format!("`{model}` is the model of {other} already, and a model has one policy");
            file.read = whole(&file.name, "model", message);
        } else {
            first.insert(model, file.name.clone());
        }
    }
}

/// Something that is wrong with no one place of a file.
fn whole(name: &str, path: &str, message: String) -> Result<Checked, PolicyError> {
    let problem = Problem { line: 0, column: 0, path: path.to_owned(), message };
    Err(PolicyError { file: name.to_owned(), problems: vec![problem] })
}

impl PolicyFile {
    fn read(path: &Path) -> Self {
        let name = path.display().to_string();
        let read = match std::fs::read_to_string(path) {
            Ok(text) => file::read(&name, &text),
            Err(error) => whole(&name, "", error.to_string()),
        };
        Self { name, read }
    }

    fn is_wrong(&self) -> bool {
        self.read.is_err()
    }

    fn warn(&self) {
        for warning in self.read.iter().flat_map(|checked| &checked.warnings) {
            eprintln!("warning: {}:{warning}", self.name);
        }
    }

    fn as_json(&self) -> Value {
        let (policy, problems, warnings) = match &self.read {
            Ok(checked) => (Some(&checked.policy), &[][..], checked.warnings.as_slice()),
            Err(error) => (None, error.problems.as_slice(), &[][..]),
        };
        let told = |problems: &[Problem]| problems.iter().map(problem_as_json).collect::<Vec<_>>();
        json!({
            "file": self.name, "valid": policy.is_some(), "model": policy.map(|policy| policy.model.as_str()),
            "version": policy.map(Policy::version), "problems": told(problems), "warnings": told(warnings),
        })
    }
}

/// What concerns a file as a whole has no line, and what concerns no one field has no path.
fn problem_as_json(problem: &Problem) -> Value {
    let Problem { line, column, path, message } = problem;
    let place = |number: u64| (number > 0).then_some(number);
    json!({
        "line": place(*line), "column": place(*column), "path": (!path.is_empty()).then_some(path),
        "message": message,
    })
}
