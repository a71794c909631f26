//! Freezes: people stop deployments until a time.
//!
//! As with holds, events arrive in any order, and only the times at which people gave the commands count. Of two freezes
//! of the same place, the one that was placed later counts. A freeze ends by itself; a person can end it earlier.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tidegate_events::{FreezeLifted, FreezePlaced, is_ahead};

use crate::hold::ALL;
use crate::reason::Reason;

/// The name in the ledger under which the freezes of every model are stored. No model can have this name.
pub const FLEET: &str = "*";

/// A person's freeze.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// When it was placed.
    pub at: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// Who placed it.
    pub by: String,
    /// The reason, in the person's words.
    pub reason: String,
}

/// The freezes of a model, or of every model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Freezes {
    /// The newest freeze of each environment, or of [`ALL`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub placed: BTreeMap<String, Freeze>,
    /// When the freezes of each environment, or of [`ALL`], were last lifted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lifted: BTreeMap<String, Timestamp>,
}

impl Freezes {
    /// Whether there is nothing to store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.placed.is_empty() && self.lifted.is_empty()
    }

    /// The freeze of an environment that ends last, if any is in effect.
    #[must_use]
    pub fn on(&self, environment: &str, now: Timestamp) -> Option<&Freeze> {
        let placed = [environment, ALL].into_iter().filter_map(|place| self.placed.get(place));
        placed.filter(|freeze| freeze.until > now).max_by_key(|freeze| freeze.until)
    }

    /// Records a freeze. Freezes that have ended are forgotten.
    ///
    /// # Errors
    /// Why the freeze changes nothing.
    pub(crate) fn place(&mut self, placed: &FreezePlaced, now: Timestamp) -> Result<(), Reason> {
        let place = placed.environment.as_deref().unwrap_or(ALL);
        if placed.until <= now {
            return Err(Reason::FreezeEnded { ended: placed.until });
        }
        let lifted = [place, ALL].into_iter().filter_map(|place| self.lifted.get(place)).max();
        if let Some(lifted) = lifted.filter(|lifted| **lifted > placed.at && !is_ahead(**lifted, now)) {
            return Err(Reason::OlderFreeze { lifted: *lifted });
        }
        self.placed.retain(|_, freeze| freeze.until > now);
        if let Some(newer) = self.placed.get(place).filter(|known| known.at >= placed.at) {
            return Err(Reason::NewerFreeze { by: newer.by.clone(), since: newer.at });
        }
        let FreezePlaced { at, until, by, reason, .. } = placed.clone();
        self.placed.insert(place.to_owned(), Freeze { at, until, by, reason });
        Ok(())
    }

    /// Records that a person ended freezes. It is stored even if it ends nothing, because its freeze may arrive after it.
    ///
    /// # Errors
    /// Why nothing ends.
    pub(crate) fn lift(&mut self, lifted: &FreezeLifted, now: Timestamp) -> Result<(), Reason> {
        let place = lifted.environment.as_deref().unwrap_or(ALL);
        let last = self.lifted.entry(place.to_owned()).or_insert(lifted.at);
        *last = lifted.at.max(*last);
        self.placed.retain(|_, freeze| freeze.until > now);
        let before = self.placed.len();
        self.placed.retain(|frozen, freeze| (place != ALL && frozen != place) || freeze.at >= lifted.at);
        if self.placed.len() < before {
            return Ok(());
        }
        Err(Reason::NotFrozen { scope: scope(lifted.model.as_deref(), lifted.environment.as_deref()) })
    }
}

impl Freeze {
    /// The reason for waiting for the end of this freeze. `model` is `None` for a freeze of every model.
    pub(crate) fn why(&self, model: Option<&str>, environment: Option<&str>) -> Reason {
        Reason::Frozen {
            scope: scope(model, environment),
            until: self.until,
            by: self.by.clone(),
            why: self.reason.clone(),
        }
    }
}

/// What a freeze concerns, as text for a sentence.
pub(crate) fn scope(model: Option<&str>, environment: Option<&str>) -> String {
    let models = model.map_or_else(|| "every model".to_owned(), ToOwned::to_owned);
    match environment.filter(|environment| *environment != ALL) {
        Some(environment) => format!("{models} in {environment}"),
        None => format!("{models} in every environment"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_772_000_000 + minutes * 60).unwrap()
    }

    fn place(environment: Option<&str>, at: i64, until: i64) -> FreezePlaced {
        FreezePlaced {
            model: None,
            environment: environment.map(ToOwned::to_owned),
            until: time(until),
            reason: "The quarter closes.".to_owned(),
            by: "alice".to_owned(),
            at: time(at),
        }
    }

    fn lift(environment: Option<&str>, at: i64) -> FreezeLifted {
        let environment = environment.map(ToOwned::to_owned);
        FreezeLifted { model: None, environment, by: "bob".to_owned(), at: time(at) }
    }

    #[test]
    fn a_freeze_applies_until_its_end() {
        let mut freezes = Freezes::default();
        freezes.place(&place(Some("production"), 0, 60), time(1)).unwrap();
        assert!(freezes.on("production", time(59)).is_some());
        assert!(freezes.on("production", time(60)).is_none());
        assert!(freezes.on("staging", time(1)).is_none());
        freezes.place(&place(None, 2, 90), time(2)).unwrap();
        assert_eq!(freezes.on("production", time(3)).unwrap().until, time(90));
    }

    #[test]
    fn the_order_of_delivery_does_not_matter() {
        let mut in_order = Freezes::default();
        in_order.place(&place(None, 0, 60), time(5)).unwrap();
        in_order.lift(&lift(None, 3), time(5)).unwrap();
        let mut reversed = Freezes::default();
        assert!(matches!(reversed.lift(&lift(None, 3), time(5)), Err(Reason::NotFrozen { .. })));
        let late = reversed.place(&place(None, 0, 60), time(5));
        assert!(matches!(late, Err(Reason::OlderFreeze { .. })));
        assert_eq!(in_order, reversed);
    }

    #[test]
    fn the_freeze_that_was_placed_later_counts_even_if_it_ends_earlier() {
        let mut freezes = Freezes::default();
        freezes.place(&place(None, 2, 30), time(5)).unwrap();
        let late = freezes.place(&place(None, 1, 60), time(5));
        assert!(matches!(late, Err(Reason::NewerFreeze { .. })));
        assert_eq!(freezes.on("production", time(5)).unwrap().until, time(30));
        let over = freezes.place(&place(None, 3, 4), time(5));
        assert!(matches!(over, Err(Reason::FreezeEnded { .. })));
    }

    #[test]
    fn an_environment_is_lifted_alone_or_with_all_others() {
        let mut freezes = Freezes::default();
        for place_of in [Some("staging"), Some("production"), None] {
            freezes.place(&place(place_of, 0, 60), time(1)).unwrap();
        }
        freezes.lift(&lift(Some("staging"), 2), time(2)).unwrap();
        // The freeze of every environment still applies to it.
        assert!(freezes.on("staging", time(3)).is_some());
        freezes.lift(&lift(None, 4), time(4)).unwrap();
        assert!(freezes.placed.is_empty());
    }
}
