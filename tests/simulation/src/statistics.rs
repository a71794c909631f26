//! Statistics of a run: they show which faults and decisions occurred.

use std::collections::BTreeMap;

use serde::Serialize;
use tidegate_engine::Outcome;

use crate::history::{DeliveryFault, InvocationFault};

/// Counts of one history, or of many.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Statistics {
    /// Histories.
    pub histories: u64,
    /// Executed steps.
    pub steps: u64,
    /// Invocations of functions.
    pub invocations: u64,
    /// Events that ended in a dead-letter queue.
    pub dead_letters: u64,
    /// Faults by kind.
    pub faults: BTreeMap<String, u64>,
    /// Faults by function and operation.
    pub hits: BTreeMap<String, u64>,
    /// Decisions by function, verdict and reason.
    pub decisions: BTreeMap<String, u64>,
    /// Errors by kind.
    pub errors: BTreeMap<String, u64>,
}

impl Statistics {
    pub(crate) fn delivery_fault(&mut self, fault: DeliveryFault, best_effort: bool) {
        let kind = match fault {
            DeliveryFault::Times(_) => "event delivered several times",
            DeliveryFault::Late(seconds) if seconds >= 3_600 => "event delayed by hours",
            DeliveryFault::Late(_) => "event delayed",
            DeliveryFault::Again(_) => "event delivered again later",
            DeliveryFault::Lost if best_effort => "event lost",
            DeliveryFault::Lost => return,
        };
        self.count_fault(kind);
    }

    /// Counts a fault that struck a call.
    pub(crate) fn call_fault(&mut self, function: &'static str, fault: InvocationFault, operation: &str) {
        let kind = match fault {
            InvocationFault::Error => "call failed",
            InvocationFault::Throttled => "call throttled",
            InvocationFault::Denied => "call denied",
            InvocationFault::ResponseLost => "response lost",
            InvocationFault::CrashBefore => "killed before a call",
            InvocationFault::CrashAfter => "killed after a call",
            InvocationFault::Pause(_) => "overtaken at a call",
        };
        self.count_fault(kind);
        *self.hits.entry(format!("{}: {kind}, {operation}", function)).or_default() += 1;
    }

    /// Whether one of the counts has this key.
    pub(crate) fn contains(&self, what: &str) -> bool {
        [&self.faults, &self.hits, &self.decisions, &self.errors].iter().any(|all| all.contains_key(what))
    }

    pub(crate) fn count_fault(&mut self, kind: &str) {
        *self.faults.entry(kind.to_owned()).or_default() += 1;
    }

    pub(crate) fn outcome(&mut self, function: &'static str, outcome: &Outcome) {
        let what = match outcome {
            Outcome::Decided { record } => format!("{} {}", record.verdict, record.reason),
            Outcome::Duplicate { .. } => "duplicate".to_owned(),
            Outcome::Unchanged { reason, .. } => format!("unchanged {reason}"),
            Outcome::Others { decided, unchanged } => format!("others {decided} {unchanged}"),
            Outcome::NotApplicable { reason, .. } => format!("not_applicable {reason}"),
        };
        *self.decisions.entry(format!("{}: {what}", function)).or_default() += 1;
    }

    pub(crate) fn error(&mut self, kind: &str) {
        *self.errors.entry(kind.to_owned()).or_default() += 1;
    }

    /// Adds the counts of another.
    pub fn add(&mut self, other: &Self) {
        self.histories += other.histories;
        self.steps += other.steps;
        self.invocations += other.invocations;
        self.dead_letters += other.dead_letters;
        for (mine, theirs) in [
            (&mut self.faults, &other.faults),
            (&mut self.hits, &other.hits),
            (&mut self.decisions, &other.decisions),
            (&mut self.errors, &other.errors),
        ] {
            for (what, count) in theirs {
                *mine.entry(what.clone()).or_default() += count;
            }
        }
    }
}
