//! The checker: invariants of every history.
//!
//! It shares no code with the decide functions. It observes calls that reached AWS, entries of the
//! ledgers and published events, and checks them against rules, each in a file of its own.

mod alerts;
mod approved;
mod effects;
mod executions;
mod facts;
mod holds;
mod idempotency;
mod outcomes;
mod plans;
mod promotion_order;
mod recorded_first;
mod records;
mod retraining;
mod rollbacks;
mod scale_to_zero;
mod settings;
mod temporary;
mod verified;
mod windows;

use std::sync::Arc;

use jiff::Timestamp;
use tidegate_engine::DecisionRecord;
use tidegate_scenarios::{Alert, Published, Wakeup};
use tidegate_testkit::Note;
use tidegate_world::ApiCall;

use crate::faults::{Call, InvocationId};
use crate::invocation_log::{InvocationLog, Processed};
use crate::site::SiteId;
use crate::system::System;

pub(crate) use facts::{Facts, StoredDecision, Traffic, text};

/// A violated rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// The name of the rule.
    pub rule: &'static str,
    /// What was observed.
    pub what: String,
    /// When.
    pub at: Timestamp,
}

/// Something that happened.
pub(crate) enum Observed<'a> {
    /// A function starts a call to a port.
    CallStarted { by: InvocationId, site: SiteId, function: &'static str, call: &'a Call },
    /// A call of a function reached the world.
    WorldCall { by: InvocationId, site: SiteId, function: &'static str, entry: &'a ApiCall },
    /// A call of somebody else reached the world.
    OtherCall { entry: &'a ApiCall },
    /// A ledger was read or written.
    LedgerNote {
        by: InvocationId,
        site: SiteId,
        function: &'static str,
        note: &'a Note,
        record: Option<&'a Arc<DecisionRecord>>,
    },
    /// An event was published.
    Published { site: SiteId, event: &'a Published },
    /// An alert was sent.
    Alerted { site: SiteId, alert: &'a Alert },
    /// A one-time schedule exists after a call of a function.
    Scheduled { site: SiteId, wake: &'a Wakeup },
    /// A function processed an event.
    Processed(&'a Processed),
    /// A function failed with an error.
    Failed { site: SiteId, function: &'static str, kind: &'static str, error: &'a str },
}

/// One rule.
pub(crate) trait Rule: Send {
    /// The name of the rule: what must hold.
    fn name(&self) -> &'static str;

    /// Checks an observation.
    ///
    /// # Errors
    /// The violation.
    fn observe(&mut self, observed: &Observed<'_>, facts: &Facts, system: &System) -> Result<(), String>;

    /// Ends a check: observations that belong together are complete.
    ///
    /// # Errors
    /// The violation.
    fn finish(&mut self, _facts: &Facts) -> Result<(), String> {
        Ok(())
    }
}

/// All rules, and the positions up to which they have checked.
pub(crate) struct Checker {
    rules: Vec<Box<dyn Rule>>,
    pub(crate) facts: Facts,
    calls: usize,
    world_calls: usize,
    notes: [usize; 4],
    alerts: [usize; 4],
}

impl Checker {
    pub(crate) fn new() -> Self {
        let rules: Vec<Box<dyn Rule>> = vec![
            Box::new(idempotency::DecidedOnce::default()),
            Box::new(records::RecordsUnchanged),
            Box::new(records::StatesInOrder::default()),
            Box::new(recorded_first::Recorded),
            Box::new(effects::EffectsMatchRecords::default()),
            Box::new(alerts::AlertsDelivered::default()),
            Box::new(approved::Approved),
            Box::new(executions::OneExecution::default()),
            Box::new(promotion_order::PromotionOrder::default()),
            Box::new(rollbacks::Rollbacks::default()),
            Box::new(retraining::RetrainingLimits::default()),
            Box::new(holds::HoldsRespected::default()),
            Box::new(scale_to_zero::ScaleToZero),
            Box::new(settings::SettingsKept),
            Box::new(verified::Verified),
            Box::new(windows::InsideWindow::default()),
            Box::new(temporary::ForNowIsNotFinal),
            Box::new(outcomes::OutcomesPublished),
        ];
        Self { rules, facts: Facts::default(), calls: 0, world_calls: 0, notes: [0; 4], alerts: [0; 4] }
    }

    /// Checks everything that happened since the last check.
    pub(crate) fn look(&mut self, system: &System, log: &mut InvocationLog) -> Option<Violation> {
        let found = self.all(system, log);
        log.published.clear();
        log.processed.clear();
        log.errors.clear();
        found.err()
    }

    fn all(&mut self, system: &System, log: &InvocationLog) -> Result<(), Violation> {
        // A record is published before it is finished, and other events after the decision.
        let (records, others): (Vec<_>, Vec<_>) = log
            .published
            .iter()
            .partition(|(_, event)| event.detail_type == tidegate_events::DECISION_RECORDED);
        for (site, event) in records {
            self.observe(&Observed::Published { site: *site, event }, system)?;
        }
        let calls = system.faults.calls(self.calls);
        self.calls += calls.len();
        let world_calls = system
            .cloud
            .with_world(|world, _| world.calls().get(self.world_calls..).unwrap_or_default().to_vec());
        let first = self.world_calls;
        self.world_calls += world_calls.len();
        let mut entries = world_calls.iter().enumerate().map(|(at, entry)| (first + at, entry)).peekable();
        let mut caller: Option<(InvocationId, SiteId, &'static str)> = None;
        for call in &calls {
            while let Some((_, entry)) = entries.next_if(|(at, _)| *at < call.world_calls) {
                self.entry(caller, entry, system)?;
            }
            let Some(invocation) = log.invocations.get(call.by) else { continue };
            let (site, function) = (invocation.site, invocation.function);
            self.ledger(caller, site, call.notes, system)?;
            caller = Some((call.by, site, function));
            self.facts.began(call.by, invocation);
            self.observe(&Observed::CallStarted { by: call.by, site, function, call }, system)?;
        }
        for (_, entry) in entries {
            self.entry(caller, entry, system)?;
        }
        for site in SiteId::ALL {
            self.ledger(caller, site, usize::MAX, system)?;
        }
        for (site, event) in others {
            self.observe(&Observed::Published { site: *site, event }, system)?;
        }
        for call in &calls {
            self.effects_outside_world(call, log, system)?;
        }
        for processed in &log.processed {
            self.observe(&Observed::Processed(processed), system)?;
        }
        for (delivery, kind, error) in &log.errors {
            let (site, function) = (delivery.site, delivery.function);
            self.observe(&Observed::Failed { site, function, kind, error }, system)?;
        }
        for rule in &mut self.rules {
            rule.finish(&self.facts).map_err(|what| Violation {
                rule: rule.name(),
                what,
                at: system.now(),
            })?;
        }
        Ok(())
    }

    /// The effects of a call that are not in the world's call log.
    fn effects_outside_world(
        &mut self,
        call: &Call,
        log: &InvocationLog,
        system: &System,
    ) -> Result<(), Violation> {
        let Some(site) = log.invocations.get(call.by).map(|invocation| invocation.site) else {
            return Ok(());
        };
        match call.operation {
            "Publish" => {
                let Some(cursor) = self.alerts.get_mut(site.index()) else { return Ok(()) };
                let alerts = system.account(site).alerts();
                let from = std::mem::replace(cursor, alerts.len());
                for alert in alerts.get(from..).unwrap_or_default() {
                    self.observe(&Observed::Alerted { site, alert }, system)?;
                }
            }
            "CreateSchedule" => {
                for wake in &system.account(site).schedules() {
                    self.observe(&Observed::Scheduled { site, wake }, system)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn entry(
        &mut self,
        caller: Option<(InvocationId, SiteId, &'static str)>,
        entry: &ApiCall,
        system: &System,
    ) -> Result<(), Violation> {
        match caller.filter(|_| entry.principal.contains(":assumed-role/")) {
            Some((by, site, function)) => {
                self.observe(&Observed::WorldCall { by, site, function, entry }, system)
            }
            None => self.observe(&Observed::OtherCall { entry }, system),
        }
    }

    /// Observes the notes of a site's ledger up to a number.
    fn ledger(
        &mut self,
        caller: Option<(InvocationId, SiteId, &'static str)>,
        site: SiteId,
        until: usize,
        system: &System,
    ) -> Result<(), Violation> {
        let Some(from) = self.notes.get(site.index()).copied() else { return Ok(()) };
        let Some(ledger) = system.ledger(site).filter(|ledger| ledger.count_notes() > from) else {
            return Ok(());
        };
        let mut notes = ledger.notes(from);
        notes.truncate(until.saturating_sub(from));
        if let Some(cursor) = self.notes.get_mut(site.index()) {
            *cursor = from + notes.len();
        }
        let Some((by, _, function)) = caller else { return Ok(()) };
        for note in &notes {
            let record = match note {
                Note::Decided { record, .. } | Note::Noted { record, .. } => Some(record),
                Note::Read { .. } | Note::Progress { .. } => None,
            };
            self.observe(&Observed::LedgerNote { by, site, function, note, record }, system)?;
        }
        Ok(())
    }

    fn observe(&mut self, observed: &Observed<'_>, system: &System) -> Result<(), Violation> {
        for rule in &mut self.rules {
            if let Err(what) = rule.observe(observed, &self.facts, system) {
                return Err(Violation { rule: rule.name(), what, at: system.now() });
            }
        }
        self.facts.observe(observed, system.now());
        Ok(())
    }
}
