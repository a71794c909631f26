//! The record of a decision, and the outcome of an event.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_events::{Event, Received};
use tidegate_policy::decision::Evidence;
use tidegate_policy::reason::Reason;

use crate::EngineError;

/// The current schema version of [`DecisionRecord`].
pub const SCHEMA: u32 = 1;

/// The record of a decision, as it is stored in the ledger and published on the bus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionRecord {
    /// The schema version of the record. A new field does not increase it. A change in the meaning of a field does.
    pub schema: u32,
    /// The id of the decision: a fingerprint of the site, the function, the model, the event and the time.
    pub id: String,
    /// The time at which the decision was made.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// The account in which the decision was made.
    pub account: String,
    /// The environment in which the decision was made, or `hub`.
    pub environment: String,
    /// The function that decided.
    pub function: String,
    /// The version of the function.
    pub function_version: String,
    /// The model that the decision concerns.
    pub model: String,
    /// The code of the verdict.
    pub verdict: String,
    /// The code of the reason.
    pub reason: String,
    /// The message of the reason.
    pub message: String,
    /// The values that support the decision.
    pub evidence: Vec<Evidence>,
    /// The steps of the plan.
    pub plan: Vec<Value>,
    /// The version of the policy that the decision used.
    pub policy_version: String,
    /// The event that led to the decision.
    pub event: EventRef,
    /// The id of the decision that caused this one, if a step of its plan was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_by: Option<String>,
    /// The position in the chain of decisions about one event, which all have the same time. The first decision has 0.
    #[serde(default, skip_serializing_if = "is_first")]
    pub sequence: u32,
    /// The outcomes of the plan's steps so far, in the order of the plan.
    #[serde(default)]
    pub outcomes: Vec<ActionOutcome>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_first(sequence: &u32) -> bool {
    *sequence == 0
}

impl DecisionRecord {
    /// Parses a stored record.
    ///
    /// # Errors
    /// Returns an error if the record is invalid, or if its schema version is newer than [`SCHEMA`].
    pub fn read(json: &str, what: &str) -> Result<Self, EngineError> {
        let damaged = |message| EngineError::Stored { what: what.to_owned(), message };
        let SchemaVersion { schema } =
            serde_json::from_str(json).map_err(|error| damaged(error.to_string()))?;
        if schema > SCHEMA {
            return Err(damaged(format!(
                "its schema version is {schema}, and this version of Tidegate reads up to {SCHEMA}; update Tidegate"
            )));
        }
        serde_json::from_str(json).map_err(|error| damaged(error.to_string()))
    }

    /// A text with the time and the id that sorts the decisions about a model in the order in which they were made. The
    /// time always has three decimals, and a decision sorts after the one that caused it.
    #[must_use]
    pub fn sort_key(&self) -> String {
        match self.sequence {
            0 => format!("{:.3}#{}", self.at, self.id),
            // A tilde sorts after every character with which an id can begin.
            sequence => format!("{:.3}#~{sequence}#{}", self.at, self.id),
        }
    }

    /// The sort key for decisions about a model. It also sorts records of older versions that have no `sequence`.
    #[must_use]
    pub fn order(&self) -> (Timestamp, u32, &str) {
        (self.at, self.sequence.max(self.caused_by.is_some().into()), &self.id)
    }
}

/// The part that a record of every schema version has.
#[derive(Deserialize)]
struct SchemaVersion {
    schema: u32,
}

/// A reference to the event that led to a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventRef {
    /// The id in the envelope of the event.
    pub id: String,
    /// The source of the event.
    pub source: String,
    /// The detail-type of the event.
    pub detail_type: String,
    /// The idempotency key of the event. It is equal for all events that report the same change.
    pub idempotency_key: String,
    /// The event as it was received, so that it can be replayed. It is absent if it is larger than
    /// [`KEPT_BYTES`](tidegate_events::KEPT_BYTES).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Value")]
    pub received: Option<Received>,
}

impl EventRef {
    /// Creates the reference to an event.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        Self {
            id: event.envelope.id.clone(),
            source: event.envelope.source.clone(),
            detail_type: event.envelope.detail_type.clone(),
            idempotency_key: event.idempotency_key(),
            received: event.received.clone(),
        }
    }

    /// Adds the sending account to the idempotency key. An event from another account is then another event even if its
    /// content is equal, so that an unauthorized sender cannot use up the key of the authorized one.
    #[must_use]
    pub fn scoped_to_sender(self, account: &str) -> Self {
        Self { idempotency_key: format!("{} from {account}", self.idempotency_key), ..self }
    }
}

/// The outcome of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActionOutcome {
    /// What was done, or why the step was not executed.
    pub detail: String,
    /// The status of the step.
    #[serde(default, skip_serializing_if = "ActionStatus::is_done")]
    pub status: ActionStatus,
}

/// The status of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionStatus {
    /// The step was executed.
    #[default]
    Done,
    /// The step was skipped, because a later decision superseded it.
    Superseded,
    /// A precondition did not hold, or AWS rejected the call.
    Rejected,
}

impl ActionStatus {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

impl ActionOutcome {
    /// The outcome of a step that was executed. The detail says what was done, or that nothing had to be done.
    #[must_use]
    pub fn done(detail: String) -> Self {
        Self { detail, status: ActionStatus::Done }
    }

    /// The outcome of a step that a later decision superseded.
    #[must_use]
    pub fn superseded() -> Self {
        let detail = "not done: a later decision superseded it".to_owned();
        Self { detail, status: ActionStatus::Superseded }
    }

    /// The outcome of a step that was rejected.
    #[must_use]
    pub fn rejected(why: &Reason) -> Self {
        Self { detail: format!("not done: {why}"), status: ActionStatus::Rejected }
    }
}

/// The outcome of an event for one model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The event was decided, and the plan was executed.
    Decided {
        /// The record of the decision.
        record: Box<DecisionRecord>,
    },
    /// The event had already been processed.
    Duplicate {
        /// The id of the earlier decision.
        decision: String,
        /// The record of the earlier decision with its outcomes, if the ledger still has it.
        #[serde(skip_serializing_if = "Option::is_none")]
        record: Option<Box<DecisionRecord>>,
    },
    /// A sweep checked the model and found nothing new since the last record.
    Unchanged {
        /// The name of the model.
        model: String,
        /// The code of the reason that still applies.
        reason: String,
    },
    /// The outcomes of the other models of a sweep: only the first [`MAX_OUTCOMES`] are kept, because the answer and the
    /// memory of a function are limited.
    Others {
        /// The number of models for which something was decided.
        decided: u64,
        /// The number of models for which there was nothing new.
        unchanged: u64,
    },
    /// The event concerns no model that is managed here.
    NotApplicable {
        /// The code of the reason, such as `unsupported_event` or `unmanaged`.
        reason: String,
        /// The message of the reason.
        message: String,
    },
}

/// The largest number of outcomes that the sweep of a function on Lambda returns one by one.
pub const MAX_OUTCOMES: usize = 100;

/// The outcomes of an event that concerns several models. If one model fails, the others are still processed, and the
/// retry skips them.
#[derive(Debug, Default)]
pub struct Outcomes {
    done: Vec<Outcome>,
    /// The largest number of outcomes that are kept; all if it is `None`.
    most: Option<usize>,
    /// The numbers of outcomes that are not kept: decided, and unchanged.
    others: (u64, u64),
    failed: Option<EngineError>,
}

impl Outcomes {
    /// Outcomes of which at most so many are kept. The others are counted.
    #[must_use]
    pub fn at_most(most: usize) -> Self {
        Self { most: Some(most), ..Self::default() }
    }

    /// Adds the outcome of one model.
    pub fn add(&mut self, result: Result<Outcome, EngineError>) {
        match result {
            Ok(outcome) => self.push(outcome),
            Err(error) => {
                tracing::error!(%error, "processing failed for one model");
                self.failed.get_or_insert(error);
            }
        }
    }

    fn push(&mut self, outcome: Outcome) {
        let (decided, unchanged) = &mut self.others;
        if self.most.is_none_or(|most| self.done.len() < most) {
            self.done.push(outcome);
        } else if matches!(outcome, Outcome::Decided { .. }) {
            *decided = decided.saturating_add(1);
        } else {
            *unchanged = unchanged.saturating_add(1);
        }
    }

    /// Adds the outcomes of other models.
    pub fn join(&mut self, others: Self) {
        others.done.into_iter().for_each(|outcome| self.push(outcome));
        self.others.0 = self.others.0.saturating_add(others.others.0);
        self.others.1 = self.others.1.saturating_add(others.others.1);
        self.failed = self.failed.take().or(others.failed);
    }

    /// Returns whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.done.is_empty() && self.failed.is_none()
    }

    /// Returns all outcomes.
    ///
    /// # Errors
    /// Returns the first error, if a model failed.
    pub fn finish(self) -> Result<Vec<Outcome>, EngineError> {
        match self.failed {
            Some(error) => Err(error),
            None => {
                let (mut done, (decided, unchanged)) = (self.done, self.others);
                if self.others != (0, 0) {
                    done.push(Outcome::Others { decided, unchanged });
                }
                Ok(done)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(id: &str, at: &str, follows: Option<&str>, sequence: u32) -> DecisionRecord {
        let value = json!({
            "schema": 1, "id": id, "at": at, "account": "111122223333", "environment": "hub", "function": "promote",
            "function_version": "0.1.0", "model": "churn", "verdict": "stop", "reason": "rejected_by_aws",
            "message": "s", "evidence": [], "plan": [], "policy_version": "p", "caused_by": follows, "sequence": sequence,
            "event": { "id": "e", "source": "s", "detail_type": "t", "idempotency_key": "m" },
        });
        DecisionRecord::read(&value.to_string(), "record").unwrap()
    }

    #[test]
    fn a_decision_sorts_after_the_one_that_caused_it_independent_of_their_ids() {
        let at = "2026-03-02T09:00:00.5Z";
        let chain = [
            record("ff", "2026-03-02T09:00:00Z", None, 0),
            record("fe", at, None, 0),
            record("0a", at, Some("fe"), 1),
            record("00", at, Some("0a"), 2),
            record("00", "2026-03-02T09:00:01Z", None, 0),
        ];
        assert!(chain.is_sorted_by_key(DecisionRecord::sort_key));
        assert!(chain.is_sorted_by(|a, b| a.order() < b.order()));
        assert_eq!(chain[1].sort_key(), "2026-03-02T09:00:00.500Z#fe");
        // A record of an older version that has no `sequence`.
        assert!(chain[1].order() < record("00", at, Some("fe"), 0).order());
    }

    #[test]
    fn the_first_record_of_a_chain_has_no_sequence_field() {
        let text = serde_json::to_string(&record("a", "2026-03-02T09:00:00Z", None, 0)).unwrap();
        assert!(!text.contains("sequence"), "{text}");
    }
}
