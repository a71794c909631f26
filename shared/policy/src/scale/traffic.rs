//! The invocations that scale asks CloudWatch for.

use jiff::{SignedDuration, Timestamp};

use crate::deploy;
use crate::endpoint::InvokedResource;
use crate::file::Environment;

/// How far back CloudWatch is asked whether an endpoint has ever served. Its one-minute data is kept for 15 days.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html>
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Invocations of an endpoint, from CloudWatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invocations {
    /// In the idle window.
    pub in_window: u64,
    /// Since the deployment: zero means that the endpoint has never served, or that metrics do not arrive.
    pub since_deployment: u64,
}

/// One sum of invocations to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvocationQuery {
    /// What is invoked.
    pub resource: InvokedResource,
    /// From when.
    pub from: Timestamp,
}

/// The queries for the idle window and for the time since the deployment. `None` if the endpoint cannot go to zero or does
/// not serve: then CloudWatch is not asked.
#[must_use]
pub fn traffic_queries(
    environment: &Environment,
    deployed: &deploy::State,
    now: Timestamp,
) -> Option<[InvocationQuery; 2]> {
    let component = environment.endpoint.scalable_component().ok()?;
    if deployed.in_flight.is_some() {
        return None;
    }
    let to_zero = environment.scale.to_zero.as_ref()?;
    // When the version that serves was verified. A later deployment that failed brought no requests.
    let verified_at = deployed.live.as_ref()?.at;
    let back = |span: SignedDuration| now.checked_sub(span).unwrap_or(Timestamp::MIN);
    // The verifying request came shortly before the deployment was found live.
    let since_deployment = verified_at.checked_sub(SignedDuration::from_mins(5)).unwrap_or(verified_at);
    let resource = InvokedResource::Component(component.name);
    let starts = [back(to_zero.idle.signed()), since_deployment.max(back(LOOK_BACK))];
    Some(starts.map(|from| InvocationQuery { resource: resource.clone(), from }))
}
