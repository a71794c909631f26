//! The invocations that scale reads from CloudWatch.

use jiff::{SignedDuration, Timestamp};

use super::ScalableResource;
use crate::deploy;
use crate::endpoint::InvokedResource;
use crate::file::Environment;

/// How far back CloudWatch is queried whether an endpoint has ever served. CloudWatch keeps one-minute data for 15
/// days. <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html>
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Invocations of an endpoint, from CloudWatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invocations {
    /// In the idle window.
    pub in_window: u64,
    /// Since the deployment. Zero means that the endpoint has never served, or that no metrics arrive. If there are any in
    /// the idle window, it may be those alone.
    pub since_deployment: u64,
}

/// The period of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// The idle window of the policy.
    Idle,
    /// Since the version was deployed.
    SinceDeployment,
}

/// One query for a sum of invocations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvocationQuery {
    /// The invoked resource.
    pub resource: InvokedResource,
    /// Which period it is.
    pub window: Window,
    /// The start of the period.
    pub from: Timestamp,
}

/// What has limits that a tick must read; `None` if the policy scales nothing there, or nothing serves.
#[must_use]
pub fn limits_of(environment: &Environment, deployed: &deploy::State) -> Option<ScalableResource> {
    let scaled = environment.scale.to_zero.is_some() || environment.scale.target.is_some();
    let serves = deployed.live.is_some() && deployed.in_flight.is_none();
    ScalableResource::of(environment).filter(|_| scaled && serves)
}

/// The queries for the idle window and for the time since the deployment; `None` if the endpoint cannot scale to zero
/// or does not serve, so that CloudWatch is not queried.
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
    // When the serving version was verified. A later deployment that failed has served no requests.
    let verified_at = deployed.live.as_ref()?.at;
    let back = |span: SignedDuration| now.checked_sub(span).unwrap_or(Timestamp::MIN);
    // The request that verified it arrived shortly before the deployment was recorded as live.
    let since_deployment = verified_at.checked_sub(SignedDuration::from_mins(5)).unwrap_or(verified_at);
    let resource = InvokedResource::Component(component.name);
    let idle = back(to_zero.idle.signed());
    let query = |(window, from)| InvocationQuery { resource: resource.clone(), window, from };
    Some([(Window::Idle, idle), (Window::SinceDeployment, since_deployment.max(back(LOOK_BACK)))].map(query))
}
