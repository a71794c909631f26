//! The history of a ledger: its decisions as text, and every read and write in order.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tidegate_engine::ports::{StateKey, Stored};
use tidegate_engine::{DecisionRecord, EngineError};

/// One read or write of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// A state was read.
    Read {
        /// The function and model of the state.
        key: StateKey,
        /// The revision that was read.
        revision: u64,
    },
    /// A decision was written, with its claim and the state that follows.
    Decided {
        /// The claim under which it was made.
        claim: String,
        /// The record.
        record: Arc<DecisionRecord>,
        /// The state with its new revision and the previous one.
        state: Option<(StateKey, u64, u64)>,
    },
    /// The progress of a plan was recorded.
    Progress {
        /// The claim under which it was made.
        claim: String,
        /// The decision.
        decision: String,
        /// The number of its actions that have an outcome.
        outcomes: usize,
    },
    /// A record was written again, with the outcomes of its actions.
    Noted {
        /// The claim under which it was made.
        claim: String,
        /// The record.
        record: Arc<DecisionRecord>,
    },
}

pub(super) fn damaged(what: &str, error: impl ToString) -> EngineError {
    EngineError::Stored { what: what.to_owned(), message: error.to_string() }
}

/// The key of a decision: its model, and its time and ID as a text that sorts by time.
type Place = (String, String);

/// Everything that was written.
#[derive(Debug, Default)]
pub(super) struct History {
    decisions: BTreeMap<Place, String>,
    /// By the decision's id.
    places: HashMap<String, Place>,
    pub(super) notes: Vec<Note>,
}

impl History {
    pub(super) fn has(&self, record: &DecisionRecord) -> bool {
        self.decisions.contains_key(&place(record))
    }

    /// Writes a decision as JSON text: data that serialization loses must be lost here too.
    pub(super) fn write(&mut self, record: &DecisionRecord) -> Result<(), EngineError> {
        let text = serde_json::to_string(record).map_err(|error| damaged("decision", error))?;
        self.places.insert(record.id.clone(), place(record));
        self.decisions.insert(place(record), text);
        Ok(())
    }

    /// A decision by its id.
    pub(super) fn read(&self, id: &str) -> Option<Stored> {
        let text = self.decisions.get(self.places.get(id)?)?;
        Some(DecisionRecord::read(text, "decision"))
    }

    /// Decisions about a model, newest first.
    pub(super) fn about(&self, model: &str, limit: u32) -> Vec<Stored> {
        let of_model = self.decisions.iter().rev().filter(|((about, _), _)| about == model);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        of_model.take(limit).map(|(_, text)| DecisionRecord::read(text, "decision")).collect()
    }

    /// All decisions in the order in which they were made.
    pub(super) fn all(&self) -> Vec<DecisionRecord> {
        let mut all: Vec<(&Place, &String)> = self.decisions.iter().collect();
        all.sort_by(|((_, left), _), ((_, right), _)| left.cmp(right));
        all.into_iter().filter_map(|(_, text)| serde_json::from_str(text).ok()).collect()
    }
}

fn place(record: &DecisionRecord) -> Place {
    (record.model.clone(), record.sort_key())
}
