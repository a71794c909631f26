//! Parses text into a [`Policy`], or returns all problems.

use super::check::{self, Outcome};
use super::problem::{Finding, PolicyError, Problem};
use super::schema::TABLE;
use super::tree::{self, At, Unreadable};
use super::{Policy, endpoint_fields, rules, unsupported, warn};

/// A valid policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The policy.
    pub policy: Policy,
    /// Settings that are valid but probably not intended, each with its place in the file.
    pub warnings: Vec<Problem>,
}

/// Reads a policy file. `file` is only used as its name in errors.
///
/// # Errors
/// [`PolicyError`] with every problem of the file.
pub fn parse(file: &str, text: &str) -> Result<Policy, PolicyError> {
    read(file, text).map(|checked| checked.policy)
}

/// Reads a policy file, with its warnings.
///
/// # Errors
/// [`PolicyError`] with every problem of the file.
pub fn read(file: &str, text: &str) -> Result<Checked, PolicyError> {
    let fail = |problems| PolicyError { file: file.to_owned(), problems };
    let (root, unreadable) = tree::read(text).map_err(|error| fail(vec![at_place(error)]))?;
    let mut outcome = check::check(&root, &TABLE);
    let names = names(&outcome);
    let misplaced = endpoint_fields::complete(&mut outcome, &TABLE);
    let policy: Result<Policy, _> = serde_json::from_value(outcome.value.clone());

    let mut problems: Vec<Problem> = unreadable.into_iter().map(at_place).collect();
    problems.extend(outcome.found.iter().map(|(at, finding)| finding.clone().problem(*at, &names)));
    let located = |finding: Finding| {
        let at = outcome.place(&finding.at);
        finding.problem(at, &names)
    };
    problems.extend(misplaced.into_iter().map(located));
    match &policy {
        Ok(policy) => {
            let broken = rules::broken(policy).into_iter().filter(|f| f.stands(&outcome.replaced));
            // An unsupported feature is reported even if other parts are invalid, because no sample contains one.
            problems.extend(broken.chain(unsupported::in_policy(policy)).map(located));
        }
        // The check and the types disagree, so the file must be rejected.
        Err(error) if problems.is_empty() => problems.push(located(Finding::new("", error.to_string()))),
        Err(_) => {}
    }
    problems.sort_by_key(|problem| (problem.line, problem.column));
    match policy {
        Ok(policy) if problems.is_empty() => {
            let mut warnings: Vec<Problem> = warn::findings(&policy).into_iter().map(located).collect();
            warnings.sort_by_key(|problem| (problem.line, problem.column));
            Ok(Checked { policy, warnings })
        }
        _ => Err(fail(problems)),
    }
}

/// Reads a policy as stored in the ledger.
///
/// # Errors
/// [`PolicyError`] if the stored JSON is not a policy of this version, or uses features that this version does not
/// support. A newer version has accepted it in that case, and applying only a part of it would be worse than
/// stopping.
pub fn parse_applied(model: &str, json: &str) -> Result<Policy, PolicyError> {
    let fail = |problems| PolicyError { file: format!("the applied policy of {model}"), problems };
    let policy: Policy = serde_json::from_str(json).map_err(|error| {
        let number = |n: usize| u64::try_from(n).unwrap_or_default();
        let (line, column) = (number(error.line()), number(error.column()));
        fail(vec![Problem { line, column, path: String::new(), message: error.to_string() }])
    })?;
    let names: Vec<String> = policy.environments.iter().map(|e| e.name.to_string()).collect();
    let wishes = unsupported::in_policy(&policy);
    if wishes.is_empty() {
        Ok(policy)
    } else {
        Err(fail(wishes.into_iter().map(|finding| finding.problem((0, 0), &names)).collect()))
    }
}

impl Outcome {
    /// The place of a field, or of the nearest parent section that exists in the file.
    fn place(&self, path: &str) -> At {
        let mut path = path;
        loop {
            if let Some(at) = self.spots.get(path) {
                return *at;
            }
            match path.rsplit_once('/') {
                Some((section, _)) => path = section,
                None if path.is_empty() => return (1, 1),
                None => path = "",
            }
        }
    }
}

/// The names of the environments, for the paths; empty if a name is itself invalid.
fn names(outcome: &Outcome) -> Vec<String> {
    let environments = outcome.value.get("environments").and_then(serde_json::Value::as_array);
    let name = |(index, environment): (usize, &serde_json::Value)| {
        let known = !outcome.replaced.contains(&format!("environments/{index}/name"));
        let name = environment.get("name").and_then(serde_json::Value::as_str);
        name.filter(|_| known).unwrap_or_default().to_owned()
    };
    environments.into_iter().flatten().enumerate().map(name).collect()
}

fn at_place(error: Unreadable) -> Problem {
    let (line, column) = error.at;
    Problem { line, column, path: String::new(), message: error.message }
}
