//! How the sample request is sent.

use super::{InFlight, QueuedSample};
use crate::file::Environment;

/// The next call for the sample request of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleCall<'s> {
    /// A request that is answered at once, by the endpoint or its component.
    Invoke,
    /// A request into the queue of an asynchronous endpoint.
    Enqueue,
    /// A look for the answer to the request in the queue.
    FindAnswer(&'s QueuedSample),
}

/// The next call for the sample request.
#[must_use]
pub fn sample_call<'s>(environment: &Environment, in_flight: &'s InFlight) -> SampleCall<'s> {
    let queue = environment.endpoint.spec.behavior().async_settings();
    match (queue, &in_flight.sample) {
        (None, _) => SampleCall::Invoke,
        (Some(_), None) => SampleCall::Enqueue,
        (Some(_), Some(sample)) => SampleCall::FindAnswer(sample),
    }
}
