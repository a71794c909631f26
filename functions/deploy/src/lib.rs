//! deploy: the endpoint becomes the requested version, or the hub hears why not.

mod case;
mod spec;

use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use tidegate_engine::ports::{Applied, Endpoints, Registry, Sampler, Schedules};
use tidegate_engine::resolve::{self, ManagedModel};
use tidegate_engine::{Engine, EngineError, EventRef, Handler, Outcome, Subject};
use tidegate_events::{Body, DeploymentRequested, Event, Wake};
use tidegate_policy::deploy::Post;
use tidegate_policy::lookup::LookupKind;
use tidegate_policy::promote::Home;
use tidegate_policy::reason::Reason;

use case::{Cause, DeployCase};

pub use spec::SPEC;

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
                let case = |managed: &ManagedModel| Ok(self.case(engine, Some(&managed.applied), cause()));
                engine.run_named(named, &reference, now, case).await
            }
            Body::HoldPlaced(placed) => {
                let cause = || Cause::Hold(placed.clone());
                self.said(engine, event, (&placed.model, placed.environment.as_deref()), cause, now).await
            }
            Body::HoldReleased(release) => {
                let cause = || Cause::Release(release.clone());
                self.said(engine, event, (&release.model, release.environment.as_deref()), cause, now).await
            }
            Body::Wake(Wake::CheckDeployment { model, request_id, .. }) => {
                let cause = || Cause::Check { request_id: request_id.clone() };
                let case = |managed: &ManagedModel| Ok(self.case(engine, Some(&managed.applied), cause()));
                engine.run_model(model, &reference, now, case).await
            }
            Body::Wake(Wake::Reconcile) => {
                self.reconcile(engine, &engine.this_sweep(event, &reference), now).await
            }
            _ => Ok(vec![engine.ignore(&reference, &Reason::UnsupportedEvent)]),
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
            policy: applied.map(|applied| Arc::clone(&applied.policy)),
            cause,
            registry: Arc::clone(&self.registry),
            endpoints: Arc::clone(&self.endpoints),
            sampler: Arc::clone(&self.sampler),
            schedules: Arc::clone(&self.schedules),
            bus: Arc::clone(&engine.bus),
            alerts: Arc::clone(&engine.alerts),
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
        let applied = engine.retry_throttled(|| engine.ledger.policy(&request.model)).await?;
        let policy_version = applied.as_ref().map_or_else(|| "none".to_owned(), |a| a.version.clone());
        let subject = Subject { model: request.model.clone(), policy_version };
        let cause = Cause::Request { from: from.to_owned(), request: request.clone() };
        let case = self.case(engine, applied.as_ref(), cause);
        // Another account's request is another event, even if it repeats the hub's request word for word.
        let reference = EventRef {
            idempotency_key: format!("{} from {from}", reference.idempotency_key),
            ..reference.clone()
        };
        Ok(vec![engine.run(&case, &subject, &reference, now).await?])
    }

    /// What a person said about a model here, or in every environment. Only through the hub: there it is on record for
    /// all of them.
    async fn said(
        &self,
        engine: &Engine,
        event: &Event,
        (model, environment): (&str, Option<&str>),
        cause: impl Fn() -> Cause + Send + Sync,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let reference = EventRef::of(event);
        let account = &event.envelope.account;
        if *account != self.hub_account {
            return Ok(vec![engine.ignore(&reference, &Reason::NotFromHub { account: account.clone() })]);
        }
        if let Some(wanted) = environment.filter(|name| *name != engine.environment) {
            let wanted = wanted.to_owned();
            return Ok(vec![engine.ignore(&reference, &Reason::OtherEnvironment { wanted })]);
        }
        let case = |managed: &ManagedModel| Ok(self.case(engine, Some(&managed.applied), cause()));
        engine.run_model(model, &reference, now, case).await
    }

    /// Looks at every deployment in flight, in case SageMaker's event never came.
    async fn reconcile(
        &self,
        engine: &Engine,
        reference: &EventRef,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let (models, mut outcomes) = resolve::all(engine).await?;
        for managed in models {
            let case = self.case(engine, Some(&managed.applied), Cause::Sweep);
            outcomes.add(engine.sweep(&case, &managed.subject, reference, now).await);
        }
        outcomes.finish()
    }
}
