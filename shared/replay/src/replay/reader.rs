//! Reads the stream in batches, in the order of time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use jiff::Timestamp;

use super::hub::Search;
use super::options::{Options, ReplayError};
use super::simulation::World;
use super::worker::Input;
use crate::input::{InputError, Item, Merge, Order, Skip, Sources, Timed};

/// The number of items that wait for an earlier one. An item that has waited is no longer in the processor's cache.
const WINDOW: usize = 2_000;
/// The number of items that are searched for the hub before the replay begins.
const SEARCH: usize = 10_000;
/// The number of items in a batch.
const BATCH: usize = 256;

/// The statistics of the input.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) events: u64,
    pub(super) metrics: u64,
    pub(super) skipped: BTreeMap<Skip, u64>,
    pub(super) bad_lines: u64,
    pub(super) first_bad_line: Option<String>,
    pub(super) late: u64,
    pub(super) span: Option<(Timestamp, Timestamp)>,
    pub(super) hub_account: String,
}

/// The reading thread.
pub(super) struct Reader<'o> {
    options: &'o Options,
    to: Vec<SyncSender<Input>>,
    order: Order<Item>,
    batch: Vec<Timed<Item>>,
    hub: Search<'o>,
    begun: bool,
    /// The items before the first one with a time.
    untimed: Vec<Item>,
    read: Read,
}

impl<'o> Reader<'o> {
    pub(super) fn new(options: &'o Options, to: Vec<SyncSender<Input>>) -> Self {
        Self {
            options,
            to,
            order: Order::new(),
            batch: Vec::with_capacity(BATCH),
            hub: Search::new(options),
            begun: false,
            untimed: Vec::new(),
            read: Read::default(),
        }
    }

    /// Reads everything and sends it to the workers.
    pub(super) fn read(mut self, streams: Vec<Sources>) -> Result<Read, ReplayError> {
        let mut merge = Merge::new(streams);
        loop {
            match merge.next() {
                Ok(Some((at, item))) => self.take(at, item)?,
                Ok(None) => break,
                Err(InputError::Line(bad)) if self.options.skip_bad => {
                    self.read.bad_lines += 1;
                    self.read.first_bad_line.get_or_insert_with(|| bad.to_string());
                }
                Err(error) => {
                    // The items before the error are decided and shown.
                    self.finish();
                    return Err(error.into());
                }
            }
            if !self.hand_on() {
                return Ok(self.read);
            }
        }
        self.finish();
        Ok(self.read)
    }

    fn take(&mut self, at: Option<Timestamp>, item: Item) -> Result<(), ReplayError> {
        match &item {
            Item::Event(arrived) => {
                self.read.events += 1;
                self.hub.observe(&arrived.event).map_err(|account| ReplayError::Hub { account })?;
            }
            Item::Metric(_) => self.read.metrics += 1,
            Item::Skip(skip) => {
                *self.read.skipped.entry(*skip).or_default() += 1;
                return Ok(());
            }
        }
        let Some(at) = at else {
            self.untimed.push(item);
            return Ok(());
        };
        self.date_untimed(at);
        self.order.push(at, item);
        Ok(())
    }

    /// Items before the first one with a time have the time of that item.
    fn date_untimed(&mut self, at: Timestamp) {
        for item in std::mem::take(&mut self.untimed) {
            self.order.push(at, item);
        }
    }

    /// Sends the items that no earlier one can precede any more; returns `false` if the workers have ended.
    fn hand_on(&mut self) -> bool {
        let window = if self.begun || self.hub.is_found() { WINDOW } else { SEARCH };
        while let Some(timed) = self.order.pop_over(window) {
            if !self.put(timed) {
                return false;
            }
        }
        true
    }

    fn finish(&mut self) {
        self.date_untimed(Timestamp::UNIX_EPOCH);
        while let Some(timed) = self.order.pop() {
            if !self.put(timed) {
                return;
            }
        }
        self.send();
    }

    fn put(&mut self, timed: Timed<Item>) -> bool {
        self.read.late += u64::from(timed.late);
        let first = self.read.span.map_or(timed.at, |(first, _)| first);
        self.read.span = Some((first, timed.at));
        self.batch.push(timed);
        self.batch.len() < BATCH || self.send()
    }

    fn send(&mut self) -> bool {
        if !self.begun {
            self.begun = true;
            let hub = self.hub.take();
            self.read.hub_account.clone_from(&hub.account);
            let world = Arc::new(World {
                hub,
                pace: self.options.pace,
                reports: self.options.reports.clone(),
                check_every_model: self.options.check_every_model,
            });
            if self.to.iter().any(|to| to.send(Input::World(Arc::clone(&world))).is_err()) {
                return false;
            }
        }
        let batch = Arc::new(std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH)));
        self.to.iter().all(|to| to.send(Input::Batch(Arc::clone(&batch))).is_ok())
    }
}
