//! What happened to a ledger, in order, for whoever checks it from outside.

use std::sync::Arc;

use tidegate_engine::DecisionRecord;
use tidegate_engine::ports::StateKey;

/// Something that was asked of the ledger, or written into it.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// A state was read.
    Read {
        /// Whose.
        key: StateKey,
        /// Under this revision.
        revision: u64,
    },
    /// A decision was written, with its claim and the state that follows.
    Decided {
        /// The claim under which it was made.
        claim: String,
        /// The record.
        record: Arc<DecisionRecord>,
        /// The state with the revision that it has now and the one before.
        state: Option<(StateKey, u64, u64)>,
    },
    /// It was noted how far a plan is.
    Progress {
        /// The claim under which it was made.
        claim: String,
        /// The decision.
        decision: String,
        /// How many of its actions have an outcome.
        outcomes: usize,
    },
    /// A record was written again, with what came of its actions.
    Noted {
        /// The claim under which it was made.
        claim: String,
        /// The record.
        record: Arc<DecisionRecord>,
    },
}
