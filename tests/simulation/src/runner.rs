//! Runs everything that is due, in the order of time.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate_events::{Event, parse_value};
use tidegate_functions::{is_forwarded, targets};
use tidegate_world::Emission;

use crate::check::{Checker, Violation};
use crate::event_bus;
use crate::history::{DeliveryFault, Step};
use crate::invocation_log::InvocationLog;
use crate::invoke::SuspendedInvocation;
use crate::site::SiteId;
use crate::statistics::Statistics;
use crate::system::System;
use crate::trace::Trace;

/// The latency of EventBridge in seconds.
const LATENCY: i64 = 1;

/// A running history.
pub(crate) struct Runner {
    pub(crate) system: System,
    pub(crate) log: InvocationLog,
    pub(crate) checker: Checker,
    pub(crate) statistics: Statistics,
    pub(crate) trace: Trace,
    pub(crate) suspended: Vec<SuspendedInvocation>,
    pub(crate) violation: Option<Violation>,
    pub(crate) pushes: usize,
    pub(crate) edits: usize,
    /// The models that people changed without Tidegate.
    pub(crate) by_hand: BTreeSet<(SiteId, String)>,
}

impl Runner {
    pub(crate) fn new(system: System, trace: Trace) -> Self {
        Self {
            checker: Checker::new(),
            system,
            log: InvocationLog::default(),
            statistics: Statistics::default(),
            trace,
            suspended: Vec::new(),
            violation: None,
            pushes: 0,
            edits: 0,
            by_hand: BTreeSet::new(),
        }
    }

    /// Runs a step, after everything that is due before it.
    pub(crate) fn run(&mut self, step: &Step, beginning: Timestamp) {
        let seconds = i64::try_from(step.at).unwrap_or(i64::MAX);
        let at = beginning.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
        self.until(at);
        if self.violation.is_some() {
            return;
        }
        self.age();
        self.statistics.steps += 1;
        let came = self.act(&step.action);
        let now = self.system.now();
        if let Some(words) = came {
            self.trace.add(now, || words);
        }
        self.look();
        self.next_millisecond();
    }

    /// The ledgers delete expired items.
    fn age(&self) {
        for site in &self.system.sites {
            site.ledger.expire_claims(self.system.clock(site.id));
        }
    }

    /// Runs until then.
    pub(crate) fn until(&mut self, to: Timestamp) {
        while self.violation.is_none() {
            let next = [self.next(), self.system.event_bus.next_expiry()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= to) else { break };
            self.pass(next.max(self.system.now()));
            self.deliver();
        }
        if self.violation.is_none() {
            self.pass(to.max(self.system.now()));
        }
    }

    /// The time of the next scheduled change.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let suspended = self.suspended.iter().map(|suspended| suspended.until).min();
        let wakes = self.system.sites.iter().flat_map(|site| site.account.schedules());
        let wake = wakes.map(|wake| wake.at).min();
        [self.system.cloud.next_due(), self.system.event_bus.next(), suspended, wake]
            .into_iter()
            .flatten()
            .min()
    }

    /// Advances the clock and routes the events of AWS.
    fn pass(&mut self, to: Timestamp) {
        for emission in self.system.cloud.advance(to) {
            let Emission::Event(event) = emission else { continue };
            let Some(site) = SiteId::of_account(&event.account) else { continue };
            let id = format!("aws-{}", self.system.event_bus.number());
            let json = json!({"version": "0", "id": id, "source": event.source, "region": event.region,
                "detail-type": event.detail_type, "account": event.account, "time": event.time,
                "resources": event.resources, "detail": event.detail});
            if let Ok(read) = parse_value(json.clone()) {
                self.route(site, &read, &json, event.copies);
            }
        }
        for at in 0..self.system.sites.len() {
            let Some(site) = self.system.sites.get(at) else { continue };
            let (site, due) = (site.id, site.account.take_due());
            for wake in due {
                if let Ok(event) = parse_value(wake.input) {
                    self.wake(site, &event);
                }
            }
        }
    }

    /// A one-time schedule fires.
    fn wake(&mut self, site: SiteId, event: &Event) {
        for function in self.targets(site, event) {
            self.enqueue(site, function, &Arc::new(event.clone()), None);
        }
    }

    /// Redrives the dead-letter queues before a letter expires.
    fn empty_queues(&mut self) {
        let now = self.system.now();
        if self.system.event_bus.next_expiry().is_some_and(|expiry| expiry <= now) {
            let back = self.system.event_bus.redrive(now, |_| true);
            self.trace.add(now, || format!("{back} dead letter(s) are redriven before they expire"));
        }
    }

    /// Delivers everything that is due now and resumes suspended invocations.
    fn deliver(&mut self) {
        self.empty_queues();
        while self.violation.is_none() {
            let now = self.system.now();
            if let Some(at) = self.suspended.iter().position(|suspended| suspended.until <= now) {
                let suspended = self.suspended.remove(at);
                self.resume(suspended);
            } else if let Some(delivery) = self.system.event_bus.take(now) {
                self.invoke(delivery);
            } else {
                break;
            }
            self.look();
            self.next_millisecond();
        }
    }

    /// Two changes never share a millisecond, the resolution of timestamps.
    fn next_millisecond(&mut self) {
        let soon = self.system.now().checked_add(SignedDuration::from_millis(1)).unwrap_or(self.system.now());
        self.pass(soon);
    }

    /// Routes an event on a bus to the targets of its rules, in `copies` copies.
    pub(crate) fn route(&mut self, bus: SiteId, event: &Event, json: &Value, copies: u32) {
        let topic = event_bus::topic(&event.body);
        self.system.event_bus.archive.push(event_bus::ArchivedEvent {
            at: self.system.now(),
            bus,
            json: json.clone(),
        });
        let fault = self.system.event_bus.take_fault(topic);
        if let Some(fault) = fault {
            self.statistics.delivery_fault(fault, event_bus::may_be_lost(&event.envelope.source));
            if fault == DeliveryFault::Lost && event_bus::may_be_lost(&event.envelope.source) {
                let now = self.system.now();
                self.trace.add(now, || format!("  lost: {}", event.envelope.detail_type));
                return;
            }
        }
        let mut buses = vec![bus];
        buses.extend(self.forwarded_to(bus, event));
        for bus in buses {
            for function in self.targets(bus, event) {
                for copy in 0..copies {
                    // Each copy has an id of its own.
                    let mut told = event.clone();
                    if copy > 0 {
                        told.envelope.id = format!("{}-{copy}", told.envelope.id);
                    }
                    self.enqueue(bus, function, &Arc::new(told), fault);
                }
            }
        }
    }

    /// The functions that get an event at a site.
    pub(crate) fn targets(&self, site: SiteId, event: &Event) -> Vec<&'static str> {
        let site = self.system.site(site).map(|site| site.site());
        site.into_iter().flat_map(|site| targets(event, site)).map(|function| function.name).collect()
    }

    /// The other accounts' buses to which an event is forwarded.
    fn forwarded_to(&self, bus: SiteId, event: &Event) -> Vec<SiteId> {
        let Some(from) = self.system.site(bus) else { return Vec::new() };
        let sites = self.system.sites.iter().filter(|to| is_forwarded(event, from.site(), to.site()));
        sites.map(|to| to.id).collect()
    }

    /// Puts an event into Lambda's queue.
    pub(crate) fn enqueue(
        &mut self,
        site: SiteId,
        function: &'static str,
        event: &Arc<Event>,
        fault: Option<DeliveryFault>,
    ) {
        let fault = fault.or_else(|| {
            let fault = self
                .system
                .event_bus
                .take_fault(event_bus::topic(&event.body))
                .filter(|fault| *fault != DeliveryFault::Lost);
            fault.inspect(|fault| self.statistics.delivery_fault(*fault, false))
        });
        let now = self.system.now();
        let after =
            |seconds: i64| now.checked_add(SignedDuration::from_secs(LATENCY + seconds)).unwrap_or(now);
        let event_bus = &mut self.system.event_bus;
        match fault {
            None | Some(DeliveryFault::Lost) => event_bus.invoke_async(after(0), site, function, event),
            Some(DeliveryFault::Late(seconds)) => {
                event_bus.invoke_async(after(i64::from(seconds)), site, function, event)
            }
            Some(DeliveryFault::Again(seconds)) => {
                event_bus.invoke_async(after(0), site, function, event);
                event_bus.invoke_async(after(i64::from(seconds)), site, function, event);
            }
            Some(DeliveryFault::Times(times)) => {
                for _ in 0..times.max(1) {
                    event_bus.invoke_async(after(0), site, function, event);
                }
            }
        }
    }

    /// Routes the events that the functions published.
    pub(crate) fn collect(&mut self) {
        for site in SiteId::ALL {
            let published = self.system.site(site).map(|site| site.account.take_published());
            for event in published.unwrap_or_default() {
                self.log.published(site, &event);
                if event.detail_type != tidegate_events::DECISION_RECORDED {
                    self.publish(site, &event.detail_type, &event.detail);
                }
            }
        }
    }

    /// Checks everything that happened since the last check.
    pub(crate) fn look(&mut self) {
        self.collect();
        if self.violation.is_none() {
            self.violation = self.checker.look(&self.system, &mut self.log);
        }
    }
}
