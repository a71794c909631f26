//! Which environment comes next.

use jiff::Timestamp;

use super::{EnvironmentStatus, Promotion};
use crate::file::{Environment, Policy};

/// The environment that a promotion must enter next.
pub(super) struct Due<'p> {
    /// The environment.
    pub(super) next: &'p Environment,
    /// The one before it, and when the version succeeded there. None comes before the first.
    pub(super) previous: Option<(&'p Environment, Timestamp)>,
}

/// The first environment, in the order of the policy as it is now, in which the version has not succeeded; `None` if it
/// has in all. A policy may gain an environment while a version is on its way: that one is not skipped either.
pub(super) fn due<'p>(policy: &'p Policy, promotion: &Promotion) -> Option<Due<'p>> {
    let mut previous = None;
    for next in &policy.environments {
        match promotion.environments.get(next.name.as_str()) {
            Some(EnvironmentStatus::Succeeded { at }) => previous = Some((next, *at)),
            _ => return Some(Due { next, previous }),
        }
    }
    None
}

impl Due<'_> {
    /// When the soak in the environment before is over; `None` if there is none to wait for.
    pub(super) fn soaks_until(&self, now: Timestamp) -> Option<Timestamp> {
        let (_, at) = self.previous?;
        let until = at.checked_add(self.next.gates.soak?.signed()).unwrap_or(Timestamp::MAX);
        Some(until).filter(|until| *until > now)
    }

    /// Whether the environment was asked already, whatever came of it.
    pub(super) fn is_asked(&self, promotion: &Promotion) -> bool {
        promotion.environments.contains_key(self.next.name.as_str())
    }
}
