//! `tidegate doctor`: checks that an installation is complete, enabled and consistent, and that no event is stuck.

mod across;
mod admits;
mod facts;
mod policies;
mod stack;
#[cfg(test)]
mod tests;

use futures::future::join_all;
use serde_json::json;

use crate::ledgers::Ledgers;
use crate::print::{BAD, FAINT, GOOD, STRONG, WAITING, paint, print_json, print_line};
use crate::{Failure, credentials};
use facts::Facts;

/// The version that every function must have: the version of this command, with the commit that it was built from.
fn version() -> String {
    described(env!("CARGO_PKG_VERSION"), tidegate_build::COMMIT)
}

/// A version with its commit.
fn described(version: &str, commit: &str) -> String {
    format!("{version} ({commit})")
}

/// Checks every stack and prints a line for each check.
pub(crate) async fn run(ledgers: &Ledgers, json: bool) -> Result<(), Failure> {
    let places = ledgers.open().await?;
    let facts = join_all(places.iter().map(Facts::gather)).await;
    let checks = examine(&facts, &version());
    let width = facts.iter().map(|facts| facts.place.chars().count()).max().unwrap_or_default();
    for check in &checks {
        if json {
            print_json(&check.as_json().to_string());
        } else {
            check.print(width);
        }
    }
    match checks.iter().filter(|check| check.state == State::Problem).count() {
        0 => Ok(()),
        1 => Err(Failure::Ledger("there is one problem".to_owned())),
        problems => Err(Failure::Ledger(format!("there are {problems} problems"))),
    }
}

/// Returns every check of the facts. This function is pure.
fn examine(facts: &[Facts], version: &str) -> Vec<Check> {
    let of_stacks = facts.iter().flat_map(|facts| stack::checks(facts, version));
    of_stacks.chain(across::checks(facts)).chain(policies::checks(facts)).collect()
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No problem was found.
    Ok,
    /// A problem was found.
    Problem,
    /// The specified ledgers do not show whether there is a problem.
    Unchecked,
}

/// One check with its result.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Check {
    /// The name of the ledger, which also identifies the account.
    place: String,
    /// The subject of the check, such as `stack` or `rules`.
    area: &'static str,
    state: State,
    /// The finding.
    finding: String,
    /// How to fix the problem.
    fix: Option<String>,
}

impl Check {
    fn ok(place: &str, area: &'static str, finding: impl Into<String>) -> Self {
        Self { place: place.to_owned(), area, state: State::Ok, finding: finding.into(), fix: None }
    }

    fn problem(place: &str, area: &'static str, finding: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { state: State::Problem, fix: Some(fix.into()), ..Self::ok(place, area, finding) }
    }

    fn unchecked(
        place: &str,
        area: &'static str,
        finding: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { state: State::Unchecked, fix: Some(fix.into()), ..Self::ok(place, area, finding) }
    }

    /// A fact that could not be read. It may hide any problem.
    fn unreadable(place: &str, area: &'static str, error: &str) -> Self {
        let profile = place.split_once('=').map(|(profile, _)| profile);
        match credentials::problem(profile, error) {
            Some((what, how)) => Self::problem(place, area, what, how),
            None => Self::problem(place, area, error, "docs/cli.md lists the permissions that doctor needs"),
        }
    }

    fn print(&self, width: usize) {
        let (style, word) = match self.state {
            State::Ok => (GOOD, "ok"),
            State::Problem => (BAD, "problem"),
            State::Unchecked => (WAITING, "unchecked"),
        };
        let (word, place) = (format!("{word:<9}"), format!("{:<width$}", self.place));
        print_line(&format!(
            "{}  {}  {}: {}",
            paint(style, &word),
            paint(STRONG, &place),
            self.area,
            self.finding
        ));
        if let Some(fix) = &self.fix {
            print_line(&format!("           {} {fix}", paint(FAINT, "fix:")));
        }
    }

    fn as_json(&self) -> serde_json::Value {
        let state = match self.state {
            State::Ok => "ok",
            State::Problem => "problem",
            State::Unchecked => "unchecked",
        };
        json!({ "ledger": self.place, "area": self.area, "state": state, "said": self.finding, "fix": self.fix })
    }
}
