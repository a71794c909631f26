//! What train can ask of AWS.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::{State, token_of_last};
use crate::file::Policy;
use crate::step::Step;

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Create or update the pipeline from a file of a commit.
    UpsertPipeline {
        /// The pipeline's name.
        pipeline: String,
        /// The repository, as the policy names it.
        repository: String,
        /// The commit.
        commit: String,
        /// The file's path.
        path: String,
        /// SHA-256 of the file, hexadecimal: what was decided about is what is installed.
        sha256: String,
        /// Whether the pipeline has to be created.
        create: bool,
        /// The client token of the creation.
        token: String,
    },
    /// Start an execution.
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
    },
}

/// Whether an action is still wanted: not if its branch has trained with another commit since, nor if anything has
/// started the pipeline since it was to be trained again.
#[must_use]
pub fn still_applies(policy: &Policy, state: &State, step: &Step<Action>) -> bool {
    let Step::Call(Action::UpsertPipeline { token, .. } | Action::StartExecution { token, .. }) = step else {
        return true;
    };
    state.last_start.as_ref().is_some_and(|last| last.token == *token)
        || state.commits.keys().any(|at| token_of_last(policy, state, at).as_ref() == Some(token))
}
