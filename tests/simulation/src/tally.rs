//! What was tried: a simulation that never throttles anything has not shown that throttling is survived.

use std::collections::BTreeMap;

use serde::Serialize;
use tidegate_engine::Outcome;

use crate::step::{Goes, Post};

/// Counts of one history, or of many.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Tally {
    /// Histories.
    pub histories: u64,
    /// Steps that were played.
    pub steps: u64,
    /// Attempts of functions.
    pub invocations: u64,
    /// Events that ended in a dead-letter queue.
    pub dead_letters: u64,
    /// Faults by kind.
    pub faults: BTreeMap<String, u64>,
    /// What went wrong with which call of which function.
    pub hits: BTreeMap<String, u64>,
    /// What functions came to: function, verdict and reason.
    pub decisions: BTreeMap<String, u64>,
    /// Errors by kind.
    pub errors: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn post(&mut self, fate: Post, best_effort: bool) {
        let kind = match fate {
            Post::Times(_) => "event delivered several times",
            Post::Late(seconds) if seconds >= 3_600 => "event delayed by hours",
            Post::Late(_) => "event delayed",
            Post::Again(_) => "event delivered again later",
            Post::Lost if best_effort => "event lost",
            Post::Lost => return,
        };
        self.count_fault(kind);
    }

    /// Something went wrong with a call.
    pub(crate) fn fault(&mut self, function: &'static str, goes: Goes, operation: &str) {
        let kind = match goes {
            Goes::Fails => "call failed",
            Goes::Throttled => "call throttled",
            Goes::Denied => "call denied",
            Goes::AnswerLost => "answer lost",
            Goes::DiesBefore => "killed before a call",
            Goes::DiesAfter => "killed after a call",
            Goes::Waits(_) => "overtaken at a call",
        };
        self.count_fault(kind);
        *self.hits.entry(format!("{}: {kind}, {operation}", function)).or_default() += 1;
    }

    /// Whether something occurred, by its name in one of the counts.
    pub(crate) fn knows(&self, what: &str) -> bool {
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
