//! The end of a history: life stops, faults stop, time goes on, and the fleet comes to rest.

use jiff::SignedDuration;
use tidegate_world::Fault;

use crate::check::{Filed, Violation};
use crate::drive::Drive;
use crate::place::Where;
use crate::step::{Alarm, What};

/// How long nothing must happen, each after the one before: longer than a request may go without an answer, and longer
/// than any policy's idle time and grace together.
const STILL: [SignedDuration; 3] =
    [SignedDuration::from_mins(5), SignedDuration::from_mins(65), SignedDuration::from_hours(9)];

/// After so many rounds it will never rest.
const ROUNDS: usize = 150;

impl Drive {
    /// Lets everything come to rest, and says what is not as it should be then.
    pub(crate) fn rest(&mut self) {
        self.repair();
        let mut still = 0;
        for _ in 0..ROUNDS {
            if self.violation.is_some() {
                return;
            }
            let Some(wait) = STILL.get(still) else { return self.judge() };
            if self.round(*wait) {
                still = 0;
            } else {
                still += 1;
            }
        }
        let last = self.checker.facts.filed.last().map_or_else(String::new, |filed| {
            let record = &filed.record;
            format!(
                "{} {} of {} in {}: {}",
                record.function, record.verdict, record.model, filed.place, record.message
            )
        });
        let what = format!("after {ROUNDS} sweeps something still happens, last {last}");
        self.violation.get_or_insert(Violation {
            rule: "the fleet comes to rest",
            what,
            at: self.stage.now(),
        });
    }

    /// Nothing is broken any more, and no alarm rings.
    fn repair(&mut self) {
        let now = self.stage.now();
        self.tale.say(now, || "-- life stops, faults stop --".to_owned());
        self.stage.luck.calm();
        self.stage.office.forget_plans();
        self.stage.cloud.with_world(|world, _| world.inject_fault(Fault::Clear));
        for place in Where::ALL {
            if self.stage.silent.contains(&place) {
                self.act(&What::Metrics { place, silent: false });
            }
        }
        let ringing: Vec<(Where, String)> = self.stage.alarms.keys().cloned().collect();
        for (place, model) in ringing {
            self.act(&What::Alarm { model, place, state: Alarm::Off });
        }
        self.look();
    }

    /// Some time, and one round of all schedules. Whether anything happened.
    fn round(&mut self, wait: SignedDuration) -> bool {
        let before = self.happenings();
        let now = self.stage.now();
        let due = self.next();
        let until = now.checked_add(wait).unwrap_or(now);
        // If something is under way or waits for a time, that is the time to look.
        self.until(due.map_or(until, |due| due.checked_add(wait).unwrap_or(due)));
        let now = self.stage.now();
        let back = self.stage.office.redrive(now, |_| true);
        if back > 0 {
            self.tale.say(now, || format!("{back} dead letter(s) are sent back"));
        }
        self.sweep_all();
        self.until(now.checked_add(SignedDuration::from_mins(4)).unwrap_or(now));
        due.is_some() || back > 0 || self.next().is_some() || self.happenings() != before
    }

    fn sweep_all(&mut self) {
        for place in self.stage.fleet.places() {
            for function in place.functions() {
                self.sweep(place, function);
                if function == "scale" {
                    self.tick(place);
                }
            }
        }
    }

    /// How many decisions were made, and how many calls changed something. Of what a person has taken away, scale says in
    /// every idle window that it is not there.
    fn happenings(&self) -> (usize, usize) {
        let in_vain = |filed: &&Filed| {
            filed.function == "scale" && self.by_hand.contains(&(filed.place, filed.record.model.clone()))
        };
        let facts = &self.checker.facts;
        (facts.filed.iter().filter(|filed| !in_vain(filed)).count(), facts.changes)
    }

    /// All is still: is it as it should be?
    fn judge(&mut self) {
        let now = self.stage.now();
        self.tale.say(now, || "-- all is still --".to_owned());
        let dead = self.stage.office.dead.first().map(|dead| {
            let (place, function) = (dead.parcel.place, dead.parcel.function);
            format!(
                "{function} in {place} cannot deal with {}: {}",
                dead.parcel.event.idempotency_key(),
                dead.error
            )
        });
        let wrong = [
            ("no event stays in a dead-letter queue", dead),
            ("no plan is left behind", self.left_behind()),
            ("the fleet is what the policies want, or a record says why not", self.unsettled()),
        ];
        for (rule, what) in wrong {
            if let Some(what) = what {
                self.violation.get_or_insert(Violation { rule, what, at: now });
                return;
            }
        }
        let before = self.happenings();
        self.sweep_all();
        self.until(now.checked_add(SignedDuration::from_mins(1)).unwrap_or(now));
        if self.happenings() != before && self.violation.is_none() {
            let what = self.checker.facts.filed.last().map_or_else(
                || "a call that changes something".to_owned(),
                |filed| {
                    format!("{} {}: {}", filed.record.function, filed.record.verdict, filed.record.message)
                },
            );
            let rule = "a second pass of all sweeps finds nothing to do";
            self.violation = Some(Violation { rule, what, at: now });
        }
    }
}
