//! Reading the stream: in batches, in the order of time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use jiff::Timestamp;
use tidegate_events::{Body, Event};
use tidegate_policy::lookup::{self, Lookup, LookupKind};

use super::Options;
use super::simulation::{Hub, World};
use super::worker::Told;
use crate::input::{InputError, Item, Lines, Order, Skip, Source, Timed};

/// Items that wait for an earlier one that may still come.
const WINDOW: usize = 10_000;
/// Items that are handed on together.
const BATCH: usize = 256;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) events: u64,
    pub(super) metrics: u64,
    pub(super) skipped: BTreeMap<Skip, u64>,
    pub(super) bad_lines: u64,
    pub(super) late: u64,
    pub(super) span: Option<(Timestamp, Timestamp)>,
    pub(super) hub_account: String,
}

/// The thread that reads.
pub(super) struct Reader<'o> {
    options: &'o Options,
    to: Vec<SyncSender<Told>>,
    order: Order<Item>,
    batch: Vec<Timed<Item>>,
    /// The names by which events say where the hub is.
    names: Vec<Lookup>,
    hub: Option<Hub>,
    /// The first event's account, if it is no environment's.
    guess: Option<Hub>,
    begun: bool,
    last: Timestamp,
    read: Read,
}

impl<'o> Reader<'o> {
    pub(super) fn new(options: &'o Options, to: Vec<SyncSender<Told>>) -> Self {
        let policies = options.policies.iter().chain(options.against.iter().flatten());
        let mut names: Vec<Lookup> = policies.flat_map(lookup::of).collect();
        names.sort();
        names.dedup();
        let region = options.policies.iter().flat_map(|policy| &policy.environments).next();
        let region = region.map(|environment| environment.region.to_string()).unwrap_or_default();
        let hub = options.hub_account.clone().map(|account| Hub { account, region });
        Self {
            options,
            to,
            order: Order::new(WINDOW),
            batch: Vec::with_capacity(BATCH),
            names,
            hub,
            guess: None,
            begun: false,
            last: Timestamp::MIN,
            read: Read::default(),
        }
    }

    /// Reads everything and hands it on.
    pub(super) fn read(
        mut self,
        sources: impl Iterator<Item = Result<Source, InputError>>,
    ) -> Result<Read, InputError> {
        let mut found = Vec::new();
        for source in sources {
            let mut lines = Lines::new(source?);
            loop {
                match lines.read(&mut found) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(InputError::Line(_)) if self.options.skip_bad => self.read.bad_lines += 1,
                    Err(error) => {
                        // What came before the mistake is decided and shown.
                        self.finish();
                        return Err(error);
                    }
                }
                for item in found.drain(..) {
                    self.take(item);
                }
                if !self.hand_on() {
                    return Ok(self.read);
                }
            }
        }
        self.finish();
        Ok(self.read)
    }

    fn take(&mut self, item: Item) {
        let at = match &item {
            Item::Event(arrived) => {
                self.read.events += 1;
                self.look_for_hub(&arrived.event);
                arrived.event.envelope.time.unwrap_or(self.last)
            }
            Item::Metric(metric) => {
                self.read.metrics += 1;
                metric.at
            }
            Item::Skip(skip) => {
                *self.read.skipped.entry(*skip).or_default() += 1;
                return;
            }
        };
        self.last = at;
        self.order.push(at, item);
    }

    /// Hands on what can have no earlier one any more; `false` if nobody listens.
    fn hand_on(&mut self) -> bool {
        while let Some(timed) = self.order.pop_full() {
            if !self.put(timed) {
                return false;
            }
        }
        true
    }

    fn finish(&mut self) {
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
            let hub = self.hub.take().or(self.guess.take()).unwrap_or_else(|| self.first_environment());
            self.read.hub_account.clone_from(&hub.account);
            let world = Arc::new(World {
                hub,
                pace: self.options.pace,
                reports: self.options.reports.clone(),
                look_at_everything: self.options.look_at_everything,
            });
            if self.to.iter().any(|to| to.send(Told::World(Arc::clone(&world))).is_err()) {
                return false;
            }
        }
        let batch = Arc::new(std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH)));
        self.to.iter().all(|to| to.send(Told::Batch(Arc::clone(&batch))).is_ok())
    }

    /// Nothing in a policy says where the hub is, but commits and packages are there.
    fn look_for_hub(&mut self, event: &Event) {
        if self.hub.is_some() || self.begun {
            return;
        }
        let known = |kind, name: &str| self.names.binary_search(&Lookup::new(kind, name)).is_ok();
        let there = match &event.body {
            Body::CommitPushed(push) => known(LookupKind::Repository, &push.repository),
            Body::ModelPackageChanged(change) => {
                change.group.as_deref().is_some_and(|group| known(LookupKind::PackageGroup, group))
            }
            Body::PipelineExecutionChanged(run) => known(LookupKind::Pipeline, &run.pipeline),
            _ => false,
        };
        let envelope = &event.envelope;
        let place = || Hub { account: envelope.account.clone(), region: envelope.region.clone() };
        if there {
            self.hub = Some(place());
        } else if self.guess.is_none() {
            let environments = self.options.policies.iter().flat_map(|policy| &policy.environments);
            let own = environments.into_iter().any(|e| e.account.as_str() == envelope.account);
            self.guess = (!own && !envelope.account.is_empty()).then(place);
        }
    }

    /// A trial has everything in one account.
    fn first_environment(&self) -> Hub {
        let first = self.options.policies.iter().flat_map(|policy| &policy.environments).next();
        first.map_or_else(
            || Hub { account: String::new(), region: String::new() },
            |first| Hub { account: first.account.to_string(), region: first.region.to_string() },
        )
    }
}
