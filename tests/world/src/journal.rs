//! Every call the world has seen, for tests and for people.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JournalEntry {
    /// When it came in.
    pub at: Timestamp,
    /// The caller's account.
    pub account: String,
    /// The region called.
    pub region: String,
    /// The caller's ARN.
    pub principal: String,
    /// `sagemaker`, `application-autoscaling`, `codecommit` or `sagemaker-runtime`.
    pub service: String,
    /// The operation, for example `CreateEndpoint`.
    pub operation: String,
    /// The request as it came in.
    pub request: Value,
    /// `ok`, or the error code.
    pub outcome: String,
}

/// The calls in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Journal {
    entries: Vec<JournalEntry>,
}

impl Journal {
    pub(crate) fn push(&mut self, entry: JournalEntry) {
        self.entries.push(entry);
    }

    /// All calls so far.
    pub(crate) fn entries(&self) -> &[JournalEntry] {
        &self.entries
    }
}
