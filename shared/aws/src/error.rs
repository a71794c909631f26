//! Classifies failed calls by the SDK's structured error, and by the table of rejections for which the code says too little.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tidegate_engine::refusals::{Meaning, meaning};
use tidegate_engine::{CallError, Class, EngineError};
use tidegate_events::clean;

use crate::convert::cut;

/// The longest message, in characters. Messages are written to logs, and AWS's validation messages can repeat the whole
/// request.
const LONGEST_MESSAGE: usize = 1_000;

/// A failed call with the error code and the message of AWS.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The error code of AWS. It is empty if there was no answer.
    pub(crate) code: String,
    /// The message of AWS, or the error of the connection.
    pub(crate) text: String,
    /// What AWS means, if the table of rejections says it.
    pub(crate) meaning: Option<Meaning>,
    /// Whether the request was sent and no answer arrived before the timeout.
    pub(crate) timed_out: bool,
    /// The error for the caller.
    pub(crate) call: CallError,
}

impl Failure {
    /// Returns whether AWS answered with this code. Some services omit the suffix `Exception`.
    pub(crate) fn is(&self, code: &str) -> bool {
        stem(&self.code) == stem(code)
    }

    /// Returns whether AWS's message contains a text, without regard to case.
    pub(crate) fn says(&self, words: &str) -> bool {
        self.text.to_lowercase().contains(words)
    }

    /// Returns whether a resource with this name exists already.
    pub(crate) fn already_there(&self) -> bool {
        self.meaning == Some(Meaning::AlreadyExists)
    }

    /// Returns whether the resource does not exist.
    pub(crate) fn not_there(&self) -> bool {
        self.meaning == Some(Meaning::NotFound)
    }

    /// The error of a call that was rejected while its resource is not in service: another change is under way, whatever
    /// the message says.
    pub(crate) fn busy(self) -> CallError {
        CallError { class: Class::Busy, ..self.call }
    }
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        failure.call
    }
}

impl From<Failure> for EngineError {
    fn from(failure: Failure) -> Self {
        Self::Call(failure.call)
    }
}

/// Returns a function for `map_err` that classifies the error of an operation.
pub(crate) fn failed<E>(
    service: &'static str,
    operation: &'static str,
) -> impl FnOnce(SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    failed_with(service, operation, &[])
}

/// As [`failed`], for an operation whose rejections mean something else if they are not about one of these `names`.
pub(crate) fn failed_with<E>(
    service: &'static str,
    operation: &'static str,
    names: &[&str],
) -> impl FnOnce(SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    move |error: SdkError<E, HttpResponse>| {
        let timed_out = matches!(&error, SdkError::TimeoutError(_));
        let status = error.raw_response().map(|response| response.status().as_u16());
        let code = error.code().unwrap_or_default().to_owned();
        let class = match &error {
            // The request could not be built. A retry fails in the same way.
            SdkError::ConstructionFailure(_) => Class::Permanent,
            // There was no answer, so it is unknown whether AWS executed the call. Every call is idempotent and can be
            // retried.
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => Class::Retryable,
            // The answer was incomplete, or came from a proxy. Its status is still valid.
            SdkError::ResponseError(_) if status.is_none_or(|status| status < 400) => Class::Retryable,
            _ => class_of(&code, status),
        };
        let text = match (error.message(), status) {
            (Some(message), _) => message.to_owned(),
            (None, Some(status)) if status >= 400 => format!("HTTP {status} without a message"),
            _ => chain(&error),
        };
        let message = if code.is_empty() { text.clone() } else { format!("{code}: {text}") };
        let meaning = meaning(operation, &code, &text, names);
        let class = meaning.map_or(class, Meaning::class);
        let call = CallError { service, operation, class, message: cut(&clean(&message), LONGEST_MESSAGE) };
        Failure { code, text, meaning, timed_out, call }
    }
}

/// An error for a call that was not made, or whose answer violates the API.
pub(crate) fn refused(service: &'static str, operation: &'static str, message: impl ToString) -> CallError {
    CallError { service, operation, class: Class::Permanent, message: message.to_string() }
}

/// Classifies an error code or, if the code is unknown, the HTTP status.
///
/// The codes are those of <https://docs.aws.amazon.com/awssupport/latest/APIReference/CommonErrors.html>, and those
/// that each service adds.
pub(crate) fn class_of(code: &str, status: Option<u16>) -> Class {
    match stem(code) {
        "Throttling"
        | "Throttled"
        | "RequestThrottled"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "ProvisionedThroughputExceeded"
        | "BandwidthLimitExceeded"
        | "SlowDown"
        | "EC2ThrottledException" => Class::Throttled,
        "AccessDenied"
        | "Unauthorized"
        | "UnauthorizedOperation"
        | "NotAuthorized"
        | "Authorization"
        | "UnrecognizedClient"
        | "InvalidClientTokenId"
        | "ExpiredToken"
        | "MissingAuthenticationToken"
        | "SignatureDoesNotMatch"
        | "OptInRequired" => Class::Denied,
        "Conflict"
        | "ResourceInUse"
        | "ConditionalCheckFailed"
        | "ConcurrentModification"
        | "ConcurrentUpdate"
        | "OperationAborted"
        | "ResourceAlreadyExists" => Class::Conflict,
        "RequestTimeout"
        | "InternalFailure"
        | "Internal"
        | "InternalServer"
        | "InternalService"
        | "ServiceUnavailable"
        | "Unavailable"
        | "TransactionInProgress"
        | "TransactionConflict"
        | "RequestExpired" => Class::Retryable,
        // For example KMSAccessDenied.
        other if other.contains("AccessDenied") => Class::Denied,
        _ => match status {
            Some(429) => Class::Throttled,
            Some(401 | 403) => Class::Denied,
            Some(409) => Class::Conflict,
            Some(408 | 500..) => Class::Retryable,
            _ => Class::Permanent,
        },
    }
}

/// Returns a code without the suffix that only some services use.
fn stem(code: &str) -> &str {
    ["Exception", "Error", "Fault"].iter().find_map(|suffix| code.strip_suffix(suffix)).unwrap_or(code)
}

/// Joins the messages of an error and its sources. A message that only repeats its source is omitted.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(current) = next {
        let text = current.to_string();
        if parts.last() != Some(&text) {
            parts.push(text);
        }
        next = current.source();
    }
    parts.join(": ")
}
