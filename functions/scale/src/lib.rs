//! scale: scales idle endpoints to zero and back, by the mechanism that SageMaker offers for their kind.

mod spec;
mod tick;
mod traffic;

use async_trait::async_trait;
use futures::TryFutureExt;
use jiff::Timestamp;
use std::sync::Arc;
use tidegate_engine::ports::{Capacity, InvocationQuery, Metrics, Window};
use tidegate_engine::resolve;
use tidegate_engine::{Adapter, CallError, Engine, EngineError, EventRef, Outcome};
use tidegate_policy::controller::Context;
use tidegate_policy::deploy::DeployController;
use tidegate_policy::endpoint::InvokedResource;
use tidegate_policy::reason::Reason;
use tidegate_policy::scale::{
    Action, Current, Need, ScalableResource, ScaleController, Snapshot, State, Trigger,
};
use tidegate_policy::step::Step;

use tick::Tick;
use traffic::read_traffic;

pub use spec::SPEC;
pub use tidegate_policy::scale::NAME;

/// The adapter of scale with its ports.
pub struct Scale {
    /// The invocation metrics.
    pub metrics: Arc<dyn Metrics>,
    /// Application Auto Scaling.
    pub capacity: Arc<dyn Capacity>,
}

#[async_trait]
impl Adapter for Scale {
    type Controller = ScaleController;

    async fn observe(
        &self,
        engine: &Engine,
        cx: &Context<'_>,
        need: Need,
    ) -> Result<Option<Snapshot>, EngineError> {
        match (need, cx.policy) {
            (Need::Traffic, Some(policy)) => {
                let read =
                    || resolve::state_of::<DeployController>(engine.ledger.as_ref(), policy.model.as_str());
                let deployed = engine.retry_throttled(read).await?;
                Ok(read_traffic(engine, self, &[(policy, deployed)], cx.now).await?.pop())
            }
            (Need::Limits, _) => {
                let resource = cx.named_environment().and_then(ScalableResource::of);
                let limits = self.capacity.limits(resource.as_slice()).map_err(EngineError::from);
                let model = cx.policy.map(|policy| policy.model.as_str()).unwrap_or_default();
                let deployed = resolve::state_of::<DeployController>(engine.ledger.as_ref(), model);
                let (mut limits, deployed) = futures::future::try_join(limits, deployed).await?;
                Ok(Some(Snapshot { limits: limits.pop().flatten(), ..Snapshot::of(&deployed) }))
            }
            _ => Ok(None),
        }
    }

    /// Reads the metrics and the state of deploy again.
    async fn recheck(
        &self,
        engine: &Engine,
        cx: &Context<'_>,
        _state: &State,
        _trigger: &Trigger,
        step: &Step<Action>,
    ) -> Result<Option<Current>, EngineError> {
        let Step::Call(Action::SetCopyCount { component, copies: 0 }) = step else { return Ok(None) };
        let to_zero = cx.named_environment().and_then(|environment| environment.scale.to_zero.as_ref());
        let idle = to_zero.map(|to_zero| to_zero.idle.signed()).unwrap_or_default();
        let from = cx.now.checked_sub(idle).unwrap_or(Timestamp::MIN);
        let query = [InvocationQuery {
            resource: InvokedResource::Component(component.clone()),
            window: Window::Idle,
            from,
        }];
        let metrics = self.metrics.invocations(&query, cx.now).map_err(EngineError::from);
        let model = cx.policy.map(|policy| policy.model.as_str()).unwrap_or_default();
        let deployed = resolve::state_of::<DeployController>(engine.ledger.as_ref(), model);
        let (metrics, deployed) = futures::future::try_join(metrics, deployed).await?;
        Ok(Some(Current { deployed, in_window: metrics.first().copied().flatten() }))
    }

    async fn call(&self, call: &Action) -> Result<String, CallError> {
        match call {
            Action::SetCapacityLimits { component, min, max } => {
                self.capacity.set_capacity_limits(component, *min, *max).await
            }
            Action::EnsureScaleFromZeroAlarm { component } => {
                self.capacity.ensure_scale_from_zero_alarm(component).await
            }
            Action::SetCopyCount { component, copies } => {
                self.capacity.set_copy_count(component, *copies).await
            }
            Action::EnsureBacklogAlarm { endpoint, max } => {
                self.capacity.ensure_backlog_alarm(endpoint, *max).await
            }
            Action::EnsureInstances { endpoint, instances } => {
                self.capacity.ensure_instances(endpoint, *instances).await
            }
            Action::SetTargetTracking { target } => self.capacity.set_target_tracking(target).await,
            Action::RemoveTargetTracking { resource } => self.capacity.remove_target_tracking(resource).await,
        }
    }

    /// Checks every endpoint whose capacity the policy may scale.
    async fn sweep(
        &self,
        engine: &Engine,
        sweep: &EventRef,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let models = engine.retry_throttled(|| engine.ledger.models()).await?;
        let outcomes = engine.outcomes_of_sweep();
        let mut tick = Tick { scale: self, engine, event: sweep, now, outcomes };
        tick.run(&models).await?;
        let mut outcomes = tick.outcomes;
        if outcomes.is_empty() {
            outcomes.add(Ok(engine.ignore(sweep, &Reason::NoScalePolicy)));
        }
        outcomes.finish()
    }
}
