//! respond: answers observed drift with a retraining request, an alert, or no action.

mod spec;

use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;
use tidegate_engine::ports::{Alarms, Reports};
use tidegate_engine::resolve::{self, ManagedModel};
use tidegate_engine::{Adapter, CallError, Engine, EngineError, EventRef};
use tidegate_events::Body;
use tidegate_policy::controller::Context;
use tidegate_policy::deploy::DeployController;
use tidegate_policy::lookup::{Lookup, LookupKind};
use tidegate_policy::respond::{Need, RespondController, Snapshot, State, Trigger};
use tidegate_policy::step::{NoCall, Step};

pub use spec::SPEC;
pub use tidegate_policy::respond::NAME;

/// The adapter of respond with its ports.
pub struct Respond {
    /// The monitoring reports in S3.
    pub reports: Arc<dyn Reports>,
    /// The CloudWatch alarms, for a sweep and for a recheck.
    pub alarms: Arc<dyn Alarms>,
}

#[async_trait]
impl Adapter for Respond {
    type Controller = RespondController;

    async fn observe(&self, engine: &Engine, cx: &Context<'_>, need: Need) -> Result<Snapshot, EngineError> {
        let model = cx.policy.map(|policy| policy.model.as_str()).unwrap_or_default();
        let deployed = resolve::state_of::<DeployController>(engine.ledger.as_ref(), model).await?;
        let mut seen = Snapshot { deployed, ..Snapshot::default() };
        match need {
            Need::Nothing => {}
            Need::Alarm(name) => seen.alarm = self.alarms.in_alarm(&[name]).await?.into_iter().next(),
            Need::Report { bucket, key } => seen.report = Some(self.reports.read(&bucket, &key).await?),
        }
        Ok(seen)
    }

    async fn recheck(
        &self,
        _engine: &Engine,
        _cx: &Context<'_>,
        _state: &State,
        _trigger: &Trigger,
        _step: &Step<NoCall>,
    ) -> Result<(), EngineError> {
        Ok(())
    }

    async fn call(&self, call: &NoCall) -> Result<String, CallError> {
        match *call {}
    }

    /// The alarms that are in ALARM, whenever they changed: CloudWatch lists them without their names, a hundred in a call.
    async fn changed_since(
        &self,
        _engine: &Engine,
        _since: Timestamp,
    ) -> Result<BTreeSet<Lookup>, EngineError> {
        let alarms = self.alarms.all_in_alarm().await?;
        Ok(alarms.iter().map(|alarm| Lookup::new(LookupKind::Alarm, alarm)).collect())
    }

    /// A sweep describes the alarms of a model. CloudWatch admits nine of these calls a second in an account and a region.
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html>
    fn models_per_second(&self) -> u32 {
        5
    }

    /// Returns the alarms of the policy that are in ALARM, because their event may have been lost.
    async fn lost_events(
        &self,
        engine: &Engine,
        managed: &ManagedModel,
        sweep: &EventRef,
    ) -> Result<Vec<(Trigger, EventRef)>, EngineError> {
        let policy = &managed.applied.policy;
        let named: Vec<String> = policy.drift.iter().flat_map(|drift| drift.alarms.clone()).collect();
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let raised = engine.retry_throttled(|| self.alarms.in_alarm(&named)).await?;
        let lost = raised.into_iter().map(|alarm| {
            let event = engine.synthesized_event_ref(sweep, Body::AlarmChanged(alarm.clone()));
            (Trigger::Alarm(alarm), event)
        });
        Ok(lost.collect())
    }
}
