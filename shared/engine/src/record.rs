//! What is written down about a decision.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_events::{Event, Received};
use tidegate_policy::decision::Evidence;
use tidegate_policy::reason::Reason;

use crate::EngineError;

/// The version of [`DecisionRecord`].
pub const SCHEMA: u32 = 1;

/// A decision as the ledger keeps it, as the bus carries it and as people read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionRecord {
    /// The version of this shape. New fields do not raise it; a change of meaning does.
    pub schema: u32,
    /// The same for the same decision.
    pub id: String,
    /// When it was made.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// In which account.
    pub account: String,
    /// In which environment; `hub` in the hub.
    pub environment: String,
    /// By which function.
    pub function: String,
    /// In which version.
    pub function_version: String,
    /// About which model.
    pub model: String,
    /// The verdict's code.
    pub verdict: String,
    /// The reason's code.
    pub reason: String,
    /// The reason in words.
    pub message: String,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// What was to be done.
    pub plan: Vec<Value>,
    /// Under which version of the policy.
    pub policy_version: String,
    /// Because of which event.
    pub event: EventRef,
    /// The decision that this one follows: an action of its plan was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_by: Option<String>,
    /// Its place in the chain of decisions about one event, which are made at one time: 0, or one more than the one that
    /// it follows.
    #[serde(default, skip_serializing_if = "is_first")]
    pub sequence: u32,
    /// What became of each action, once it was carried out.
    #[serde(default)]
    pub outcomes: Vec<ActionOutcome>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_first(sequence: &u32) -> bool {
    *sequence == 0
}

impl DecisionRecord {
    /// Reads a record as it was stored.
    ///
    /// # Errors
    /// If it is damaged, or of a later version of Tidegate whose records mean something else.
    pub fn read(json: &str, what: &str) -> Result<Self, EngineError> {
        let damaged = |message| EngineError::Stored { what: what.to_owned(), message };
        let Shape { schema } = serde_json::from_str(json).map_err(|error| damaged(error.to_string()))?;
        if schema > SCHEMA {
            return Err(damaged(format!(
                "it is of schema {schema}, and this version of Tidegate reads up to {SCHEMA}; update Tidegate"
            )));
        }
        serde_json::from_str(json).map_err(|error| damaged(error.to_string()))
    }

    /// The time and the id as a text whose order is the order in which decisions about a model were made: always three
    /// decimals, and what follows comes after the one that it follows.
    #[must_use]
    pub fn sort_key(&self) -> String {
        match self.sequence {
            0 => format!("{:.3}#{}", self.at, self.id),
            // A tilde comes after everything that an id begins with.
            sequence => format!("{:.3}#~{sequence}#{}", self.at, self.id),
        }
    }

    /// What orders the decisions about a model, also those of a time when records did not have their link.
    #[must_use]
    pub fn order(&self) -> (Timestamp, u32, &str) {
        (self.at, self.sequence.max(self.caused_by.is_some().into()), &self.id)
    }
}

/// What every version of a record has.
#[derive(Deserialize)]
struct Shape {
    schema: u32,
}

/// The event behind a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventRef {
    /// The envelope's id.
    pub id: String,
    /// Its source.
    pub source: String,
    /// Its detail-type.
    pub detail_type: String,
    /// What it means: equal for every telling of the same change.
    pub idempotency_key: String,
    /// The event as it arrived, so that it can be decided again; absent if it is larger than
    /// [`KEPT_BYTES`](tidegate_events::KEPT_BYTES).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Value")]
    pub received: Option<Received>,
}

impl EventRef {
    /// The reference to an event.
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

    /// The same, as an account said it: another account's word is another event, even if it repeats the first one's word
    /// for word, so that a stranger cannot take the place of who may say it.
    #[must_use]
    pub fn scoped_to_sender(self, account: &str) -> Self {
        Self { idempotency_key: format!("{} from {account}", self.idempotency_key), ..self }
    }
}

/// What became of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActionOutcome {
    /// In words: what was made, that it was so already, or why it was not done.
    pub detail: String,
    /// In one word.
    #[serde(default, skip_serializing_if = "ActionStatus::is_done")]
    pub status: ActionStatus,
}

/// What became of an action, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionStatus {
    /// It is so.
    #[default]
    Done,
    /// It was not wanted any more.
    Superseded,
    /// It was not safe any more, or AWS refused it for good.
    Rejected,
}

impl ActionStatus {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

impl ActionOutcome {
    /// It is so: in words, what was made, or that it was so already.
    #[must_use]
    pub fn done(detail: String) -> Self {
        Self { detail, status: ActionStatus::Done }
    }

    /// It was not wanted any more.
    #[must_use]
    pub fn superseded() -> Self {
        let detail = "not done: a later decision has taken its place".to_owned();
        Self { detail, status: ActionStatus::Superseded }
    }

    /// It was refused.
    #[must_use]
    pub fn rejected(why: &Reason) -> Self {
        Self { detail: format!("not done: {why}"), status: ActionStatus::Rejected }
    }
}

/// What became of an event for one model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It was decided, and the plan was carried out.
    Decided {
        /// The record.
        record: Box<DecisionRecord>,
    },
    /// It had been dealt with before.
    Duplicate {
        /// The id of the record of then.
        decision: String,
        /// The record itself, with what was done.
        #[serde(skip_serializing_if = "Option::is_none")]
        record: Option<Box<DecisionRecord>>,
    },
    /// It was looked at, and nothing has changed since the last record.
    Unchanged {
        /// The model.
        model: String,
        /// The reason, still.
        reason: String,
    },
    /// It concerns no model that is managed here.
    NotApplicable {
        /// The reason's code: `unsupported_event`, `unmanaged`, …
        reason: String,
        /// The reason in words.
        message: String,
    },
}

/// The outcomes of an event that concerns several models. One that fails does not keep the others from being dealt
/// with; the retry then finds those done.
#[derive(Debug, Default)]
pub struct Outcomes {
    done: Vec<Outcome>,
    failed: Option<EngineError>,
}

impl Outcomes {
    /// Adds what became of one model.
    pub fn add(&mut self, result: Result<Outcome, EngineError>) {
        match result {
            Ok(outcome) => self.done.push(outcome),
            Err(error) => {
                tracing::error!(%error, "failed for one model");
                self.failed.get_or_insert(error);
            }
        }
    }

    /// Adds what became of other models.
    pub fn join(&mut self, others: Self) {
        self.done.extend(others.done);
        self.failed = self.failed.take().or(others.failed);
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.done.is_empty() && self.failed.is_none()
    }

    /// All outcomes.
    ///
    /// # Errors
    /// The first failure, if there was one.
    pub fn finish(self) -> Result<Vec<Outcome>, EngineError> {
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.done),
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
    fn what_follows_comes_after_what_it_follows_whatever_their_ids() {
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
        // Of a time when records did not have their link.
        assert!(chain[1].order() < record("00", at, Some("fe"), 0).order());
    }

    #[test]
    fn the_first_of_a_chain_says_nothing_of_links() {
        let text = serde_json::to_string(&record("a", "2026-03-02T09:00:00Z", None, 0)).unwrap();
        assert!(!text.contains("sequence"), "{text}");
    }
}
