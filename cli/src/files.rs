//! Policy files from the command line: single files, or all files of a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tidegate_policy::file::{self, Checked, Policy, PolicyError, Problem};

use crate::print::{print_json, print_line, say};
use crate::{Failure, input};

/// A policy file with its parsed content.
pub(crate) struct PolicyFile {
    name: String,
    read: Result<Checked, PolicyError>,
}

/// Reads the policies. The errors of all files are reported together, and warnings are printed on standard error.
pub(crate) fn read(named: &[PathBuf]) -> Result<Vec<Policy>, Failure> {
    let files = all(named);
    files.iter().for_each(PolicyFile::warn);
    policies(files)
}

/// The regions of the policies, with the models in each.
fn regions(policies: &[Policy]) -> BTreeMap<String, Vec<String>> {
    let mut regions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for policy in policies {
        if let Some(environment) = policy.environments.first() {
            regions.entry(environment.region.to_string()).or_default().push(policy.model.to_string());
        }
    }
    regions
}

/// The regions in words, if there are several: `churn in eu-west-1; otter and 3 others in us-east-1`.
pub(crate) fn several_regions(policies: &[Policy]) -> Option<String> {
    let regions = regions(policies);
    let words = |(region, models): (&String, &Vec<String>)| match models.as_slice() {
        [one] => format!("{one} in {region}"),
        [first, rest @ ..] => format!("{first} and {} more in {region}", rest.len()),
        [] => region.clone(),
    };
    (regions.len() > 1).then(|| regions.iter().map(words).collect::<Vec<_>>().join("; "))
}

/// Does the same as [`read`], for JSON output: if any file is invalid, each file is printed as an object.
pub(crate) fn read_as_json(named: &[PathBuf]) -> Result<Vec<Policy>, Failure> {
    let files = all(named);
    if files.iter().any(PolicyFile::is_wrong) {
        tell_as_json(&files);
    } else {
        files.iter().for_each(PolicyFile::warn);
    }
    policies(files)
}

/// Prints for each file whether it is valid.
pub(crate) fn validate(named: &[PathBuf], json: bool) -> Result<(), Failure> {
    if json {
        let files = all(named);
        tell_as_json(&files);
        return policies(files).map(|_| ());
    }
    let policies = read(named)?;
    for policy in &policies {
        print_line(&format!("{}: valid, version {}", policy.model, policy.version()));
    }
    if let Some(regions) = several_regions(&policies) {
        say(&format!(
            "warning: the policies are in several regions: {regions}; a hub and its environments are in one region, so each region needs a hub of its own"
        ));
    }
    Ok(())
}

fn tell_as_json(files: &[PolicyFile]) {
    for file in files {
        print_json(&file.as_json().to_string());
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

/// Reads every file once. The files of a folder are sorted by name.
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
    reject_duplicate_models(&mut files);
    reject_conflicts(&mut files);
    files
}

/// Returns the files of a path: the file itself, or the policy files of the folder.
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
        return Err(std::io::Error::other("the folder contains no .yaml or .yml file"));
    }
    files.sort();
    Ok(files)
}

/// Two policy files for the same model are an error, because it is ambiguous which one applies.
fn reject_duplicate_models(files: &mut [PolicyFile]) {
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    for file in files {
        let Ok(checked) = &file.read else { continue };
        let model = checked.policy.model.to_string();
        if let Some(other) = first.get(&model) {
            let message = format!(
                "{other} already has a policy of the model `{model}`, and a model has only one policy"
            );
            file.read = whole(&file.name, "model", message);
        } else {
            first.insert(model, file.name.clone());
        }
    }
}

/// Two policies that name the same resource by accident are an error in the second file.
fn reject_conflicts(files: &mut [PolicyFile]) {
    let read: Vec<(String, Policy)> = files
        .iter()
        .filter_map(|file| Some((file.name.clone(), file.read.as_ref().ok()?.policy.clone())))
        .collect();
    let policies: Vec<&Policy> = read.iter().map(|(_, policy)| policy).collect();
    let file_of = |model: &str| {
        read.iter().find(|(_, policy)| policy.model.as_str() == model).map_or("", |(name, _)| name.as_str())
    };
    let mut problems: BTreeMap<String, Vec<Problem>> = BTreeMap::new();
    for conflict in file::conflicts(&policies) {
        let message = format!(
            "{}; {} says so in {}",
            conflict.message,
            file_of(&conflict.other_model),
            conflict.other_path
        );
        let problem = Problem { line: 0, column: 0, path: conflict.path, message };
        problems.entry(file_of(&conflict.model).to_owned()).or_default().push(problem);
    }
    for file in files {
        if let Some(problems) = problems.remove(&file.name) {
            file.read = Err(PolicyError { file: file.name.clone(), problems });
        }
    }
}

/// An error that concerns a whole file and has no position.
fn whole(name: &str, path: &str, message: String) -> Result<Checked, PolicyError> {
    let problem = Problem { line: 0, column: 0, path: path.to_owned(), message };
    Err(PolicyError { file: name.to_owned(), problems: vec![problem] })
}

impl PolicyFile {
    fn read(path: &Path) -> Self {
        let name = path.display().to_string();
        let read = match input::read_text(path, input::POLICY_BYTES) {
            Ok(text) => file::read(&name, &text),
            Err(error) => whole(&name, "", error),
        };
        Self { name, read }
    }

    fn is_wrong(&self) -> bool {
        self.read.is_err()
    }

    fn warn(&self) {
        for warning in self.read.iter().flat_map(|checked| &checked.warnings) {
            say(&format!("warning: {}:{warning}", self.name));
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

/// A problem of the whole file has no line, and a problem outside of the fields has no path.
fn problem_as_json(problem: &Problem) -> Value {
    let Problem { line, column, path, message } = problem;
    let place = |number: u64| (number > 0).then_some(number);
    json!({
        "line": place(*line), "column": place(*column), "path": (!path.is_empty()).then_some(path),
        "message": message,
    })
}
