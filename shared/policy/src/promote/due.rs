//! The environment that comes next.

use super::{EnvironmentStatus, Promotion};
use crate::file::{Environment, Policy};
use crate::reason::Reason;

/// The environment that a promotion must enter next.
pub(super) struct Due<'p> {
    /// The environment.
    pub(super) next: &'p Environment,
    /// The environment before it; `None` for the first one.
    pub(super) previous: Option<&'p Environment>,
}

/// The first environment, in the current order of the policy, in which the version has not succeeded; `None` if it
/// has succeeded in all of them. A rollback enters only the environments that go back. An environment that is added to the policy during a promotion is not skipped either.
pub(super) fn due<'p>(policy: &'p Policy, promotion: &Promotion) -> Option<Due<'p>> {
    let mut previous = None;
    let goes_back = |environment: &&Environment| {
        promotion.rollback.as_ref().is_none_or(|back| back.environments.contains(environment.name.as_str()))
    };
    for next in policy.environments.iter().filter(goes_back) {
        match promotion.environments.get(next.name.as_str()) {
            Some(EnvironmentStatus::Succeeded { .. }) => previous = Some(next),
            _ => return Some(Due { next, previous }),
        }
    }
    None
}

impl Due<'_> {
    /// Whether a deployment was already requested in the environment, whatever the outcome.
    pub(super) fn is_asked(&self, promotion: &Promotion) -> bool {
        promotion.environments.contains_key(self.next.name.as_str())
    }

    /// The default reason for entering the environment: the preceding soak is over, or the version was approved.
    pub(super) fn why(&self, version: u64) -> Reason {
        match self.previous {
            Some(previous) => Reason::SoakEnded { previous: previous.name.to_string() },
            None => Reason::Approved { version },
        }
    }
}
