//! respond: drift from any source leads to a retraining request, a message to people, or nothing with a reason.

mod case;
mod spec;

use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use tidegate_engine::ports::{Alarms, Reports, Schedules};
use tidegate_engine::resolve::{self, ManagedModel, ResolvedModels};
use tidegate_engine::{Engine, EngineError, EventRef, Handler, Outcome};
use tidegate_events::{AlarmChanged, Body, Event, ObjectCreated, Wake};
use tidegate_policy::lookup::LookupKind;
use tidegate_policy::reason::Reason;
use tidegate_policy::respond::{
    Finding, finding_of_alarm, finding_of_look, finding_of_observation, finding_of_report,
};

use case::RespondCase;

pub use spec::SPEC;

/// The function's name.
pub const NAME: &str = "respond";

/// The function with its ports.
pub struct Respond {
    /// Monitoring reports.
    pub reports: Arc<dyn Reports>,
    /// Alarms, for the sweep and for a second look.
    pub alarms: Arc<dyn Alarms>,
    /// What wakes it for a second look.
    pub schedules: Arc<dyn Schedules>,
}

#[async_trait]
impl Handler for Respond {
    async fn handle(
        &self,
        engine: &Engine,
        event: &Event,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let reference = EventRef::of(event);
        match &event.body {
            Body::AlarmChanged(alarm) => self.alarm(engine, alarm, &reference, now).await,
            Body::ObjectCreated(object) => self.report(engine, object, &reference, now).await,
            Body::DriftObserved(seen) => {
                let finding = finding_of_observation(seen);
                if seen.environment != engine.environment {
                    let wanted = seen.environment.clone();
                    return Ok(vec![engine.ignore(&reference, &Reason::OtherEnvironment { wanted })]);
                }
                let case = |managed: &ManagedModel| self.case(engine, managed, finding.clone(), &reference);
                engine.run_model(&seen.model, &reference, now, case).await
            }
            Body::Wake(Wake::CheckDrift { model, alarm, .. }) => {
                // The alarm as it is now decides, not as it was when its drift was not answered.
                let raised =
                    engine.retry_throttled(|| self.alarms.in_alarm(std::slice::from_ref(alarm))).await?;
                let case = |managed: &ManagedModel| {
                    let finding = finding_of_look(&managed.applied.policy, alarm, raised.first());
                    self.case(engine, managed, finding, &reference)
                };
                engine.run_model(model, &reference, now, case).await
            }
            Body::Wake(Wake::Reconcile) => self.reconcile(engine, &reference, now).await,
            _ => Ok(vec![engine.ignore(&reference, &Reason::UnsupportedEvent)]),
        }
    }
}

impl Respond {
    fn case(
        &self,
        engine: &Engine,
        managed: &ManagedModel,
        finding: Finding,
        reference: &EventRef,
    ) -> Result<RespondCase, Reason> {
        let policy = &managed.applied.policy;
        let Some(environment) = policy.environment(&engine.environment) else {
            let wanted: Vec<&str> = policy.environments.iter().map(|e| e.name.as_str()).collect();
            return Err(Reason::OtherEnvironment { wanted: wanted.join(", ") });
        };
        Ok(RespondCase {
            policy: Arc::clone(policy),
            environment: environment.clone(),
            finding,
            idempotency_key: reference.idempotency_key.clone(),
            ledger: Arc::clone(&engine.ledger),
            alerts: Arc::clone(&engine.alerts),
            schedules: Arc::clone(&self.schedules),
            bus: Arc::clone(&engine.bus),
        })
    }

    async fn alarm(
        &self,
        engine: &Engine,
        alarm: &AlarmChanged,
        reference: &EventRef,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let (models, failed) = models_of(engine, alarm).await?;
        if models.is_empty() && failed.is_empty() {
            let what = format!("alarm {}", alarm.alarm);
            return Ok(vec![engine.ignore(reference, &Reason::Unmanaged { what })]);
        }
        let case = |managed: &ManagedModel| {
            let finding = finding_of_alarm(&managed.applied.policy, alarm);
            self.case(engine, managed, finding, reference)
        };
        engine.run_each((models, failed), reference, now, case).await
    }

    async fn report(
        &self,
        engine: &Engine,
        object: &ObjectCreated,
        reference: &EventRef,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let Some(endpoint) = endpoint_of_report(&object.key) else {
            return Ok(vec![engine.ignore(reference, &Reason::UnsupportedEvent)]);
        };
        match resolve::by_name(engine, LookupKind::Endpoint, endpoint).await? {
            Err(reason) => Ok(vec![engine.ignore(reference, &reason)]),
            Ok(models) => {
                let report =
                    engine.retry_throttled(|| self.reports.read(&object.bucket, &object.key)).await?;
                let finding = finding_of_report(&object.key, &report);
                let case = |managed: &ManagedModel| self.case(engine, managed, finding.clone(), reference);
                engine.run_each(models, reference, now, case).await
            }
        }
    }

    /// Looks at the alarms that policies name, in case the event of one was never dealt with.
    async fn reconcile(
        &self,
        engine: &Engine,
        reference: &EventRef,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let (models, mut outcomes) = resolve::all(engine).await?;
        for managed in models {
            let named: Vec<String> =
                managed.applied.policy.drift.iter().flat_map(|d| d.alarms.clone()).collect();
            if named.is_empty() {
                continue;
            }
            // One model's failure is not the others' business.
            let raised = match engine.retry_throttled(|| self.alarms.in_alarm(&named)).await {
                Ok(raised) => raised,
                Err(error) => {
                    outcomes.add(Err(error.into()));
                    continue;
                }
            };
            for alarm in raised {
                let healed = engine.healed(reference, Body::AlarmChanged(alarm.clone()));
                let finding = finding_of_alarm(&managed.applied.policy, &alarm);
                outcomes.add(match self.case(engine, &managed, finding, &healed) {
                    Ok(case) => engine.run(&case, &managed.subject, &healed, now).await,
                    Err(reason) => Ok(engine.ignore(&healed, &reason)),
                });
            }
        }
        if outcomes.is_empty() {
            outcomes.add(Ok(engine.ignore(reference, &Reason::NothingOverdue)));
        }
        outcomes.finish()
    }
}

/// The models whose policy names the alarm, or whose endpoint one of its metrics is about.
async fn models_of(engine: &Engine, alarm: &AlarmChanged) -> Result<ResolvedModels, EngineError> {
    let mut names = vec![(LookupKind::Alarm, alarm.alarm.as_str())];
    for metric in &alarm.metrics {
        // Model Monitor's pages disagree about the dimension's name.
        for dimension in ["Endpoint", "EndpointName"] {
            names.extend(metric.dimensions.get(dimension).map(|name| (LookupKind::Endpoint, name.as_str())));
        }
    }
    let (mut found, mut outcomes) = ResolvedModels::default();
    for (kind, name) in names {
        if let Ok((models, failed)) = resolve::by_name(engine, kind, name).await? {
            found.extend(models);
            outcomes.join(failed);
        }
    }
    found.sort_by(|a, b| a.subject.model.cmp(&b.subject.model));
    found.dedup_by(|a, b| a.subject.model == b.subject.model);
    Ok((found, outcomes))
}

/// Model Monitor writes `<prefix>/<endpoint>/<schedule>/YYYY/MM/DD/HH/constraint_violations.json`.
fn endpoint_of_report(key: &str) -> Option<&str> {
    let mut parts = key.rsplit('/');
    (parts.next()? == "constraint_violations.json").then(|| parts.nth(5)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_read_from_the_report_key() {
        let key = "reports/churn-staging/churn-staging-dq/2026/03/03/07/constraint_violations.json";
        assert_eq!(endpoint_of_report(key), Some("churn-staging"));
        assert_eq!(endpoint_of_report("a/b/2026/03/03/07/statistics.json"), None);
        assert_eq!(endpoint_of_report("constraint_violations.json"), None);
    }
}
