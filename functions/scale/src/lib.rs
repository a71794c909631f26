//! scale: scales idle endpoints to zero and back, by the mechanism that SageMaker offers for their kind.

mod spec;
mod traffic;

use async_trait::async_trait;
use futures::TryFutureExt;
use jiff::Timestamp;
use std::sync::Arc;
use tidegate_engine::ports::{Capacity, InvocationQuery, Metrics};
use tidegate_engine::resolve;
use tidegate_engine::{Adapter, CallError, Engine, EngineError, EventRef, Outcome};
use tidegate_policy::controller::{Context, Controller};
use tidegate_policy::deploy::DeployController;
use tidegate_policy::endpoint::InvokedResource;
use tidegate_policy::reason::Reason;
use tidegate_policy::scale::{
    Action, Current, Need, ScalableResource, ScaleController, Snapshot, State, Trigger,
};
use tidegate_policy::step::Step;

use traffic::{Prefetched, read_traffic};

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
                let mut seen = read_traffic(engine, self, &[policy], cx.now).await?;
                seen.pop().transpose()
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
        let query = [InvocationQuery { resource: InvokedResource::Component(component.clone()), from }];
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

    /// Checks every endpoint whose capacity the policy may scale. It reads the ledger once per model, and
    /// CloudWatch in batches.
    async fn sweep(
        &self,
        engine: &Engine,
        sweep: &EventRef,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let (mut models, mut outcomes) = resolve::all(engine).await?;
        models.retain(|managed| {
            let cx = Context { policy: Some(&managed.applied.policy), site: &engine.site, event: "", now };
            ScaleController::not_applicable(&cx, &Trigger::Tick).is_none()
        });
        let policies: Vec<_> = models.iter().map(|managed| managed.applied.policy.as_ref()).collect();
        let seen = read_traffic(engine, self, &policies, now).await?;
        for (managed, seen) in models.iter().zip(seen) {
            outcomes.add(match seen {
                Ok(seen) => {
                    let prefetched = Prefetched { scale: self, seen };
                    engine.sweep(&prefetched, managed, &Trigger::Tick, sweep, now).await
                }
                // An error of one model must not prevent the check of the others.
                Err(error) => Err(error),
            });
        }
        if outcomes.is_empty() {
            outcomes.add(Ok(engine.ignore(sweep, &Reason::NoScalePolicy)));
        }
        outcomes.finish()
    }
}
