//! deploy: the endpoint becomes the requested version, or the hub hears why not.

mod case;

use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use tidegate_engine::arrival::{self, Managed};
use tidegate_engine::ports::{Applied, Endpoints, Registry, Sampler, Schedules};
use tidegate_engine::{Engine, EngineError, EventRef, Handler, Outcome, Outcomes, Subject};
use tidegate_events::{Body, DeploymentRequested, Event, Wake};
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
            Body::EndpointChanged(change) => {
                let named = (LookupKind::Endpoint, change.endpoint.as_str());
                let cause = || Cause::Endpoint(change.endpoint.clone());
                let case = |managed: &Managed| Ok(self.case(engine, Some(&managed.applied), cause()));
                engine.run_named(named, &reference, now, case).await
            }
            Body::Wake(Wake::CheckDeployment { model, request_id, .. }) => {
                let cause = || Cause::Check { request_id: request_id.clone() };
                let case = |managed: &Managed| Ok(self.case(engine, Some(&managed.applied), cause()));
                engine.run_model(model, &reference, now, case).await
            }
            Body::Wake(Wake::Reconcile) => self.reconcile(engine, &reference, now).await,
            _ => Ok(vec![engine.pass(&reference, &Reason::NotOurs)]),
        }
    }
}

impl Deploy {
    fn case(&self, engine: &Engine, applied: Option<&Applied>, cause: Cause) -> DeployCase {
        DeployCase {
            post: Post {
                home: Home { account: engine.account.clone(), region: engine.region.clone() },
                environment: engine.environment.clone(),
                hub_account: self.hub_account.clone(),
                check_seconds: self.check_seconds,
            },
            policy: applied.map(|applied| applied.policy.clone()),
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
        let case = self.case(engine, applied.as_ref(), cause);
        // Another account's request is another event, even if it repeats the hub's request word for word.
        let reference =
            EventRef { meaning: format!("{} from {from}", reference.meaning), ..reference.clone() };
        Ok(vec![engine.run(&case, &subject, &reference, now).await?])
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
            let case = self.case(engine, Some(&managed.applied), Cause::Sweep);
            outcomes.add(engine.sweep(&case, &managed.subject, &this_sweep, now).await);
        }
        outcomes.finish()
    }
}
