//! One tick or alarm, for one endpoint.

use async_trait::async_trait;
use futures::TryFutureExt;
use jiff::Timestamp;
use std::sync::Arc;
use tidegate_engine::ports::{Alerts, Capacity, InvocationQuery, Ledger, Metrics};
use tidegate_engine::{CallError, Case, EngineError};
use tidegate_events::AlarmChanged;
use tidegate_policy::check::{self, Violation};
use tidegate_policy::file::Environment;
use tidegate_policy::reason::Reason;
use tidegate_policy::scale::{
    Action, ScaleDecision, Snapshot, State, last_look, on_capacity_alarm, on_tick, prevented, refused,
    should_record, still_applies,
};

use crate::observe::deployed;

/// What happened.
pub(crate) enum Cause {
    Tick(Snapshot),
    Alarm(AlarmChanged),
}

pub(crate) struct ScaleCase {
    pub(crate) model: String,
    pub(crate) environment: Environment,
    pub(crate) cause: Cause,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) capacity: Arc<dyn Capacity>,
    pub(crate) metrics: Arc<dyn Metrics>,
    pub(crate) alerts: Arc<dyn Alerts>,
}

#[async_trait]
impl Case for ScaleCase {
    type State = State;
    type Action = Action;

    type Snapshot = ();

    /// The metrics of a tick are read for all endpoints at once, before.
    async fn observe(&self, _state: &State, _now: Timestamp) -> Result<(), EngineError> {
        Ok(())
    }

    fn decide(&self, state: &State, (): &(), now: Timestamp) -> ScaleDecision {
        match &self.cause {
            Cause::Tick(seen) => on_tick(&self.environment, state, seen, now),
            Cause::Alarm(alarm) => on_capacity_alarm(&self.environment, state, alarm, now),
        }
    }

    fn check(&self, state: &State, (): &(), decision: &ScaleDecision, now: Timestamp) -> Vec<Violation> {
        let (seen, alarm) = match &self.cause {
            Cause::Tick(seen) => (Some(seen), None),
            Cause::Alarm(alarm) => (None, Some(alarm)),
        };
        check::scale(&self.environment, state, seen, alarm, decision, now)
    }

    fn check_follow_up(&self, state: &State, decision: &ScaleDecision, now: Timestamp) -> Vec<Violation> {
        check::follow_up::scale(&self.environment, state, decision, now)
    }

    fn requires_recheck(&self, action: &Action) -> bool {
        matches!(action, Action::SetCopyCount { copies: 0, .. })
    }

    /// The metrics and what deploy remembers are read again: a request or another version may have come since.
    async fn precondition(
        &self,
        state: &State,
        action: &Action,
        now: Timestamp,
    ) -> Result<Option<Reason>, EngineError> {
        let Action::SetCopyCount { component, copies: 0 } = action else { return Ok(None) };
        let to_zero = self.environment.scale.to_zero.as_ref();
        let idle = to_zero.map(|to_zero| to_zero.idle.signed()).unwrap_or_default();
        let from = now.checked_sub(idle).unwrap_or(Timestamp::MIN);
        let query = [InvocationQuery { name: component.clone(), component: true, from }];
        let metrics = self.metrics.invocations(&query, now).map_err(EngineError::from);
        let deployed = deployed(self.ledger.as_ref(), &self.model);
        let (metrics, deployed) = futures::future::try_join(metrics, deployed).await?;
        let in_window = metrics.first().copied().flatten();
        Ok(last_look(&self.environment, state, &deployed, in_window, now))
    }

    async fn act(&self, action: &Action) -> Result<String, CallError> {
        match action {
            Action::SetCapacityLimits { component, min, max } => {
                self.capacity.set_capacity_limits(component, *min, *max).await
            }
            Action::EnsureScaleFromZeroAlarm { component } => {
                self.capacity.ensure_scale_from_zero_alarm(component).await
            }
            Action::SetCopyCount { component, copies } => {
                self.capacity.set_copy_count(component, *copies).await
            }
            Action::Alert { subject, message } => {
                self.alerts.notify(subject, message).await?;
                Ok(format!("told people: {subject}"))
            }
        }
    }

    fn still_applies(&self, state: &State, action: &Action) -> bool {
        still_applies(state, action)
    }

    fn is_alert(&self, action: &Action) -> bool {
        action.is_alert()
    }

    fn refused(&self, state: &State, action: &Action, why: &Reason, now: Timestamp) -> Option<ScaleDecision> {
        refused(&self.environment, state, action, why, now)
    }

    fn prevented(
        &self,
        state: &State,
        action: &Action,
        why: &Reason,
        _now: Timestamp,
    ) -> Option<ScaleDecision> {
        prevented(&self.environment, state, action, why)
    }

    fn should_record(&self, state: &State, decision: &ScaleDecision) -> bool {
        should_record(state, decision)
    }
}
