//! The log of the calls that the world received.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// One API call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ApiCall {
    /// When it was made.
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
    /// The request.
    pub request: Value,
    /// `ok`, or the error code.
    pub outcome: String,
}

/// The calls in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallLog {
    entries: Vec<ApiCall>,
}

impl CallLog {
    pub(crate) fn push(&mut self, entry: ApiCall) {
        self.entries.push(entry);
    }

    /// The calls so far.
    pub(crate) fn entries(&self) -> &[ApiCall] {
        &self.entries
    }
}
