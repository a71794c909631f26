//! One invocation of a function, from its first poll to its end.

use std::pin::Pin;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tidegate_engine::{EngineError, Outcome};
use tidegate_testkit::poll_once;

use crate::describe::is_routine;
use crate::event_bus::Delivery;
use crate::faults::{InvocationId, PausedContext, Suspension};
use crate::invocation_log::Invocation;
use crate::mutant::{Mutant, mutated_event};
use crate::runner::Runner;

/// How long a function works on one model: the default `LeaseSeconds` of the templates less the longest call.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

type Running = Pin<Box<dyn Future<Output = Result<Vec<Outcome>, EngineError>> + Send>>;

/// A paused invocation.
pub(crate) struct SuspendedInvocation {
    /// When it resumes.
    pub(crate) until: Timestamp,
    /// When Lambda ends it.
    deadline: Timestamp,
    number: InvocationId,
    delivery: Delivery,
    running: Running,
    paused: PausedContext,
}

impl Runner {
    /// Starts an attempt.
    pub(crate) fn invoke(&mut self, delivery: Delivery) {
        let now = self.system.now();
        let (site, function) = (delivery.site, delivery.function);
        let clock = self.system.clock(site);
        let event = Arc::new(mutated_event(self.system.mutant, &delivery.event));
        let number =
            self.log.begin(Invocation { site, function, was_paused: false, event: delivery.event.clone() });
        let Some((engine, handler)) =
            self.system.prepare((site, function), (number, &delivery.request), &delivery.event)
        else {
            return;
        };
        self.statistics.invocations += 1;
        let deadline = now.checked_add(TIMEOUT).unwrap_or(now);
        self.system.faults.begin(number, site, function, (now, deadline));
        let running: Running = Box::pin(async move { handler.handle(&engine, &event, clock).await });
        self.poll(number, delivery, running, deadline);
    }

    /// Resumes a suspended invocation, unless it has timed out.
    pub(crate) fn resume(&mut self, suspended: SuspendedInvocation) {
        let SuspendedInvocation { deadline, number, delivery, running, paused, .. } = suspended;
        if self.system.now() >= deadline {
            drop(running);
            return self.ended(&delivery, Err("timed out".to_owned()));
        }
        self.system.faults.resume(paused);
        self.poll(number, delivery, running, deadline);
    }

    fn poll(&mut self, number: InvocationId, delivery: Delivery, mut running: Running, deadline: Timestamp) {
        let came = poll_once(running.as_mut());
        let (paused, suspension) = self.system.faults.leave();
        for (fault, operation) in self.system.faults.happened() {
            self.statistics.call_fault(delivery.function, fault, operation);
        }
        match (came, paused, suspension) {
            (Some(Ok(outcomes)), ..) => {
                for outcome in &outcomes {
                    self.statistics.outcome(delivery.function, outcome);
                }
                self.log.ended(&delivery, &outcomes);
                self.ended(&delivery, Ok(outcomes));
            }
            (Some(Err(_)), ..) if self.system.mutant == Some(Mutant::SwallowError) => {
                let message = "the error is ignored".to_owned();
                self.ended(
                    &delivery,
                    Ok(vec![Outcome::NotApplicable { reason: "failed".to_owned(), message }]),
                );
            }
            (Some(Err(error)), ..) => {
                self.statistics.error(error.kind());
                self.log.failed(&delivery, &error);
                self.ended(&delivery, Err(error.to_string()));
            }
            (None, Some(paused), Some(Suspension::Pause { how_long, why })) => {
                self.log.paused(number);
                let now = self.system.now();
                let (site, function) = (delivery.site, delivery.function);
                self.trace.add(now, || format!("  {function} in {site} waits {how_long:#}: {why}"));
                let until = now.checked_add(how_long).unwrap_or(now).min(deadline);
                self.suspended.push(SuspendedInvocation {
                    until,
                    deadline,
                    number,
                    delivery,
                    running,
                    paused,
                });
            }
            (None, _, suspension) => {
                let how = match suspension {
                    Some(Suspension::Crash(how)) => how,
                    _ => "crashed".to_owned(),
                };
                self.ended(&delivery, Err(how));
            }
        }
    }

    fn ended(&mut self, delivery: &Delivery, came: Result<Vec<Outcome>, String>) {
        let now = self.system.now();
        let (site, function) = (delivery.site, delivery.function);
        match came {
            Ok(outcomes) if outcomes.iter().all(is_routine) => {}
            Ok(outcomes) => self.trace.add(now, || {
                let words: Vec<String> = outcomes.iter().map(crate::trace::outcome).collect();
                format!(
                    "  {function} in {site} processes {}: {}",
                    crate::trace::event(&delivery.event),
                    words.join("; ")
                )
            }),
            Err(error) => {
                let again = self.system.event_bus.failed(delivery.clone(), error.clone(), now);
                let then = if again { "Lambda retries" } else { "to the dead-letter queue" };
                self.trace.add(now, || {
                    let heard = crate::trace::event(&delivery.event);
                    format!("  {function} in {site} fails to process {heard}: {error}; {then}")
                });
                if !again {
                    self.statistics.dead_letters += 1;
                }
            }
        }
    }
}
