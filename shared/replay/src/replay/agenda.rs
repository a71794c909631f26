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
pub(super) enum Coming {
    /// An event of our own arrives at a site.
    Event(Arc<Event>),
    /// A one-time schedule fires.
    Wake {
        /// Its name.
        name: String,
        /// What it hands over.
        input: Value,
    },
    /// An endpoint that was told to change is in service.
    Settles {
        /// The endpoint.
        endpoint: String,
    },
}

/// Everything to come, in the order of time, and of arrival where the time is the same.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    times: BinaryHeap<Reverse<(Timestamp, u64)>>,
    coming: BTreeMap<u64, (usize, Coming)>,
    count: u64,
}

impl Agenda {
    /// Notes what will happen at a site.
    pub(super) fn put(&mut self, at: Timestamp, site: usize, coming: Coming) {
        self.times.push(Reverse((at, self.count)));
        self.coming.insert(self.count, (site, coming));
        self.count = self.count.saturating_add(1);
    }

    /// When something happens next.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.times.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes what happens next.
    pub(super) fn take(&mut self) -> Option<(Timestamp, usize, Coming)> {
        let Reverse((at, number)) = self.times.pop()?;
        let (site, coming) = self.coming.remove(&number)?;
        Some((at, site, coming))
    }
}
