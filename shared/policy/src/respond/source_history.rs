//! The history of drift sources: which of them reported drift, and when each last sent a report.

use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use tidegate_events::is_ahead;

use super::{Observation, State, after as later};
use crate::reason::Reason;

/// How many sources the state stores: a source that uses a new name each time must not fill the ledger.
const SOURCES: usize = 20;

/// A source that reported drift and has sent nothing for this time no longer counts; its monitoring schedule may have
/// been deleted. It will never report an end of drift, so nothing may wait for it.
const SILENT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Why an observation no longer counts: it arrived late, and its source has reported something newer since.
/// A time in the future, which an early version accepted, is not compared with.
pub(super) fn older(state: &State, observation: &Observation, now: Timestamp) -> Option<Reason> {
    let (source, at) = observation.source()?;
    let newest = state.last_report_at.get(source).filter(|newest| !is_ahead(**newest, now))?;
    (at? < *newest).then(|| Reason::OlderObservation { source: source.to_owned(), newest: *newest })
}

/// The state after an observation. Attempts are counted until no source reports drift: the end of drift at one source
/// says nothing about another.
pub(super) fn after(state: &State, observation: &Observation, now: Timestamp) -> State {
    let mut next = state.clone();
    next.drifting.retain(|_, at| later(*at, SILENT) > now);
    if let Some((source, Some(at))) = observation.source() {
        next.last_report_at.insert(source.to_owned(), at);
        keep_newest(&mut next.last_report_at);
    }
    match observation {
        Observation::Drift { source, feed_is_broken, .. } => {
            if !feed_is_broken {
                next.broken_feeds.remove(source);
            }
            next.drifting.insert(source.clone(), now);
            keep_newest(&mut next.drifting);
        }
        Observation::NoDrift { source, .. } => {
            // The same applies if no source is known to have reported drift, as in a state of an early version.
            next.drifting.remove(source);
            next.broken_feeds.remove(source);
            if next.drifting.is_empty() {
                next.attempts = 0;
                next.failed.clear();
            }
        }
        Observation::BrokenFeed { .. } | Observation::Inconclusive(_) => {}
    }
    next
}

pub(super) fn keep_newest(times: &mut BTreeMap<String, Timestamp>) {
    let oldest = |times: &BTreeMap<String, Timestamp>| {
        times.iter().min_by_key(|(_, at)| **at).map(|(name, _)| name.clone())
    };
    while times.len() > SOURCES {
        oldest(times).and_then(|name| times.remove(&name));
    }
}
