//! What a tick observes, for all endpoints at once.

use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use tidegate_engine::ports::{InvocationQuery, Ledger, Metrics};
use tidegate_engine::resolve::{self, ManagedModel};
use tidegate_engine::{Engine, EngineError};
use tidegate_policy::deploy;
use tidegate_policy::file::EndpointKind;
use tidegate_policy::scale::{Invocations, Snapshot, copies_since, live_since};

/// How far back CloudWatch is asked whether an endpoint has ever served. Its one-minute data is kept for 15 days.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html>
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(14 * 24);

/// One model, and what is seen of it.
pub(crate) struct Look {
    pub(crate) managed: ManagedModel,
    pub(crate) seen: Snapshot,
    /// When the version that serves was verified. A later deployment that failed brought no requests.
    verified_at: Option<Timestamp>,
}

/// Adds the invocations to what the ledger says about each model: one question for all of them.
pub(crate) async fn traffic(
    engine: &Engine,
    metrics: &dyn Metrics,
    looks: &mut [Look],
    now: Timestamp,
) -> Result<(), EngineError> {
    let queries: Vec<InvocationQuery> = looks.iter().flat_map(|look| queries(engine, look, now)).collect();
    let mut counts = if queries.is_empty() {
        Vec::new()
    } else {
        engine.retry_throttled(|| metrics.invocations(&queries, now)).await?
    }
    .into_iter();
    for look in looks {
        if is_asked(engine, look) {
            let (in_window, since_deployment) = (counts.next().flatten(), counts.next().flatten());
            look.seen.invocations = in_window
                .zip(since_deployment)
                .map(|(in_window, since_deployment)| Invocations { in_window, since_deployment });
        }
    }
    Ok(())
}

/// What the ledger says about a model, before CloudWatch is asked.
pub(crate) async fn of_ledger(engine: &Engine, managed: ManagedModel) -> Result<Look, EngineError> {
    let model = &managed.subject.model;
    let state = engine.retry_throttled(|| deployed(engine.ledger.as_ref(), model)).await?;
    let (live_since, deploying) = (live_since(&state), state.in_flight.is_some());
    let seen = Snapshot { live_since, copies_since: copies_since(&state), deploying, invocations: None };
    Ok(Look { managed, seen, verified_at: state.live.as_ref().map(|live| live.at) })
}

/// What deploy remembers of a model here.
pub(crate) async fn deployed(ledger: &dyn Ledger, model: &str) -> Result<Arc<deploy::State>, EngineError> {
    resolve::state(ledger, "deploy", model).await
}

/// Only of an endpoint that can go to zero and that serves is CloudWatch asked.
fn is_asked(engine: &Engine, Look { managed, seen, .. }: &Look) -> bool {
    let component = managed
        .applied
        .policy
        .environment(&engine.environment)
        .is_some_and(|e| e.endpoint.kind == EndpointKind::InferenceComponent);
    component && seen.live_since.is_some() && !seen.deploying
}

fn queries(engine: &Engine, look: &Look, now: Timestamp) -> Vec<InvocationQuery> {
    let environment = look.managed.applied.policy.environment(&engine.environment);
    let (Some(environment), Some(verified_at)) = (environment, look.verified_at) else { return Vec::new() };
    let Some(to_zero) = environment.scale.to_zero.as_ref().filter(|_| is_asked(engine, look)) else {
        return Vec::new();
    };
    let back = |span: SignedDuration| now.checked_sub(span).unwrap_or(Timestamp::MIN);
    let name = environment.endpoint.name.to_string();
    // The verifying request came shortly before the deployment was found live.
    let deployed =
        verified_at.checked_sub(SignedDuration::from_mins(5)).unwrap_or(verified_at).max(back(LOOK_BACK));
    [back(to_zero.idle.signed()), deployed]
        .map(|from| InvocationQuery { name: name.clone(), component: true, from })
        .to_vec()
}
