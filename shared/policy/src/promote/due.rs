//! Which environment comes next.

use super::{EnvironmentStatus, Promotion};
use crate::file::{Environment, Policy};
use crate::reason::Reason;

/// The environment that a promotion must enter next.
pub(super) struct Due<'p> {
    /// The environment.
    pub(super) next: &'p Environment,
    /// The one before it; none comes before the first.
    pub(super) previous: Option<&'p Environment>,
}

/// The first environment, in the order of the policy as it is now, in which the version has not succeeded; `None` if it
/// has in all. A policy may gain an environment while a version is on its way: that one is not skipped either.
pub(super) fn due<'p>(policy: &'p Policy, promotion: &Promotion) -> Option<Due<'p>> {
    let mut previous = None;
    for next in &policy.environments {
        match promotion.environments.get(next.name.as_str()) {
            Some(EnvironmentStatus::Succeeded { .. }) => previous = Some(next),
            _ => return Some(Due { next, previous }),
        }
    }
    None
}

impl Due<'_> {
    /// Whether the environment was asked already, whatever came of it.
    pub(super) fn is_asked(&self, promotion: &Promotion) -> bool {
        promotion.environments.contains_key(self.next.name.as_str())
    }

    /// Why the environment is entered, if nothing else says it: the soak before it is over, or the version was approved.
    pub(super) fn why(&self, version: u64) -> Reason {
        match self.previous {
            Some(previous) => Reason::SoakEnded { previous: previous.name.to_string() },
            None => Reason::Approved { version },
        }
    }
}
