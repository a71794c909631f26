//! Reads the invocation metrics of all endpoints in one batch.

use async_trait::async_trait;
use jiff::Timestamp;
use tidegate_engine::ports::InvocationQuery;
use tidegate_engine::resolve;
use tidegate_engine::{Adapter, CallError, Engine, EngineError};
use tidegate_policy::controller::Context;
use tidegate_policy::deploy::{DeployController, ScalableTarget};
use tidegate_policy::file::Policy;
use tidegate_policy::scale::{
    Action, Current, Invocations, Need, ScalableResource, ScaleController, Snapshot, State, Trigger,
    limits_of, traffic_queries,
};
use tidegate_policy::step::Step;

use crate::Scale;

/// The adapter with the snapshot of one model. A sweep has read it together with those of the other models.
pub(crate) struct Prefetched<'s> {
    pub(crate) scale: &'s Scale,
    pub(crate) seen: Snapshot,
}

#[async_trait]
impl Adapter for Prefetched<'_> {
    type Controller = ScaleController;

    async fn observe(
        &self,
        _engine: &Engine,
        _cx: &Context<'_>,
        _need: Need,
    ) -> Result<Option<Snapshot>, EngineError> {
        Ok(Some(self.seen.clone()))
    }

    async fn recheck(
        &self,
        engine: &Engine,
        cx: &Context<'_>,
        state: &State,
        trigger: &Trigger,
        step: &Step<Action>,
    ) -> Result<Option<Current>, EngineError> {
        self.scale.recheck(engine, cx, state, trigger, step).await
    }

    async fn call(&self, call: &Action) -> Result<String, CallError> {
        self.scale.call(call).await
    }
}

/// One endpoint whose invocations are read.
struct TrafficQuery {
    seen: Snapshot,
    /// The queries for the idle window and for the time since the deployment, or `None` if CloudWatch is not queried.
    queries: Option<[InvocationQuery; 2]>,
    /// What has limits that are read.
    limits: Option<ScalableResource>,
}

/// Reads the facts about each model: one read of the ledger per model, and one batch of queries to CloudWatch.
///
/// # Errors
/// Returns an error if CloudWatch could not be queried. An error of the ledger belongs to the model that it concerns.
pub(crate) async fn read_traffic(
    engine: &Engine,
    scale: &Scale,
    policies: &[&Policy],
    now: Timestamp,
) -> Result<Vec<Result<Snapshot, EngineError>>, EngineError> {
    let mut looks = Vec::new();
    for policy in policies {
        looks.push(of_ledger(engine, policy, now).await);
    }
    let queries: Vec<InvocationQuery> =
        looks.iter().flatten().flat_map(|query| query.queries.iter().flatten().cloned()).collect();
    let mut counts = if queries.is_empty() {
        Vec::new()
    } else {
        engine.retry_throttled(|| scale.metrics.invocations(&queries, now)).await?
    }
    .into_iter();
    let mut limits = read_limits(engine, scale, &looks).await?.into_iter();
    let with_counts = |query: Result<TrafficQuery, EngineError>| {
        query.map(|TrafficQuery { mut seen, queries, limits: of }| {
            if queries.is_some() {
                let (in_window, since_deployment) = (counts.next().flatten(), counts.next().flatten());
                seen.invocations = in_window
                    .zip(since_deployment)
                    .map(|(in_window, since_deployment)| Invocations { in_window, since_deployment });
            }
            if of.is_some() {
                seen.limits = limits.next().flatten();
            }
            seen
        })
    };
    Ok(looks.into_iter().map(with_counts).collect())
}

/// Reads the limits of what the policies scale.
async fn read_limits(
    engine: &Engine,
    scale: &Scale,
    looks: &[Result<TrafficQuery, EngineError>],
) -> Result<Vec<Option<ScalableTarget>>, EngineError> {
    let of: Vec<ScalableResource> = looks.iter().flatten().filter_map(|query| query.limits.clone()).collect();
    if of.is_empty() {
        return Ok(Vec::new());
    }
    Ok(engine.retry_throttled(|| scale.capacity.limits(&of)).await?)
}

/// Reads the facts about a model in the ledger, and builds the queries for CloudWatch.
async fn of_ledger(engine: &Engine, policy: &Policy, now: Timestamp) -> Result<TrafficQuery, EngineError> {
    let model = policy.model.as_str();
    let read = || resolve::state_of::<DeployController>(engine.ledger.as_ref(), model);
    let deployed = engine.retry_throttled(read).await?;
    let environment = policy.environment(&engine.site.environment);
    let queries = environment.and_then(|environment| traffic_queries(environment, &deployed, now));
    let limits = environment.and_then(|environment| limits_of(environment, &deployed));
    Ok(TrafficQuery { seen: Snapshot::of(&deployed), queries, limits })
}
