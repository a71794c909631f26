//! Invariants of the gates that stop a version until a time.

use jiff::Timestamp;

use super::Checker;
use crate::check::{Invariant, Violations};
use crate::file::Environment;
use crate::freeze::{Freeze, Freezes};
use crate::hold::ALL;
use crate::promote::{State, Trigger};

impl Checker<'_> {
    /// Neither a person nor the policy froze the environment. Freezes that were not read may be in effect.
    pub(super) fn not_frozen(&mut self, environment: &Environment) {
        let (name, now) = (environment.name.as_str(), self.cx.now);
        let stands = |freezes: &Freezes| {
            let mut here = freezes.placed.iter().filter(|(place, _)| *place == name || *place == ALL);
            here.any(|(_, freeze)| now < freeze.until)
        };
        let fleet = self.seen.gates.fleet.as_ref().is_none_or(stands);
        let policy = environment.gates.freeze.iter().any(|period| {
            let zone = period.time_zone.as_str();
            period.from.begins(zone).is_none_or(|from| from <= now)
                && period.to.ends(zone).is_none_or(|to| now < to)
        });
        let frozen = fleet || policy || stands(&self.next.freezes);
        self.violations.require(!frozen, Invariant::FreezeIgnored, || {
            format!("{name} is asked at {now}, and a freeze is in effect")
        });
    }
}

/// Only a person's event changes a freeze, and only the one that it concerns.
pub(super) fn freezes(
    violations: &mut Violations,
    before: &State,
    after: &State,
    trigger: Option<&Trigger>,
    now: Timestamp,
) {
    let place = |environment: &Option<String>| environment.clone().unwrap_or_else(|| ALL.to_owned());
    let placed = match trigger {
        Some(Trigger::Freeze(said)) => Some((place(&said.environment), said.at)),
        _ => None,
    };
    let lifted = match trigger {
        Some(Trigger::FreezeLift(said)) => Some((place(&said.environment), said.at)),
        _ => None,
    };
    let replaced = |name: &String, freeze: &Freeze| {
        placed.as_ref().is_some_and(|(of, at)| of == name && freeze.at < *at)
    };
    let ended = |name: &String, freeze: &Freeze| {
        lifted.as_ref().is_some_and(|(of, at)| (of == ALL || of == name) && freeze.at < *at)
    };
    let kept = before.freezes.placed.iter().filter(|(_, freeze)| now < freeze.until).all(|(name, freeze)| {
        after.freezes.placed.get(name) == Some(freeze) || replaced(name, freeze) || ended(name, freeze)
    });
    let asked = after.freezes.placed.iter().all(|(name, freeze)| {
        before.freezes.placed.get(name) == Some(freeze)
            || placed.as_ref().is_some_and(|(of, at)| of == name && freeze.at == *at)
    });
    violations.require(kept && asked, Invariant::FreezeChanged, || {
        format!("freezes {:?} became {:?}", before.freezes, after.freezes)
    });
}
