//! The end of a history: no more actions and faults, until nothing happens any more.

use jiff::SignedDuration;
use tidegate_world::Fault;

use crate::check::{StoredDecision, Violation};
use crate::history::{Action, Alarm};
use crate::runner::Runner;
use crate::site::SiteId;

/// The quiet periods, one after the other: longer than a request may go without an answer, and longer
/// than the idle and grace times of any policy together.
const QUIET_PERIODS: [SignedDuration; 3] =
    [SignedDuration::from_mins(5), SignedDuration::from_mins(65), SignedDuration::from_hours(9)];

/// After this many rounds the history never becomes quiet.
const ROUNDS: usize = 150;

impl Runner {
    /// Runs until nothing happens any more, then checks the final state.
    pub(crate) fn run_to_quiescence(&mut self) {
        self.repair();
        let mut quiet = 0;
        for _ in 0..ROUNDS {
            if self.violation.is_some() {
                return;
            }
            let Some(wait) = QUIET_PERIODS.get(quiet) else { return self.check_final_state() };
            if self.round(*wait) {
                quiet = 0;
            } else {
                quiet += 1;
            }
        }
        let last = self.checker.facts.decisions.last().map_or_else(String::new, |stored| {
            let record = &stored.record;
            format!(
                "{} {} of {} in {}: {}",
                record.function, record.verdict, record.model, stored.site, record.message
            )
        });
        let what = format!("after {ROUNDS} sweeps something still happens, last {last}");
        self.violation.get_or_insert(Violation {
            rule: "the history becomes quiet",
            what,
            at: self.system.now(),
        });
    }

    /// Clears all faults and alarms.
    fn repair(&mut self) {
        let now = self.system.now();
        self.trace.add(now, || "-- no more actions and faults --".to_owned());
        self.system.faults.clear();
        self.system.event_bus.clear_faults();
        self.system.cloud.with_world(|world, _| world.inject_fault(Fault::Clear));
        for site in SiteId::ALL {
            if self.system.silent.contains(&site) {
                self.act(&Action::Metrics { site, silent: false });
            }
        }
        let ringing: Vec<(SiteId, String)> = self.system.alarms.keys().cloned().collect();
        for (site, model) in ringing {
            self.act(&Action::Alarm { model, site, state: Alarm::Off });
        }
        self.look();
    }

    /// Advances the clock and runs all schedules once. Returns whether anything happened.
    fn round(&mut self, wait: SignedDuration) -> bool {
        let before = self.activity();
        let now = self.system.now();
        let due = self.next();
        let until = now.checked_add(wait).unwrap_or(now);
        // If something is scheduled, the period starts then.
        self.until(due.map_or(until, |due| due.checked_add(wait).unwrap_or(due)));
        let now = self.system.now();
        let back = self.system.event_bus.redrive(now, |_| true);
        if back > 0 {
            self.trace.add(now, || format!("{back} dead letter(s) are redriven"));
        }
        self.sweep_all();
        self.until(now.checked_add(SignedDuration::from_mins(4)).unwrap_or(now));
        due.is_some() || back > 0 || self.next().is_some() || self.activity() != before
    }

    fn sweep_all(&mut self) {
        for site in self.system.fleet.sites() {
            for function in site.functions() {
                self.sweep(site, function);
                if function == "scale" {
                    self.tick(site);
                }
            }
        }
    }

    /// The number of decisions and of calls with an effect, without the decisions of scale about resources that a person
    /// deleted, because scale repeats them in every idle window.
    fn activity(&self) -> (usize, usize) {
        let repeated = |stored: &&StoredDecision| {
            stored.function == "scale" && self.by_hand.contains(&(stored.site, stored.record.model.clone()))
        };
        let facts = &self.checker.facts;
        (facts.decisions.iter().filter(|stored| !repeated(stored)).count(), facts.changes)
    }

    /// Checks the final state.
    fn check_final_state(&mut self) {
        let now = self.system.now();
        self.trace.add(now, || "-- quiet --".to_owned());
        let dead = self.system.event_bus.dead.first().map(|dead| {
            let (site, function) = (dead.delivery.site, dead.delivery.function);
            format!(
                "{function} in {site} cannot deal with {}: {}",
                dead.delivery.event.idempotency_key(),
                dead.error
            )
        });
        let wrong = [
            ("the dead-letter queues are empty", dead),
            ("no plan has pending actions", self.pending_decision()),
            ("the fleet matches the policies, or a record explains why not", self.divergence()),
        ];
        for (rule, what) in wrong {
            if let Some(what) = what {
                self.violation.get_or_insert(Violation { rule, what, at: now });
                return;
            }
        }
        let before = self.activity();
        self.sweep_all();
        self.until(now.checked_add(SignedDuration::from_mins(1)).unwrap_or(now));
        if self.activity() != before && self.violation.is_none() {
            let what = self.checker.facts.decisions.last().map_or_else(
                || "a call that changes something".to_owned(),
                |stored| {
                    format!("{} {}: {}", stored.record.function, stored.record.verdict, stored.record.message)
                },
            );
            let rule = "a second reconcile is a no-op";
            self.violation = Some(Violation { rule, what, at: now });
        }
    }
}
