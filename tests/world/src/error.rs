//! The error of a rejected call.

use serde_json::{Map, Value};

/// An error as the service would answer it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// The error code, for example `ValidationException`.
    pub code: String,
    /// The text for people.
    pub message: String,
    /// The HTTP status; awsJson errors are 400 unless the service is at fault.
    pub http_status: u16,
    /// Further members of the error body (only `ModelError` has some).
    pub fields: Map<String, Value>,
}

impl ApiError {
    /// An error with HTTP status 400.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), http_status: 400, fields: Map::new() }
    }

    /// `ValidationException`, SageMaker's answer to most wrong requests, including missing resources.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    /// `ResourceNotFound`, which only part of the SageMaker API uses.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new("ResourceNotFound", message)
    }

    /// `ConflictException`.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new("ConflictException", message)
    }

    /// `AccessDeniedException`, naming who was refused what, and why.
    pub fn denied(principal: &str, action: &str, resource: &str, because: &str) -> Self {
        Self::new(
            "AccessDeniedException",
            format!(
                "User: {principal} is not authorized to perform: {action} on resource: {resource} {because}"
            ),
        )
    }

    /// SageMaker's answer when a named thing is missing.
    pub(crate) fn could_not_find(what: &str, arn: &str) -> Self {
        Self::validation(format!("Could not find {what} \"{arn}\"."))
    }

    /// SageMaker's answer when a name is taken.
    pub(crate) fn already_existing(what: &str, arn: &str) -> Self {
        Self::validation(format!("Cannot create already existing {what} \"{arn}\"."))
    }

    /// The same error with another HTTP status.
    #[must_use]
    pub fn with_status(mut self, http_status: u16) -> Self {
        self.http_status = http_status;
        self
    }
}
