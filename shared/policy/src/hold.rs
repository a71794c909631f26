//! Holds: a person stops automatic actions until a person releases the hold.
//!
//! Events arrive in any order, so only the times at which people gave the commands count. A target is held while its
//! newest hold is not older than its newest release. If a hold and a release have the same time, the hold is in
//! effect.
//!
//! The parser refuses a command from the future. A state that an earlier build wrote may contain one: such a release
//! counts for nothing, and any release ends such a hold.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tidegate_events::{HoldPlaced, HoldReleased, is_ahead};

use crate::reason::Reason;

/// The key that means every environment of the model.
pub const ALL: &str = "*";

/// A person's hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hold {
    /// When it was placed.
    pub at: Timestamp,
    /// Who placed it.
    pub by: String,
    /// The reason, in the person's words.
    pub reason: String,
    /// The version that the hold keeps: it may still be deployed, and no other one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeps: Option<u64>,
}

/// The holds that are in effect, by environment or [`ALL`].
pub type Holds = BTreeMap<String, Hold>;

/// When each environment, or [`ALL`], was last released.
pub type Released = BTreeMap<String, Timestamp>;

impl Hold {
    /// The hold that a person placed.
    #[must_use]
    pub fn placed(placed: &HoldPlaced) -> Self {
        Self { at: placed.at, by: placed.by.clone(), reason: placed.reason.clone(), keeps: None }
    }

    /// The reason for waiting for this hold.
    #[must_use]
    pub fn why(&self) -> Reason {
        Reason::Held { by: self.by.clone(), why: self.reason.clone(), since: self.at }
    }
}

/// The hold that is in effect in an environment: its own, or the one on the whole model.
#[must_use]
pub fn on<'h>(holds: &'h Holds, environment: &str) -> Option<&'h Hold> {
    holds.get(environment).or_else(|| holds.get(ALL))
}

/// The hold because of which a version cannot enter an environment: one on the environment or on the whole model that
/// does not keep this version. A person's command to deploy the version passes the holds of before.
#[must_use]
pub fn against<'h>(
    holds: &'h Holds,
    environment: &str,
    version: u64,
    commanded_at: Option<Timestamp>,
) -> Option<&'h Hold> {
    let holds = [environment, ALL].into_iter().filter_map(|place| holds.get(place));
    let mut stands = holds.filter(|hold| commanded_at.is_none_or(|at| hold.at > at));
    stands.find(|hold| hold.keeps != Some(version))
}

/// Records a hold.
///
/// # Errors
/// Why the hold changes nothing.
pub(crate) fn place(
    holds: &mut Holds,
    released: &Released,
    placed: &HoldPlaced,
    now: Timestamp,
) -> Result<(), Reason> {
    let place = placed.environment.as_deref().unwrap_or(ALL);
    let over =
        [place, ALL].into_iter().filter_map(|key| released.get(key)).filter(|at| !is_ahead(**at, now)).max();
    if let Some(since) = over.filter(|since| **since > placed.at) {
        return Err(Reason::OlderHold { released: *since });
    }
    let hold = Hold::placed(placed);
    match holds.get(place) {
        Some(standing) if *standing >= hold && !is_ahead(standing.at, now) => {
            Err(Reason::AlreadyHeld { by: standing.by.clone(), since: standing.at })
        }
        _ => {
            holds.insert(place.to_owned(), hold);
            Ok(())
        }
    }
}

/// Places a hold that keeps a version. A hold that a person placed on everything stays, and so does a later release.
///
/// Returns whether the hold is in effect.
pub(crate) fn keep(holds: &mut Holds, released: &Released, place: &str, hold: Hold) -> bool {
    let over = [place, ALL].into_iter().filter_map(|key| released.get(key)).any(|at| *at > hold.at);
    let standing = holds.get(place).is_some_and(|standing| standing.keeps.is_none());
    if over || standing {
        return false;
    }
    holds.insert(place.to_owned(), hold);
    true
}

/// Records a release. It is stored even if it releases nothing, because its hold may arrive after it.
///
/// # Errors
/// Why nothing is released.
pub(crate) fn release(
    holds: &mut Holds,
    released: &mut Released,
    release: &HoldReleased,
    now: Timestamp,
) -> Result<(), Reason> {
    let place = release.environment.as_deref().unwrap_or(ALL);
    let last = released.entry(place.to_owned()).or_insert(release.at);
    *last = if is_ahead(*last, now) { release.at } else { release.at.max(*last) };
    let before = holds.len();
    let stands = |hold: &Hold| hold.at >= release.at && !is_ahead(hold.at, now);
    holds.retain(|held, hold| (place != ALL && held != place) || stands(hold));
    if holds.len() < before {
        return Ok(());
    }
    let standing = if place == ALL { holds.values().next() } else { on(holds, place) };
    Err(standing.map_or_else(|| Reason::NotHeld { place: place_in_words(place) }, Hold::why))
}

/// The target of a hold, as text for a sentence.
pub(crate) fn place_in_words(place: &str) -> String {
    if place == ALL { "every environment".to_owned() } else { place.to_owned() }
}
