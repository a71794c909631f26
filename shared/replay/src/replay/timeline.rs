//! Future events of the simulation.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BinaryHeap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tidegate_events::Event;

/// A future event.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Pending {
    /// A Tidegate event arrives at a site.
    Event(Arc<Event>),
    /// A one-time schedule fires.
    Wake {
        /// Its name.
        name: String,
        /// The input for the function.
        input: Value,
    },
    /// An endpoint that was changed comes into service.
    Settles {
        /// The endpoint.
        endpoint: String,
    },
}

/// All future events, sorted by time, then by the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    times: BinaryHeap<Reverse<(Timestamp, u64)>>,
    pending: BTreeMap<u64, (usize, Pending)>,
    count: u64,
}

impl Timeline {
    /// Adds a future event at a site.
    pub(super) fn put(&mut self, at: Timestamp, site: usize, pending: Pending) {
        self.times.push(Reverse((at, self.count)));
        self.pending.insert(self.count, (site, pending));
        self.count = self.count.saturating_add(1);
    }

    /// The time of the next event.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.times.peek().map(|Reverse((at, _))| *at)
    }

    /// Removes and returns the next event.
    pub(super) fn take(&mut self) -> Option<(Timestamp, usize, Pending)> {
        let Reverse((at, number)) = self.times.pop()?;
        let (site, pending) = self.pending.remove(&number)?;
        Some((at, site, pending))
    }
}
