//! The checker: what must hold, whatever happens.
//!
//! It knows nothing of the decide functions. It reads what happened (calls that reached AWS, what was written into the
//! ledgers, what was published) and holds it against rules, each in a file of its own.

mod approved;
mod cause;
mod done;
mod drift;
mod explain;
mod facts;
mod held;
mod kept;
mod once;
mod order;
mod people;
mod recorded;
mod told;
mod verified;
mod zero;

use std::sync::Arc;

use jiff::Timestamp;
use tidegate_engine::DecisionRecord;
use tidegate_scenarios::{Alert, Published, Wakeup};
use tidegate_testkit::Note;
use tidegate_world::ApiCall;

use crate::book::{Book, Dealt};
use crate::fortune::{Call, Number};
use crate::place::Where;
use crate::stage::Stage;

pub(crate) use facts::{Facts, Filed, Traffic, text};

/// Something that must not be.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// The rule, in a few words.
    pub rule: &'static str,
    /// What was seen.
    pub what: String,
    /// When.
    pub at: Timestamp,
}

/// Something that happened.
pub(crate) enum Seen<'a> {
    /// A function is about to make a call, of whatever kind.
    Call { by: Number, place: Where, function: &'static str, call: &'a Call },
    /// A call of a function has reached the world.
    Asked { by: Number, place: Where, function: &'static str, entry: &'a ApiCall },
    /// Somebody else's call has.
    Other { entry: &'a ApiCall },
    /// Something was read from a ledger or written into it.
    Noted {
        by: Number,
        place: Where,
        function: &'static str,
        note: &'a Note,
        record: Option<&'a Arc<DecisionRecord>>,
    },
    /// Something was published.
    Published { place: Where, event: &'a Published },
    /// People were told something.
    Alerted { place: Where, alert: &'a Alert },
    /// A one-time schedule is there, after a function has asked for one.
    Scheduled { place: Where, wake: &'a Wakeup },
    /// A function has dealt with an event.
    Dealt(&'a Dealt),
    /// A function has failed, by itself.
    Failed { place: Where, function: &'static str, kind: &'static str, error: &'a str },
}

/// One rule.
pub(crate) trait Rule: Send {
    /// In a few words, what must hold.
    fn name(&self) -> &'static str;

    /// Looks at something that happened.
    ///
    /// # Errors
    /// What must not have been.
    fn see(&mut self, seen: &Seen<'_>, facts: &Facts, stage: &Stage) -> Result<(), String>;

    /// All of a look was seen: what must go together is there.
    ///
    /// # Errors
    /// What must not have been.
    fn end(&mut self, _facts: &Facts) -> Result<(), String> {
        Ok(())
    }
}

/// All rules, and how far they have looked.
pub(crate) struct Checker {
    rules: Vec<Box<dyn Rule>>,
    pub(crate) facts: Facts,
    calls: usize,
    journal: usize,
    notes: [usize; 4],
    alerts: [usize; 4],
}

impl Checker {
    pub(crate) fn new() -> Self {
        let rules: Vec<Box<dyn Rule>> = vec![
            Box::new(once::Once::default()),
            Box::new(kept::Kept),
            Box::new(kept::InTurn::default()),
            Box::new(recorded::Recorded),
            Box::new(done::Done::default()),
            Box::new(people::PeopleTold::default()),
            Box::new(approved::Approved),
            Box::new(cause::OneRun::default()),
            Box::new(order::InOrder::default()),
            Box::new(drift::Governed::default()),
            Box::new(held::Held::default()),
            Box::new(zero::Asleep),
            Box::new(verified::Verified),
            Box::new(told::Told),
        ];
        Self { rules, facts: Facts::default(), calls: 0, journal: 0, notes: [0; 4], alerts: [0; 4] }
    }

    /// Looks at everything that happened since the last time.
    pub(crate) fn look(&mut self, stage: &Stage, book: &mut Book) -> Option<Violation> {
        let found = self.all(stage, book);
        book.published.clear();
        book.dealt.clear();
        book.errors.clear();
        found.err()
    }

    fn all(&mut self, stage: &Stage, book: &Book) -> Result<(), Violation> {
        // A record is published before it is finished, and all else after it was decided.
        let (records, others): (Vec<_>, Vec<_>) = book
            .published
            .iter()
            .partition(|(_, event)| event.detail_type == tidegate_events::DECISION_RECORDED);
        for (place, event) in records {
            self.see(&Seen::Published { place: *place, event }, stage)?;
        }
        let calls = stage.luck.calls(self.calls);
        self.calls += calls.len();
        let journal =
            stage.cloud.with_world(|world, _| world.calls().get(self.journal..).unwrap_or_default().to_vec());
        let first = self.journal;
        self.journal += journal.len();
        let mut entries = journal.iter().enumerate().map(|(at, entry)| (first + at, entry)).peekable();
        let mut caller: Option<(Number, Where, &'static str)> = None;
        for call in &calls {
            while let Some((_, entry)) = entries.next_if(|(at, _)| *at < call.journal) {
                self.entry(caller, entry, stage)?;
            }
            let Some(invocation) = book.invocations.get(call.by) else { continue };
            let (place, function) = (invocation.place, invocation.function);
            self.ledger(caller, place, call.notes, stage)?;
            caller = Some((call.by, place, function));
            self.facts.began(call.by, invocation);
            self.see(&Seen::Call { by: call.by, place, function, call }, stage)?;
        }
        for (_, entry) in entries {
            self.entry(caller, entry, stage)?;
        }
        for place in Where::ALL {
            self.ledger(caller, place, usize::MAX, stage)?;
        }
        for (place, event) in others {
            self.see(&Seen::Published { place: *place, event }, stage)?;
        }
        for call in &calls {
            self.beside_the_world(call, book, stage)?;
        }
        for dealt in &book.dealt {
            self.see(&Seen::Dealt(dealt), stage)?;
        }
        for (parcel, kind, error) in &book.errors {
            let (place, function) = (parcel.place, parcel.function);
            self.see(&Seen::Failed { place, function, kind, error }, stage)?;
        }
        for rule in &mut self.rules {
            rule.end(&self.facts).map_err(|what| Violation { rule: rule.name(), what, at: stage.now() })?;
        }
        Ok(())
    }

    /// What a call did of which the world's journal knows nothing.
    fn beside_the_world(&mut self, call: &Call, book: &Book, stage: &Stage) -> Result<(), Violation> {
        let Some(place) = book.invocations.get(call.by).map(|invocation| invocation.place) else {
            return Ok(());
        };
        match call.operation {
            "Publish" => {
                let Some(cursor) = self.alerts.get_mut(place.index()) else { return Ok(()) };
                let alerts = stage.account(place).alerts();
                let from = std::mem::replace(cursor, alerts.len());
                for alert in alerts.get(from..).unwrap_or_default() {
                    self.see(&Seen::Alerted { place, alert }, stage)?;
                }
            }
            "CreateSchedule" => {
                for wake in &stage.account(place).schedules() {
                    self.see(&Seen::Scheduled { place, wake }, stage)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn entry(
        &mut self,
        caller: Option<(Number, Where, &'static str)>,
        entry: &ApiCall,
        stage: &Stage,
    ) -> Result<(), Violation> {
        match caller.filter(|_| entry.principal.contains(":assumed-role/")) {
            Some((by, place, function)) => self.see(&Seen::Asked { by, place, function, entry }, stage),
            None => self.see(&Seen::Other { entry }, stage),
        }
    }

    /// The notes of a place's ledger up to a number of them.
    fn ledger(
        &mut self,
        caller: Option<(Number, Where, &'static str)>,
        place: Where,
        until: usize,
        stage: &Stage,
    ) -> Result<(), Violation> {
        let Some(from) = self.notes.get(place.index()).copied() else { return Ok(()) };
        let Some(ledger) = stage.ledger(place).filter(|ledger| ledger.count_notes() > from) else {
            return Ok(());
        };
        let mut notes = ledger.notes(from);
        notes.truncate(until.saturating_sub(from));
        if let Some(cursor) = self.notes.get_mut(place.index()) {
            *cursor = from + notes.len();
        }
        let Some((by, _, function)) = caller else { return Ok(()) };
        for note in &notes {
            let record = match note {
                Note::Decided { record, .. } | Note::Noted { record, .. } => Some(record),
                Note::Read { .. } | Note::Progress { .. } => None,
            };
            self.see(&Seen::Noted { by, place, function, note, record }, stage)?;
        }
        Ok(())
    }

    fn see(&mut self, seen: &Seen<'_>, stage: &Stage) -> Result<(), Violation> {
        for rule in &mut self.rules {
            if let Err(what) = rule.see(seen, &self.facts, stage) {
                return Err(Violation { rule: rule.name(), what, at: stage.now() });
            }
        }
        self.facts.see(seen, stage.now());
        Ok(())
    }
}
