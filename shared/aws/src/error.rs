//! What a failed call means, read while the SDK's structured error still exists.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tidegate_engine::{CallError, Class, EngineError};

use crate::convert::cut;

/// A message is read in a log; AWS's validation messages can repeat the whole request.
const LONGEST: usize = 1_000;

/// A failed call with the code and the text that AWS answered.
#[derive(Debug)]
pub(crate) struct Failure {
    /// AWS's error code; empty if there was no answer.
    pub(crate) code: String,
    /// AWS's message, or what went wrong on the way.
    pub(crate) text: String,
    /// Whether the request went out, and there was no answer in the time that it had.
    pub(crate) timed_out: bool,
    /// What the caller sees.
    pub(crate) call: CallError,
}

impl Failure {
    /// Whether AWS answered with this code, which some services write without `Exception`.
    pub(crate) fn is(&self, code: &str) -> bool {
        stem(&self.code) == stem(code)
    }

    /// Whether AWS's message contains these words, in any case.
    pub(crate) fn says(&self, words: &str) -> bool {
        self.text.to_lowercase().contains(words)
    }

    /// Whether something of that name is there already. SageMaker has no code for it: it answers
    /// `ValidationException` and "Cannot create already existing …".
    pub(crate) fn already_there(&self) -> bool {
        self.says("already exist") && matches!(self.call.class, Class::Permanent | Class::Conflict)
    }

    /// Whether what was asked for is not there. SageMaker's older operations answer `ValidationException` and
    /// "Could not find …" or "… does not exist", its newer ones `ResourceNotFound`.
    pub(crate) fn not_there(&self) -> bool {
        self.is("ResourceNotFound")
            || (self.is("ValidationException")
                && (self.says("could not find") || self.says("does not exist")))
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

/// Reads the failure of one operation, to hand to `map_err`.
pub(crate) fn failed<E>(
    service: &'static str,
    operation: &'static str,
) -> impl FnOnce(SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    move |error| {
        let timed_out = matches!(&error, SdkError::TimeoutError(_));
        let status = error.raw_response().map(|response| response.status().as_u16());
        let code = error.code().unwrap_or_default().to_owned();
        let class = match &error {
            // The request could not even be built: it will not be next time either.
            SdkError::ConstructionFailure(_) => Class::Permanent,
            // No answer: nobody knows whether it was done. Every call is idempotent.
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => Class::Retryable,
            // An answer that broke off, or a page of something in between, whose status still counts.
            SdkError::ResponseError(_) if status.is_none_or(|status| status < 400) => Class::Retryable,
            _ => class_of(&code, status),
        };
        let text = match (error.message(), status) {
            (Some(message), _) => message.to_owned(),
            (None, Some(status)) if status >= 400 => format!("HTTP {status} without a message"),
            _ => chain(&error),
        };
        let message = if code.is_empty() { text.clone() } else { format!("{code}: {text}") };
        let call = CallError { service, operation, class, message: cut(&message, LONGEST) };
        Failure { code, text, timed_out, call }
    }
}

/// An error of ours about a call that was not made, or whose answer is not what AWS promises.
pub(crate) fn refused(service: &'static str, operation: &'static str, message: impl ToString) -> CallError {
    CallError { service, operation, class: Class::Permanent, message: message.to_string() }
}

/// What an error code means; where the code is not known, what the HTTP status means.
///
/// The codes: <https://docs.aws.amazon.com/awssupport/latest/APIReference/CommonErrors.html>, and what each service adds.
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
        // KMSAccessDenied and its like.
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

/// A code without the suffix that only some services give it.
fn stem(code: &str) -> &str {
    ["Exception", "Error", "Fault"].iter().find_map(|suffix| code.strip_suffix(suffix)).unwrap_or(code)
}

/// The messages of an error and its sources; one that only repeats its source is left out.
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
