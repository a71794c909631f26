//! The policy file from the outside: what is read, what is refused, and in which words.

mod bad;
mod examples;
mod properties;
mod schema;
mod together;

use super::{PolicyError, parse};

/// The policy that most tests start from.
const CHURN: &str = include_str!("../../../../events/policies/churn.yaml");

/// The policy with one passage changed.
fn changed(from: &str, to: &str) -> String {
    assert!(CHURN.contains(from), "the example has no `{from}`");
    CHURN.replacen(from, to, 1)
}

/// Everything that is wrong with a text.
fn refused(text: &str) -> PolicyError {
    match parse("churn.yaml", text) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(error) => error,
    }
}
