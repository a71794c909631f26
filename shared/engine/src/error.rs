//! Errors of the engine and of AWS calls.

use jiff::Timestamp;

/// How the caller must handle a failed AWS call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A temporary failure, such as a timeout or a 5xx. A retry may succeed.
    Retryable,
    /// Too many calls. A retry after a pause may succeed.
    Throttled,
    /// The role lacks the permission.
    Denied,
    /// The resource exists already or is in use.
    Conflict,
    /// What the call refers to does not exist, or is not visible yet. A retry after a while may succeed.
    TooEarly,
    /// Another change of the resource is under way. A retry after that change may succeed.
    Busy,
    /// The request is invalid or not allowed. A retry does not change the result.
    Permanent,
}

/// An AWS call that failed.
#[derive(Debug, thiserror::Error)]
#[error("{service}:{operation} failed ({class:?}): {message}")]
pub struct CallError {
    /// The service, such as `sagemaker`.
    pub service: &'static str,
    /// The operation, such as `CreateEndpoint`.
    pub operation: &'static str,
    /// How the caller must handle the failure.
    pub class: Class,
    /// The error code and the message of AWS, or a message of Tidegate.
    pub message: String,
}

/// Why an event could not be processed now. Lambda retries the event, then sends it to the dead-letter queue.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// An AWS call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Another invocation holds the lease on the event.
    #[error("another invocation holds the lease on this event until {until}")]
    LeaseHeldElsewhere {
        /// The end of that lease.
        until: Timestamp,
    },
    /// The lease expired before the decision was written or its plan was completed, and another invocation took the
    /// event over.
    #[error("another invocation took over the event of decision {decision}")]
    LeaseLost {
        /// The id of the decision.
        decision: String,
    },
    /// Other invocations changed the state during each attempt to decide.
    #[error("other invocations changed the state of {model} during each of {attempts} attempts to decide")]
    Contention {
        /// The name of the model.
        model: String,
        /// The number of attempts.
        attempts: u32,
    },
    /// No decision of the function published the event that it was asked to publish again.
    #[error(
        "no decision of {function} about this model published this {detail_type}, so it is not published again"
    )]
    NotPublished {
        /// The name of the function.
        function: &'static str,
        /// The detail-type of the event.
        detail_type: String,
    },
    /// The time for one model is over. The claim is released, and the retry continues.
    #[error("the time for {model} was over before its plan was completed; the retry continues it")]
    OutOfTime {
        /// The name of the model.
        model: String,
    },
    /// The payload is not an event that can be parsed.
    #[error("the event cannot be read: {0}")]
    Event(#[from] tidegate_events::EventError),
    /// This version cannot read an item of the ledger.
    #[error("the ledger's {what} cannot be read: {message}")]
    Stored {
        /// The item.
        what: String,
        /// The error of the parser, or another description of the problem.
        message: String,
    },
}

impl EngineError {
    /// The name of the error class that Lambda reports, so that an alarm can distinguish the classes.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Call(error) => match error.class {
                Class::Retryable => "Retryable",
                Class::Throttled => "Throttled",
                Class::Denied => "Denied",
                Class::Conflict => "Conflict",
                Class::TooEarly => "TooEarly",
                Class::Busy => "Busy",
                Class::Permanent => "Permanent",
            },
            Self::LeaseHeldElsewhere { .. } => "LeaseHeldElsewhere",
            Self::LeaseLost { .. } => "LeaseLost",
            Self::Contention { .. } => "Contention",
            Self::NotPublished { .. } => "NotPublished",
            Self::OutOfTime { .. } => "OutOfTime",
            Self::Event(_) => "UnreadableEvent",
            Self::Stored { .. } => "UnreadableLedger",
        }
    }
}
