//! What can go wrong outside of a decision.

use jiff::Timestamp;

/// What a failed call means for whoever made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// May work later: a timeout, a 5xx.
    Retryable,
    /// Too many calls: may work later, more slowly.
    Throttled,
    /// The role lacks the permission.
    Denied,
    /// Something else was there first, or is in use.
    Conflict,
    /// Will not work however often it is tried.
    Permanent,
}

/// A call to AWS that failed.
#[derive(Debug, thiserror::Error)]
#[error("{service}:{operation} failed ({class:?}): {message}")]
pub struct CallError {
    /// The service, such as `sagemaker`.
    pub service: &'static str,
    /// The operation, such as `CreateEndpoint`.
    pub operation: &'static str,
    /// What the failure means.
    pub class: Class,
    /// AWS's error code and message, or ours.
    pub message: String,
}

/// Why an event could not be dealt with now. Lambda retries it, and then the dead-letter queue has it.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Another invocation works on the same event.
    #[error("another invocation works on this event until {until}")]
    LeaseHeldElsewhere {
        /// When its lease ends.
        until: Timestamp,
    },
    /// The lease ran out before the decision was written or its plan was through, and another invocation deals with the
    /// event now.
    #[error("another invocation has taken over the event that decision {decision} is about")]
    LeaseLost {
        /// The decision.
        decision: String,
    },
    /// Others changed the state each time we were about to decide.
    #[error("the state of {model} changed {attempts} times while deciding")]
    Contention {
        /// The model.
        model: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// The payload is no event that can be read.
    #[error("the event cannot be read: {0}")]
    Event(#[from] tidegate_events::EventError),
    /// What the ledger holds cannot be read by this version.
    #[error("the ledger's {what} cannot be read: {message}")]
    Stored {
        /// Which item.
        what: String,
        /// What is wrong with it.
        message: String,
    },
}

impl EngineError {
    /// The class as Lambda reports it, so that an alarm can tell them apart.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Call(error) => match error.class {
                Class::Retryable => "Retryable",
                Class::Throttled => "Throttled",
                Class::Denied => "Denied",
                Class::Conflict => "Conflict",
                Class::Permanent => "Permanent",
            },
            Self::LeaseHeldElsewhere { .. } => "LeaseHeldElsewhere",
            Self::LeaseLost { .. } => "LeaseLost",
            Self::Contention { .. } => "Contention",
            Self::Event(_) => "UnreadableEvent",
            Self::Stored { .. } => "UnreadableLedger",
        }
    }
}
