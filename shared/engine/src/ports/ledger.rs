//! The ledger: policies, claims, state, decisions.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use tidegate_policy::file::Policy;
use tidegate_policy::lookup::Lookup;

use super::{StateKey, StateWrite, Versioned};
use crate::{ActionOutcome, DecisionRecord, EngineError};

/// A policy as it was applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The policy.
    pub policy: Arc<Policy>,
    /// Its version.
    pub version: String,
}

/// The answer to a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// The event is ours to decide.
    Fresh,
    /// It was decided by an invocation that did not finish; the rest of its plan, after the outcomes that are known, is
    /// ours to carry out.
    Resume(Box<DecisionRecord>),
    /// It has been dealt with.
    Done {
        /// The id of the decision.
        decision: String,
        /// The decision with what was done, if the ledger still has it.
        record: Option<Box<DecisionRecord>>,
    },
    /// Another invocation works on it.
    Leased {
        /// Until its lease ends.
        until: Timestamp,
    },
}

/// What is written when a decision is made: all of it or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The decision.
    pub record: DecisionRecord,
    /// The claim under which it was made.
    pub claim: String,
    /// The owner of the claim: if it is another's meanwhile, nothing is written.
    pub owner: String,
    /// The state that follows.
    pub state: Option<StateWrite>,
    /// The decision under the same claim that this one follows, with its outcomes. The claim moves on to this one.
    pub follows: Option<DecisionRecord>,
}

/// A decision as it was found in the ledger.
pub type Stored = Result<DecisionRecord, EngineError>;

/// Whether an [`Entry`] was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It was.
    Written,
    /// Somebody else decided first: read again, decide again.
    Conflict,
    /// The claim is another's meanwhile, or has moved on: there is nothing left to decide here.
    LeaseLost,
}

/// The account's ledger.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// The applied policy of a model.
    async fn policy(&self, model: &str) -> Result<Option<Applied>, EngineError>;
    /// The models that an event's name concerns.
    async fn models_for(&self, lookup: &Lookup) -> Result<Vec<String>, EngineError>;
    /// Every model with an applied policy, for the sweeps.
    async fn models(&self) -> Result<Vec<String>, EngineError>;
    /// Applies a policy and its lookups, and removes the lookups that it no longer has.
    async fn apply(&self, policy: &Policy, now: Timestamp) -> Result<(), EngineError>;

    /// Claims an event. The same owner may claim again: Lambda retries under the same request id.
    async fn claim(
        &self,
        key: &str,
        owner: &str,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Claim, EngineError>;
    /// Whether an event was claimed and is not dealt with yet.
    async fn is_open(&self, key: &str) -> Result<bool, EngineError>;
    /// Gives a claim back without having finished, so that a retry need not wait for the lease.
    async fn release(&self, key: &str, owner: &str) -> Result<(), EngineError>;
    /// The state of a function for a model.
    async fn state(&self, key: &StateKey) -> Result<Versioned, EngineError>;
    /// Writes a decision with everything that belongs to it, or nothing.
    async fn record(&self, entry: &Entry) -> Result<Recorded, EngineError>;
    /// Notes the outcomes of the first actions of a decision's plan; `false` if the claim is another's meanwhile.
    async fn progress(
        &self,
        claim: &str,
        owner: &str,
        decision: &str,
        outcomes: &[ActionOutcome],
    ) -> Result<bool, EngineError>;
    /// Notes that the plan was carried out, with the record's outcomes.
    async fn finish(&self, record: &DecisionRecord, claim: &str) -> Result<(), EngineError>;
    /// The decisions about a model, newest first, at most `limit`; an error in the place of one that cannot be read.
    async fn decisions(&self, model: &str, limit: u32) -> Result<Vec<Stored>, EngineError>;
}
