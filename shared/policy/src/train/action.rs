//! The AWS calls that train can plan.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::{State, token_of_last};
use crate::file::Policy;
use crate::step::Step;

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Creates or updates the pipeline from a file of a commit.
    UpsertPipeline {
        /// The pipeline's name.
        pipeline: String,
        /// The repository, as named in the policy.
        repository: String,
        /// The commit.
        commit: String,
        /// The file's path.
        path: String,
        /// SHA-256 of the file, in hexadecimal: ensures that the installed file is the one in the decision.
        sha256: String,
        /// Whether the pipeline has to be created.
        create: bool,
        /// The ARN of its role, if the policy names one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<String>,
        /// The ARN of the role that replaces the roles of the file's steps.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step_role: Option<String>,
        /// The client token of the creation.
        token: String,
        /// Its tags, if it has to be created.
        #[serde(default)]
        tags: Vec<(String, String)>,
    },
    /// Adds the tags that an existing pipeline does not have.
    TagPipeline {
        /// The pipeline's name.
        pipeline: String,
        /// Its ARN.
        arn: String,
        /// The tags.
        tags: Vec<(String, String)>,
        /// The client token of the execution that follows.
        token: String,
    },
    /// Starts an execution.
    StartExecution {
        /// The pipeline's name.
        pipeline: String,
        /// The client token: 64 characters, the same for the same cause.
        token: String,
        /// The display name.
        display_name: String,
        /// One line for people.
        description: String,
        /// The parameters.
        parameters: BTreeMap<String, String>,
        /// The fingerprint of the definition that the execution must run, whatever the pipeline has by then; `None` in a
        /// plan of an earlier version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        definition: Option<String>,
    },
}

/// The start of an execution, as [`Action::StartExecution`] requests it.
#[derive(Debug, Clone, PartialEq)]
pub struct StartRequest<'a> {
    /// The pipeline's name.
    pub pipeline: &'a str,
    /// The client token.
    pub token: &'a str,
    /// The display name.
    pub display_name: &'a str,
    /// One line for people.
    pub description: &'a str,
    /// The parameters.
    pub parameters: &'a BTreeMap<String, String>,
    /// The version of the pipeline's definition; `None` if the pipeline has no versions.
    pub version: Option<i64>,
}

/// Whether an action is still needed: it is not if another commit of its branch has trained since, or, for a
/// retraining, if anything else has started the pipeline since.
#[must_use]
pub fn still_applies(policy: &Policy, state: &State, step: &Step<Action>) -> bool {
    let Step::Call(
        Action::UpsertPipeline { token, .. }
        | Action::TagPipeline { token, .. }
        | Action::StartExecution { token, .. },
    ) = step
    else {
        return true;
    };
    state.last_start.as_ref().is_some_and(|last| last.token == *token)
        || state.commits.keys().any(|at| token_of_last(policy, state, at).as_ref() == Some(token))
}
