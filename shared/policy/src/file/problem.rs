//! Problems of a policy, and their messages.

use std::fmt;

/// One error or warning about a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1; 0 if there is no text.
    pub line: u64,
    /// The column in characters, from 1; 0 if there is no text.
    pub column: u64,
    /// The field, such as `environments.staging.endpoint.kind`; empty for the file as a whole.
    pub path: String,
    /// What was found, what was expected, and why.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "{}:{}: ", self.line, self.column)?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// A policy file that cannot be used, with all its problems. Its text form has one line for each problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    /// The given name of the file.
    pub file: String,
    /// The problems, in the order of the file. At least one.
    pub problems: Vec<Problem>,
}

impl std::error::Error for PolicyError {}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            let colon = if problem.line > 0 { ":" } else { ": " };
            write!(f, "{}{colon}{problem}", self.file)?;
        }
        Ok(())
    }
}

/// A problem that a rule found: the field as `environments/0/endpoint/kind`, and the other fields that the rule used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The field.
    pub(super) at: String,
    /// The other fields that the rule used. If one of them is itself invalid, this finding is not reported.
    pub(super) because: Vec<String>,
    /// The message.
    pub(super) message: String,
}

impl Finding {
    pub(crate) fn new(at: impl Into<String>, message: impl Into<String>) -> Self {
        Self { at: at.into(), because: Vec::new(), message: message.into() }
    }

    /// Adds a field that the rule used.
    pub(crate) fn because(mut self, field: impl Into<String>) -> Self {
        self.because.push(field.into());
        self
    }

    /// Whether the finding is still meaningful, given the fields that are known to be invalid.
    pub(super) fn stands(&self, wrong: &[String]) -> bool {
        !wrong.iter().any(|w| {
            within(&self.at, w) || self.because.iter().any(|field| within(field, w) || within(w, field))
        })
    }

    /// The problem in the form for people; `names` are the names of the environments.
    pub(super) fn problem(self, (line, column): (u64, u64), names: &[String]) -> Problem {
        Problem { line, column, path: readable(&self.at, names), message: self.message }
    }
}

/// Whether `path` is `ancestor` or is below it.
pub(super) fn within(path: &str, ancestor: &str) -> bool {
    ancestor.is_empty()
        || path.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The path of a child.
pub(super) fn under(path: &str, step: &str) -> String {
    if path.is_empty() { step.to_owned() } else { format!("{path}/{step}") }
}

/// Converts `environments/0/endpoint` to `environments.staging.endpoint`, and any other list index to `branches[0]`.
fn readable(path: &str, names: &[String]) -> String {
    let mut text = String::new();
    for (depth, step) in path.split('/').enumerate() {
        let index = step.parse::<usize>().ok();
        let name = index.filter(|_| depth == 1 && text == "environments").and_then(|i| names.get(i));
        match (index, name) {
            (_, Some(name)) if !name.is_empty() => {
                text.push('.');
                text.push_str(name);
            }
            (Some(index), _) => text.push_str(&format!("[{index}]")),
            (None, _) => {
                if depth > 0 {
                    text.push('.');
                }
                text.push_str(step);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_readable() {
        let names = ["staging".to_owned(), String::new()];
        for (path, text) in [
            ("", ""),
            ("source/branches/1", "source.branches[1]"),
            ("environments/0/endpoint", "environments.staging.endpoint"),
            ("environments/1/endpoint", "environments[1].endpoint"),
            ("environments/2", "environments[2]"),
        ] {
            assert_eq!(readable(path, &names), text);
        }
        assert!(within("a/b", "a") && within("a", "a") && within("a", "") && !within("ab", "a"));
    }

    #[test]
    fn a_finding_that_rests_on_something_wrong_is_not_told() {
        let finding = Finding::new("a/b", "bad").because("c/d");
        assert!(finding.stands(&[]) && finding.stands(&["a/b/c".to_owned(), "c/e".to_owned()]));
        for wrong in ["a", "a/b", "c", "c/d", "c/d/e"] {
            assert!(!finding.stands(&[wrong.to_owned()]), "{wrong}");
        }
    }
}
