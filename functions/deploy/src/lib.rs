//! deploy: the endpoint becomes the requested version, or the hub hears why not.

mod case;

use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use tidegate_engine::arrival;
use tidegate_engine::ports::{Endpoints, Registry, Sampler, Schedules};
use tidegate_engine::{Engine, EngineError, EventRef, Handler, Outcome, Outcomes, Subject};
use tidegate_events::{Body, DeploymentRequested, EndpointChanged, Event, Wake};
use tidegate_policy::deploy::Post;
use tidegate_policy::lookup::LookupKind;
use tidegate_policy::promote::Home;
use tidegate_policy::reason::Reason;

use case::{Cause, DeployCase};

/// The function's name.
pub const NAME: &str = "deploy";

/// The function with its ports.
pub struct Deploy {
    /// The hub's account.
    pub hub_account: String,
    /// Seconds until it looks again at what sends no event.
    pub check_seconds: u32,
    /// The hub's model registry.
    pub registry: Arc<dyn Registry>,
    /// This account's endpoints.
    pub endpoints: Arc<dyn Endpoints>,
    /// What asks them.
    pub sampler: Arc<dyn Sampler>,
    /// What wakes it again.
    pub schedules: Arc<dyn Schedules>,
}

#[async_trait]
impl Handler for Deploy {
    async fn handle(
        &self,
        engine: &Engine,
        event: &Event,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let reference = EventRef::of(event);
        match &event.body {
            Body::DeploymentRequested(request) => {
                self.requested(engine, &event.envelope.account, request, &reference, now).await
            }
            Body::EndpointChanged(change) => self.changed(engine, change, &reference, now).await,
            Body::Wake(Wake::CheckDeployment { model, request_id, .. }) => {
                match arrival::by_model(engine.ledger.as_ref(), model).await? {
                    Err(reason) => Ok(vec![engine.pass(&reference, &reason)]),
                    Ok(managed) => {
                        let cause = Cause::Check { request_id: request_id.clone() };
                        let case = self.case(engine, Some(managed.applied.policy), cause);
                        Ok(vec![engine.run(&case, &managed.subject, &reference, now).await?])
                    }
                }
            }
            Body::Wake(Wake::Reconcile) => self.reconcile(engine, &reference, now).await,
            _ => Ok(vec![engine.pass(&reference, &Reason::NotOurs)]),
        }
    }
}

impl Deploy {
    fn case(
        &self,
        engine: &Engine,
        policy: Option<tidegate_policy::file::Policy>,
        cause: Cause,
    ) -> DeployCase {
        DeployCase {
            post: Post {
                home: Home { account: engine.account.clone(), region: engine.region.clone() },
                environment: engine.environment.clone(),
                hub_account: self.hub_account.clone(),
                check_seconds: self.check_seconds,
            },
            policy,
            cause,
            registry: Arc::clone(&self.registry),
            endpoints: Arc::clone(&self.endpoints),
            sampler: Arc::clone(&self.sampler),
            schedules: Arc::clone(&self.schedules),
            bus: Arc::clone(&engine.bus),
        }
    }

    async fn requested(
        &self,
        engine: &Engine,
        from: &str,
        request: &DeploymentRequested,
        reference: &EventRef,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        // A request is answered even if no policy is applied here: the refusal must be on record.
        let applied = engine.ledger.policy(&request.model).await?;
        let policy_version = applied.as_ref().map_or_else(|| "none".to_owned(), |a| a.version.clone());
        let subject = Subject { model: request.model.clone(), policy_version };
        let cause = Cause::Request { from: from.to_owned(), request: request.clone() };
        let case = self.case(engine, applied.map(|a| a.policy), cause);
        // Another account's request is another event, even if it repeats the hub's request word for word.
        let reference =
            EventRef { meaning: format!("{} from {from}", reference.meaning), ..reference.clone() };
        Ok(vec![engine.run(&case, &subject, &reference, now).await?])
    }

    async fn changed(
        &self,
        engine: &Engine,
        change: &EndpointChanged,
        reference: &EventRef,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        match arrival::by_name(engine.ledger.as_ref(), LookupKind::Endpoint, &change.endpoint).await? {
            Err(reason) => Ok(vec![engine.pass(reference, &reason)]),
            Ok(models) => {
                let mut outcomes = Outcomes::default();
                for managed in models {
                    let case = self.case(
                        engine,
                        Some(managed.applied.policy),
                        Cause::Endpoint(change.endpoint.clone()),
                    );
                    outcomes.add(engine.run(&case, &managed.subject, reference, now).await);
                }
                outcomes.finish()
            }
        }
    }

    /// Looks at every deployment in flight, in case SageMaker's event never came.
    async fn reconcile(
        &self,
        engine: &Engine,
        reference: &EventRef,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let mut outcomes = Outcomes::default();
        // Two sweeps are two events, though they look alike; Lambda's retry of one is the same.
        let this_sweep =
            EventRef { meaning: format!("reconcile {}", engine.request_id), ..reference.clone() };
        for managed in arrival::all(engine.ledger.as_ref()).await? {
            let case = self.case(engine, Some(managed.applied.policy), Cause::Sweep);
            outcomes.add(engine.sweep(&case, &managed.subject, &this_sweep, now).await);
        }
        outcomes.finish()
    }
}
