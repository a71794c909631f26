//! The invocations of endpoints, read for all of them at once.

use async_trait::async_trait;
use jiff::Timestamp;
use tidegate_engine::ports::{InvocationQuery, Metrics};
use tidegate_engine::resolve;
use tidegate_engine::{Adapter, CallError, Engine, EngineError};
use tidegate_policy::controller::Context;
use tidegate_policy::deploy::DeployController;
use tidegate_policy::file::Policy;
use tidegate_policy::scale::{
    Action, Current, Invocations, Need, ScaleController, Snapshot, State, Trigger, traffic_queries,
};
use tidegate_policy::step::Step;

use crate::Scale;

/// The function with the snapshot of one model, which a sweep has read together with all others.
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
struct Look {
    seen: Snapshot,
    /// The idle window and the time since the deployment; none if CloudWatch is not asked.
    queries: Option<[InvocationQuery; 2]>,
}

/// What the ledger and CloudWatch say about each model: one read of the ledger each, and one question to CloudWatch.
///
/// # Errors
/// If CloudWatch could not be asked; what the ledger could not say about one model is that model's error.
pub(crate) async fn read_traffic(
    engine: &Engine,
    metrics: &dyn Metrics,
    policies: &[&Policy],
    now: Timestamp,
) -> Result<Vec<Result<Snapshot, EngineError>>, EngineError> {
    let mut looks = Vec::new();
    for policy in policies {
        looks.push(of_ledger(engine, policy, now).await);
    }
    let queries: Vec<InvocationQuery> =
        looks.iter().flatten().flat_map(|look| look.queries.iter().flatten().cloned()).collect();
    let mut counts = if queries.is_empty() {
        Vec::new()
    } else {
        engine.retry_throttled(|| metrics.invocations(&queries, now)).await?
    }
    .into_iter();
    let with_counts = |look: Result<Look, EngineError>| {
        look.map(|Look { mut seen, queries }| {
            if queries.is_some() {
                let (in_window, since_deployment) = (counts.next().flatten(), counts.next().flatten());
                seen.invocations = in_window
                    .zip(since_deployment)
                    .map(|(in_window, since_deployment)| Invocations { in_window, since_deployment });
            }
            seen
        })
    };
    Ok(looks.into_iter().map(with_counts).collect())
}

/// What the ledger says about a model, and what is asked of CloudWatch.
async fn of_ledger(engine: &Engine, policy: &Policy, now: Timestamp) -> Result<Look, EngineError> {
    let model = policy.model.as_str();
    let read = || resolve::state_of::<DeployController>(engine.ledger.as_ref(), model);
    let deployed = engine.retry_throttled(read).await?;
    let queries = policy
        .environment(&engine.site.environment)
        .and_then(|environment| traffic_queries(environment, &deployed, now));
    Ok(Look { seen: Snapshot::of(&deployed), queries })
}
