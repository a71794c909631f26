//! The parts of the policy language that this version reads but does not support yet.
//!
//! They are rejected when a policy is read, so that nobody relies on a gate or a guard that does not exist.

use super::problem::Finding;
use super::{DriftResponse, Environment, OnNewCommit, Policy};

/// The unsupported features that a policy uses.
pub(super) fn in_policy(policy: &Policy) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut refuse = |wished: bool, at: &str, what: &str| {
        if wished {
            found.push(not_yet(at, what));
        }
    };
    refuse(!policy.source.paths.is_empty(), "source/paths", "a path filter is");
    let definition = &policy.pipeline.definition;
    refuse(definition.build.is_some(), "pipeline/definition/build", "a definition built from the policy is");
    refuse(
        policy.pipeline.on_new_commit != OnNewCommit::Parallel,
        "pipeline/onNewCommit",
        "anything other than parallel is",
    );
    refuse(policy.alerts.topic != "default", "alerts/topic", "a topic other than default is");
    let response = policy.drift.as_ref().map(|drift| drift.response);
    refuse(response == Some(DriftResponse::RollBack), "drift/response", "rollBack is");
    if definition.file.is_some() && policy.source.repository.codecommit().is_none() {
        let what = "a definition from a repository that is not CodeCommit is";
        found.push(not_yet("pipeline/definition/file", what));
    }
    for (index, environment) in policy.environments.iter().enumerate() {
        found.extend(in_environment(&format!("environments/{index}"), environment));
    }
    found
}

fn in_environment(at: &str, environment: &Environment) -> Vec<Finding> {
    [(environment.monitor.is_some(), "monitor", "monitoring set up by Tidegate is")]
        .into_iter()
        .filter(|(wished, ..)| *wished)
        .map(|(_, field, what)| not_yet(&format!("{at}/{field}"), what))
        .collect()
}

fn not_yet(at: &str, what: &str) -> Finding {
    Finding::new(at, format!("{what} not supported by this version; remove it"))
}
