//! One invocation of a function, from its first poll to its end.

use std::pin::Pin;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tidegate_engine::{EngineError, Outcome};
use tidegate_testkit::poll_once;

use crate::book::Invocation;
use crate::drive::Drive;
use crate::fortune::{Halt, Number, Paused};
use crate::mutant::{Mutant, bent_event};
use crate::post::Parcel;
use crate::words::is_dull;

/// What a function may take; the templates' `Timeout`.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

type Running = Pin<Box<dyn Future<Output = Result<Vec<Outcome>, EngineError>> + Send>>;

/// An invocation that others overtake.
pub(crate) struct Slow {
    /// When it goes on.
    pub(crate) until: Timestamp,
    /// When Lambda ends it.
    deadline: Timestamp,
    number: Number,
    parcel: Parcel,
    running: Running,
    paused: Paused,
}

impl Drive {
    /// A new attempt.
    pub(crate) fn invoke(&mut self, parcel: Parcel) {
        let now = self.stage.now();
        let (place, function) = (parcel.place, parcel.function);
        let clock = self.stage.clock(place);
        let event = Arc::new(bent_event(self.stage.mutant, &parcel.event));
        let number =
            self.book.begin(Invocation { place, function, was_paused: false, event: parcel.event.clone() });
        let Some((engine, handler)) =
            self.stage.cast((place, function), (number, &parcel.request), &parcel.event)
        else {
            return;
        };
        self.tally.invocations += 1;
        let deadline = now.checked_add(TIMEOUT).unwrap_or(now);
        self.stage.luck.begin(number, place, function, (now, deadline));
        let running: Running = Box::pin(async move { handler.handle(&engine, &event, clock).await });
        self.poll(number, parcel, running, deadline);
    }

    /// A slow invocation goes on, unless its time is over.
    pub(crate) fn go_on(&mut self, slow: Slow) {
        let Slow { deadline, number, parcel, running, paused, .. } = slow;
        if self.stage.now() >= deadline {
            drop(running);
            return self.ended(&parcel, Err("timed out".to_owned()));
        }
        self.stage.luck.resume(paused);
        self.poll(number, parcel, running, deadline);
    }

    fn poll(&mut self, number: Number, parcel: Parcel, mut running: Running, deadline: Timestamp) {
        let came = poll_once(running.as_mut());
        let (paused, halt) = self.stage.luck.leave();
        for (goes, operation) in self.stage.luck.happened() {
            self.tally.fault(parcel.function, goes, operation);
        }
        match (came, paused, halt) {
            (Some(Ok(outcomes)), ..) => {
                for outcome in &outcomes {
                    self.tally.outcome(parcel.function, outcome);
                }
                self.book.ended(&parcel, &outcomes);
                self.ended(&parcel, Ok(outcomes));
            }
            (Some(Err(_)), ..) if self.stage.mutant == Some(Mutant::SwallowError) => {
                let message = "it failed, and never mind".to_owned();
                self.ended(
                    &parcel,
                    Ok(vec![Outcome::NotApplicable { reason: "failed".to_owned(), message }]),
                );
            }
            (Some(Err(error)), ..) => {
                self.tally.error(error.kind());
                self.book.failed(&parcel, &error);
                self.ended(&parcel, Err(error.to_string()));
            }
            (None, Some(paused), Some(Halt::Waits { how_long, why })) => {
                self.book.paused(number);
                let now = self.stage.now();
                let (place, function) = (parcel.place, parcel.function);
                self.tale.say(now, || format!("  {function} in {place} waits {how_long:#}: {why}"));
                let until = now.checked_add(how_long).unwrap_or(now).min(deadline);
                self.slow.push(Slow { until, deadline, number, parcel, running, paused });
            }
            (None, _, halt) => {
                let how = match halt {
                    Some(Halt::Dies(how)) => how,
                    _ => "died".to_owned(),
                };
                self.ended(&parcel, Err(how));
            }
        }
    }

    fn ended(&mut self, parcel: &Parcel, came: Result<Vec<Outcome>, String>) {
        let now = self.stage.now();
        let (place, function) = (parcel.place, parcel.function);
        match came {
            Ok(outcomes) if outcomes.iter().all(is_dull) => {}
            Ok(outcomes) => self.tale.say(now, || {
                let words: Vec<String> = outcomes.iter().map(crate::tale::outcome).collect();
                format!(
                    "  {function} in {place} hears {}: {}",
                    crate::tale::event(&parcel.event),
                    words.join("; ")
                )
            }),
            Err(error) => {
                let again = self.stage.office.failed(parcel.clone(), error.clone(), now);
                let then = if again { "Lambda tries again" } else { "into the dead-letter queue" };
                self.tale.say(now, || {
                    let heard = crate::tale::event(&parcel.event);
                    format!("  {function} in {place} hears {heard}, and fails: {error}; {then}")
                });
                if !again {
                    self.tally.dead_letters += 1;
                }
            }
        }
    }
}
