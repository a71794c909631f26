//! Holds change only because of a person's event.

use jiff::Timestamp;
use tidegate_events::{HoldPlaced, HoldReleased, is_ahead};

use super::{Invariant, Violations};
use crate::hold::{ALL, Hold, Holds, Released};

/// A person's command about a hold.
#[derive(Clone, Copy)]
pub(crate) enum HoldCommand<'a> {
    /// Place a hold.
    Hold(&'a HoldPlaced),
    /// Release a hold.
    Release(&'a HoldReleased),
    /// Keep a version somewhere, because a person approved an older version or requested a rollback.
    Keep {
        /// The environment, or every one.
        place: &'a str,
        /// The version.
        version: u64,
    },
    /// No command: another event.
    Nothing,
}

impl Violations {
    /// Only a person's event changes a hold, and only the one that it concerns.
    pub(crate) fn holds(
        &mut self,
        before: (&Holds, &Released),
        after: (&Holds, &Released),
        command: HoldCommand<'_>,
        now: Timestamp,
    ) {
        let (placed, released) = match command {
            HoldCommand::Hold(hold) => (Some(hold.environment.as_deref().unwrap_or(ALL)), None),
            HoldCommand::Release(release) => {
                (None, Some((release.environment.as_deref().unwrap_or(ALL), release.at)))
            }
            HoldCommand::Nothing | HoldCommand::Keep { .. } => (None, None),
        };
        let keeps = |place: &str, hold: &Hold| match command {
            HoldCommand::Keep { place: kept, version } => kept == place && hold.keeps == Some(version),
            _ => false,
        };
        for (place, hold) in before.0 {
            let kept = after.0.get(place) == Some(hold);
            let kept_instead = || after.0.get(place).is_some_and(|later| keeps(place, later));
            let replaced = (placed == Some(place.as_str()) && after.0.contains_key(place))
                || (hold.keeps.is_some() && kept_instead());
            let ended = released.is_some_and(|(of, at)| {
                (of == ALL || of == place) && (hold.at < at || is_ahead(hold.at, now))
            });
            self.require(kept || replaced || ended, Invariant::HoldChanged, || {
                format!("the hold of {} on {place} is gone or another", hold.by)
            });
        }
        for (place, hold) in after.0 {
            let asked = before.0.contains_key(place) || placed == Some(place.as_str()) || keeps(place, hold);
            self.require(asked, Invariant::HoldChanged, || {
                format!("a hold of {} on {place} appeared", hold.by)
            });
        }
        self.releases(before.1, after.1, released, now);
    }

    /// A release is stored in the state, because the hold that it ended may arrive after it.
    fn releases(
        &mut self,
        before: &Released,
        after: &Released,
        released: Option<(&str, Timestamp)>,
        now: Timestamp,
    ) {
        let kept = before
            .iter()
            .all(|(place, at)| after.get(place).is_some_and(|later| later >= at || is_ahead(*at, now)));
        let asked =
            after.iter().all(|(place, at)| before.get(place) == Some(at) || released == Some((place, *at)));
        self.require(kept && asked, Invariant::HoldChanged, || {
            format!("releases {before:?} became {after:?}")
        });
    }
}
