//! What will happen by itself, and when.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BinaryHeap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tidegate_events::Event;

/// Something that happens at a time.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Pending {
    /// An event of our own arrives at a site.
    Event(Arc<Event>),
    /// A one-time schedule fires.
    Wake {
        /// Its name.
        name: String,
        /// What it hands over.
        input: Value,
    },
    /// An endpoint that was changed is in service.
    Settles {
        /// The endpoint.
        endpoint: String,
    },
}

/// Everything to come, in the order of time, and of arrival where the time is the same.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    times: BinaryHeap<Reverse<(Timestamp, u64)>>,
    pending: BTreeMap<u64, (usize, Pending)>,
    count: u64,
}

impl Timeline {
    /// Notes what will happen at a site.
    pub(super) fn put(&mut self, at: Timestamp, site: usize, pending: Pending) {
        self.times.push(Reverse((at, self.count)));
        self.pending.insert(self.count, (site, pending));
        self.count = self.count.saturating_add(1);
    }

    /// When something happens next.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.times.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes what happens next.
    pub(super) fn take(&mut self) -> Option<(Timestamp, usize, Pending)> {
        let Reverse((at, number)) = self.times.pop()?;
        let (site, pending) = self.pending.remove(&number)?;
        Some((at, site, pending))
    }
}
