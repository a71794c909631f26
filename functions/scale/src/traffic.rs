//! Reads the invocation metrics and the limits of many endpoints, each in batches.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use tidegate_engine::ports::InvocationQuery;
use tidegate_engine::{Engine, EngineError};
use tidegate_policy::deploy::{self, ScalableTarget};
use tidegate_policy::file::Policy;
use tidegate_policy::scale::{Invocations, ScalableResource, Snapshot, limits_of, traffic_queries};

use crate::Scale;

/// The largest number of queries in one request to CloudWatch.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>
const MAX_QUERIES: usize = 500;
/// The largest number of resources in one request to Application Auto Scaling.
/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalableTargets.html>
const MAX_RESOURCES: usize = 50;

/// A model whose facts are read, with deploy's state for it.
pub(crate) type Deployed<'p> = (&'p Policy, Arc<deploy::State>);

/// One endpoint whose invocations are read.
struct TrafficQuery {
    seen: Snapshot,
    /// The queries for the idle window and for the time since the deployment, or `None` if CloudWatch is not queried.
    queries: Option<[InvocationQuery; 2]>,
    /// What has limits that are read.
    limits: Option<ScalableResource>,
}

/// Reads the facts about each model, in their order.
///
/// # Errors
/// Returns an error if CloudWatch or Application Auto Scaling could not be queried.
pub(crate) async fn read_traffic(
    engine: &Engine,
    scale: &Scale,
    models: &[Deployed<'_>],
    now: Timestamp,
) -> Result<Vec<Snapshot>, EngineError> {
    let mut looks: Vec<TrafficQuery> =
        models.iter().map(|(policy, deployed)| of_state(engine, policy, deployed, now)).collect();
    read_invocations(engine, scale, &mut looks, now).await?;
    read_limits(engine, scale, &mut looks).await?;
    Ok(looks.into_iter().map(|look| look.seen).collect())
}

fn of_state(engine: &Engine, policy: &Policy, deployed: &deploy::State, now: Timestamp) -> TrafficQuery {
    let environment = policy.environment(&engine.site.environment);
    let queries = environment.and_then(|environment| traffic_queries(environment, deployed, now));
    let limits = environment.and_then(|environment| limits_of(environment, deployed));
    TrafficQuery { seen: Snapshot::of(deployed), queries, limits }
}

/// Reads the invocations in the idle window of each endpoint, and then those since the deployment where there were none:
/// CloudWatch charges each query.
async fn read_invocations(
    engine: &Engine,
    scale: &Scale,
    looks: &mut [TrafficQuery],
    now: Timestamp,
) -> Result<(), EngineError> {
    let idle = looks.iter().filter_map(|look| look.queries.as_ref().map(|[idle, _]| idle.clone()));
    let idle: Vec<InvocationQuery> = idle.collect();
    let mut in_window = counts(engine, scale, &idle, now).await?;
    let mut quiet = Vec::new();
    for look in looks.iter_mut() {
        let Some([_, since]) = &look.queries else { continue };
        match in_window.pop_front().flatten() {
            Some(0) => quiet.push(since.clone()),
            Some(in_window) => {
                look.seen.invocations = Some(Invocations { in_window, since_deployment: in_window });
                look.queries = None;
            }
            None => look.queries = None,
        }
    }
    let mut since_deployment = counts(engine, scale, &quiet, now).await?;
    for look in looks.iter_mut().filter(|look| look.queries.is_some()) {
        let since_deployment = since_deployment.pop_front().flatten();
        look.seen.invocations =
            since_deployment.map(|since_deployment| Invocations { in_window: 0, since_deployment });
    }
    Ok(())
}

async fn counts(
    engine: &Engine,
    scale: &Scale,
    queries: &[InvocationQuery],
    now: Timestamp,
) -> Result<VecDeque<Option<u64>>, EngineError> {
    let mut counts = VecDeque::with_capacity(queries.len());
    for queries in queries.chunks(MAX_QUERIES) {
        counts.extend(engine.retry_throttled(|| scale.metrics.invocations(queries, now)).await?);
    }
    Ok(counts)
}

/// Reads the limits of what the policies scale.
async fn read_limits(engine: &Engine, scale: &Scale, looks: &mut [TrafficQuery]) -> Result<(), EngineError> {
    let of: Vec<ScalableResource> = looks.iter().filter_map(|look| look.limits.clone()).collect();
    let mut limits: VecDeque<Option<ScalableTarget>> = VecDeque::with_capacity(of.len());
    for of in of.chunks(MAX_RESOURCES) {
        limits.extend(engine.retry_throttled(|| scale.capacity.limits(of)).await?);
    }
    for look in looks.iter_mut().filter(|look| look.limits.is_some()) {
        look.seen.limits = limits.pop_front().flatten();
    }
    Ok(())
}
