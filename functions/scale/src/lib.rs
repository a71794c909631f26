//! scale: idle endpoints go to zero and come back, by the mechanism that is legal for them.

mod case;
mod observe;
mod spec;

use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use tidegate_engine::ports::{Capacity, Metrics};
use tidegate_engine::resolve::{self, ManagedModel};
use tidegate_engine::{Engine, EngineError, EventRef, Handler, Outcome};
use tidegate_events::{AlarmChanged, Body, Event, Wake};
use tidegate_policy::lookup::LookupKind;
use tidegate_policy::reason::Reason;

use case::{Cause, ScaleCase};
use observe::Look;

pub use spec::SPEC;

/// The function's name.
pub const NAME: &str = "scale";

/// The function with its ports.
pub struct Scale {
    /// Invocations.
    pub metrics: Arc<dyn Metrics>,
    /// Application Auto Scaling.
    pub capacity: Arc<dyn Capacity>,
}

#[async_trait]
impl Handler for Scale {
    async fn handle(
        &self,
        engine: &Engine,
        event: &Event,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let reference = EventRef::of(event);
        match &event.body {
            // A tick is a sweep already: reconciling is nothing else.
            Body::Tick(_) => self.tick(engine, &reference, now).await,
            Body::Wake(Wake::Reconcile) => {
                self.tick(engine, &engine.this_sweep(event, &reference), now).await
            }
            Body::AlarmChanged(alarm) => self.alarm(engine, alarm, &reference, now).await,
            _ => Ok(vec![engine.ignore(&reference, &Reason::UnsupportedEvent)]),
        }
    }
}

impl Scale {
    fn case(&self, engine: &Engine, managed: &ManagedModel, cause: Cause) -> Option<ScaleCase> {
        Some(ScaleCase {
            model: managed.subject.model.clone(),
            environment: managed.applied.policy.environment(&engine.environment)?.clone(),
            cause,
            ledger: Arc::clone(&engine.ledger),
            capacity: Arc::clone(&self.capacity),
            metrics: Arc::clone(&self.metrics),
            alerts: Arc::clone(&engine.alerts),
        })
    }

    /// Looks at every endpoint that a policy lets go to zero: one read of the ledger each, and one batch of metrics.
    async fn tick(
        &self,
        engine: &Engine,
        reference: &EventRef,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let (mut managed, mut outcomes) = resolve::all(engine).await?;
        managed.retain(|m| {
            m.applied.policy.environment(&engine.environment).is_some_and(|e| e.scale.to_zero.is_some())
        });
        let mut looks = Vec::new();
        for one in managed {
            match observe::of_ledger(engine, one).await {
                Ok(look) => looks.push(look),
                // One model's failure is not the others' business.
                Err(error) => outcomes.add(Err(error)),
            }
        }
        observe::traffic(engine, self.metrics.as_ref(), &mut looks, now).await?;
        for Look { managed, seen, .. } in looks {
            if let Some(case) = self.case(engine, &managed, Cause::Tick(seen)) {
                outcomes.add(engine.sweep(&case, &managed.subject, reference, now).await);
            }
        }
        if outcomes.is_empty() {
            outcomes.add(Ok(engine.ignore(reference, &Reason::NoScalePolicy)));
        }
        outcomes.finish()
    }

    async fn alarm(
        &self,
        engine: &Engine,
        alarm: &AlarmChanged,
        reference: &EventRef,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        // A component has its endpoint's name, so the endpoint's lookup finds it.
        let component = alarm.metrics.iter().find_map(|m| m.dimensions.get("InferenceComponentName"));
        let Some(component) = component else {
            let reason = Reason::NotACapacityAlarm { alarm: alarm.alarm.clone() };
            return Ok(vec![engine.ignore(reference, &reason)]);
        };
        let case = |managed: &ManagedModel| {
            let wanted = managed.subject.model.clone();
            self.case(engine, managed, Cause::Alarm(alarm.clone())).ok_or(Reason::OtherEnvironment { wanted })
        };
        engine.run_named((LookupKind::Endpoint, component), reference, now, case).await
    }
}
