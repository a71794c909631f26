//! What a tick observes, for all endpoints at once.

use jiff::{SignedDuration, Timestamp};
use tidegate_engine::arrival::{self, Managed};
use tidegate_engine::ports::{InvocationQuery, Metrics};
use tidegate_engine::{Engine, EngineError};
use tidegate_policy::deploy;
use tidegate_policy::file::EndpointKind;
use tidegate_policy::scale::{Invocations, Snapshot};

/// How far back CloudWatch is asked whether an endpoint has ever served. Its one-minute data is kept for 15 days.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html>
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Adds the invocations to what the ledger says about each model: one question for all of them.
pub(crate) async fn traffic(
    engine: &Engine,
    metrics: &dyn Metrics,
    looks: &mut [(Managed, Snapshot)],
    now: Timestamp,
) -> Result<(), EngineError> {
    let queries: Vec<InvocationQuery> =
        looks.iter().flat_map(|(one, seen)| queries(engine, one, seen, now)).collect();
    let mut counts =
        if queries.is_empty() { Vec::new() } else { metrics.invocations(&queries, now).await? }.into_iter();
    for (one, seen) in looks {
        if is_asked(engine, one, seen) {
            let (in_window, since_deployment) = (counts.next().flatten(), counts.next().flatten());
            seen.invocations = in_window
                .zip(since_deployment)
                .map(|(in_window, since_deployment)| Invocations { in_window, since_deployment });
        }
    }
    Ok(())
}

/// What the ledger says about a model, before CloudWatch is asked.
pub(crate) async fn of_ledger(engine: &Engine, managed: &Managed) -> Result<Snapshot, EngineError> {
    let state: deploy::State =
        arrival::state(engine.ledger.as_ref(), "deploy", &managed.subject.model).await?;
    Ok(Snapshot {
        live_since: state.live.map(|live| live.at),
        deploying: state.in_flight.is_some(),
        invocations: None,
    })
}

/// Only of an endpoint that can go to zero and that serves is CloudWatch asked.
fn is_asked(engine: &Engine, managed: &Managed, seen: &Snapshot) -> bool {
    let component = managed
        .applied
        .policy
        .environment(&engine.environment)
        .is_some_and(|e| e.endpoint.kind == EndpointKind::InferenceComponent);
    component && seen.live_since.is_some() && !seen.deploying
}

fn queries(engine: &Engine, managed: &Managed, seen: &Snapshot, now: Timestamp) -> Vec<InvocationQuery> {
    let environment = managed.applied.policy.environment(&engine.environment);
    let (Some(environment), Some(live_since)) = (environment, seen.live_since) else { return Vec::new() };
    let Some(to_zero) = environment.scale.to_zero.as_ref().filter(|_| is_asked(engine, managed, seen)) else {
        return Vec::new();
    };
    let back = |span: SignedDuration| now.checked_sub(span).unwrap_or(Timestamp::MIN);
    let name = environment.endpoint.name.to_string();
    // The verifying request came shortly before the deployment was found live.
    let deployed =
        live_since.checked_sub(SignedDuration::from_mins(5)).unwrap_or(live_since).max(back(LOOK_BACK));
    [back(to_zero.idle.signed()), deployed]
        .map(|from| InvocationQuery { name: name.clone(), component: true, from })
        .to_vec()
}
