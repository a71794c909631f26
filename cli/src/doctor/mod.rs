//! Whether an installation is whole: what is there, what is switched on, what is stuck, and what fits together.

mod across;
mod admits;
mod facts;
mod policies;
mod stack;
#[cfg(test)]
mod tests;

use futures::future::join_all;
use serde_json::json;

use crate::Failure;
use crate::ledgers::Ledgers;
use crate::print::{BAD, FAINT, GOOD, STRONG, WAITING, paint, say};
use facts::Facts;

/// The version that every function should have: this command's own.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Looks at every stack and prints a line for each thing that was looked at.
pub(crate) async fn run(ledgers: &Ledgers, json: bool) -> Result<(), Failure> {
    let places = ledgers.open().await?;
    let facts = join_all(places.iter().map(Facts::gather)).await;
    let checks = examine(&facts, VERSION);
    let width = facts.iter().map(|facts| facts.place.chars().count()).max().unwrap_or_default();
    for check in &checks {
        if json {
            say(&check.as_json().to_string());
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

/// Every check of everything that was seen. Pure.
fn examine(facts: &[Facts], version: &str) -> Vec<Check> {
    let of_stacks = facts.iter().flat_map(|facts| stack::checks(facts, version));
    of_stacks.chain(across::checks(facts)).chain(policies::checks(facts)).collect()
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// As it should be.
    Ok,
    /// Not as it should be.
    Problem,
    /// Not to be seen from the ledgers that were given.
    Unchecked,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Check {
    /// The ledger, and with it the account.
    place: String,
    /// What kind of thing: `stack`, `rules`, …
    area: &'static str,
    state: State,
    /// What was found.
    said: String,
    /// What to do about it.
    fix: Option<String>,
}

impl Check {
    fn ok(place: &str, area: &'static str, said: impl Into<String>) -> Self {
        Self { place: place.to_owned(), area, state: State::Ok, said: said.into(), fix: None }
    }

    fn problem(place: &str, area: &'static str, said: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { state: State::Problem, fix: Some(fix.into()), ..Self::ok(place, area, said) }
    }

    fn unchecked(place: &str, area: &'static str, said: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { state: State::Unchecked, fix: Some(fix.into()), ..Self::ok(place, area, said) }
    }

    /// Something that could not be looked at, which may hide anything.
    fn unseen(place: &str, area: &'static str, error: &str) -> Self {
        Self::problem(place, area, error, "docs/cli.md lists the permissions that doctor needs")
    }

    fn print(&self, width: usize) {
        let (style, word) = match self.state {
            State::Ok => (GOOD, "ok"),
            State::Problem => (BAD, "problem"),
            State::Unchecked => (WAITING, "unchecked"),
        };
        let (word, place) = (format!("{word:<9}"), format!("{:<width$}", self.place));
        say(&format!("{}  {}  {}: {}", paint(style, &word), paint(STRONG, &place), self.area, self.said));
        if let Some(fix) = &self.fix {
            say(&format!("           {} {fix}", paint(FAINT, "fix:")));
        }
    }

    fn as_json(&self) -> serde_json::Value {
        let state = match self.state {
            State::Ok => "ok",
            State::Problem => "problem",
            State::Unchecked => "unchecked",
        };
        json!({ "ledger": self.place, "area": self.area, "state": state, "said": self.said, "fix": self.fix })
    }
}
