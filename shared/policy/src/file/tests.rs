//! Tests of the public interface of the policy file: what is accepted, what is rejected, and with which messages.

mod bad;
mod examples;
mod hosting;
mod properties;
mod queue;
mod schema;
mod settings;
mod tags;
mod together;

use super::{PolicyError, parse};

/// The policy on which most tests are based.
const CHURN: &str = include_str!("../../../../events/policies/churn.yaml");

/// The policy with one passage replaced.
fn changed(from: &str, to: &str) -> String {
    assert!(CHURN.contains(from), "the example has no `{from}`");
    CHURN.replacen(from, to, 1)
}

/// All problems of a text.
fn refused(text: &str) -> PolicyError {
    match parse("churn.yaml", text) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(error) => error,
    }
}
