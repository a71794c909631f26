//! What is remembered of the sources: which of them saw drift, and when each last spoke.

use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

use super::{Observation, State, after as later};
use crate::reason::Reason;

/// How many sources are remembered: one that takes a new name each time must not fill the ledger.
const SOURCES: usize = 20;

/// A source that saw drift and has been silent for so long is gone, like a monitoring schedule that was deleted. It
/// will never report an end, and must not be waited for.
const SILENT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Why a observation counts no more: its source has said something newer since, and this was told late.
pub(super) fn older(state: &State, observation: &Observation) -> Option<Reason> {
    let (source, at) = observation.source()?;
    let newest = state.last_report_at.get(source)?;
    (at? < *newest).then(|| Reason::OlderObservation { source: source.to_owned(), newest: *newest })
}

/// The state after a observation. Attempts are counted until no source sees drift any more: that one is calm says nothing of
/// what another sees.
pub(super) fn after(state: &State, observation: &Observation, now: Timestamp) -> State {
    let mut next = state.clone();
    next.drifting.retain(|_, at| later(*at, SILENT) > now);
    if let Some((source, Some(at))) = observation.source() {
        next.last_report_at.insert(source.to_owned(), at);
        keep_newest(&mut next.last_report_at);
    }
    match observation {
        Observation::Drift { source, .. } => {
            next.drifting.insert(source.clone(), now);
            keep_newest(&mut next.drifting);
        }
        Observation::NoDrift { source, .. } => {
            // So also where nobody is known to have told of drift, as in a state of an early version.
            next.drifting.remove(source);
            if next.drifting.is_empty() {
                next.attempts = 0;
            }
        }
        Observation::Inconclusive(_) => {}
    }
    next
}

fn keep_newest(times: &mut BTreeMap<String, Timestamp>) {
    let oldest = |times: &BTreeMap<String, Timestamp>| {
        times.iter().min_by_key(|(_, at)| **at).map(|(name, _)| name.clone())
    };
    while times.len() > SOURCES {
        oldest(times).and_then(|name| times.remove(&name));
    }
}
