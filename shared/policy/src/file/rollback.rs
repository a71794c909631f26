//! When an environment goes back to the version that it served before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::Duration;

/// When an environment goes back to the version that it served before. A person can always request it with
/// `tidegate rollback`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rollback {
    /// What happens if the version serves, but its verification failed.
    #[serde(default, skip_serializing_if = "Response::is_default")]
    pub on_failure: Response,
    /// What happens if the live version is rejected in the registry.
    #[serde(default, skip_serializing_if = "Response::is_default")]
    pub on_rejection: Response,
    /// Whether the other environments in which the version serves go back as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all_environments: bool,
    /// How often the environment may go back without a person; 2 times in 7 days where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<RollbackLimit>,
}

/// The response to a version that should not serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Response {
    /// People are told that it serves, and how to go back.
    #[default]
    Alert,
    /// The environment goes back to the version that succeeded before.
    RollBack,
}

/// How often an environment may go back without a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollbackLimit {
    /// How many times.
    #[schemars(range(min = 1))]
    pub rollbacks: u32,
    /// The time in which they are counted.
    pub per: Duration,
}

impl Rollback {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// How often the environment may go back without a person, and in which time in seconds.
    #[must_use]
    pub fn limit(&self) -> (u32, jiff::SignedDuration) {
        match &self.limit {
            Some(limit) => (limit.rollbacks, limit.per.signed()),
            None => (2, jiff::SignedDuration::from_hours(7 * 24)),
        }
    }
}

impl Response {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it may skip by reference")]
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
