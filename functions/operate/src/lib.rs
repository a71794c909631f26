//! operate: takes the commands of people through a function URL that authenticates them.

mod spec;

use async_trait::async_trait;
use std::sync::Arc;
use tidegate_engine::ports::Registry;
use tidegate_engine::{Adapter, CallError, Engine, EngineError, resolve};
use tidegate_events::Command;
use tidegate_policy::controller::Context;
use tidegate_policy::operate::{Action, Need, OperateController, Snapshot, State};
use tidegate_policy::promote::PromoteController;
use tidegate_policy::step::Step;
use tidegate_policy::train::TrainController;

pub use spec::SPEC;
pub use tidegate_policy::operate::NAME;

/// The adapter of operate with its ports.
pub struct Operate {
    /// The model registry.
    pub registry: Arc<dyn Registry>,
}

#[async_trait]
impl Adapter for Operate {
    type Controller = OperateController;

    async fn observe(&self, engine: &Engine, cx: &Context<'_>, need: Need) -> Result<Snapshot, EngineError> {
        let (Need::Promotion, Some(policy)) = (need, cx.policy) else { return Ok(Snapshot::default()) };
        let promote =
            resolve::state_of::<PromoteController>(engine.ledger.as_ref(), policy.model.as_str()).await?;
        let Some(promotion) = promote.promotion.clone() else { return Ok(Snapshot::default()) };
        let train =
            resolve::state_of::<TrainController>(engine.ledger.as_ref(), policy.model.as_str()).await?;
        let authors = train.authors_of(&promotion.package_arn);
        Ok(Snapshot { promotion: Some(promotion), authors })
    }

    async fn recheck(
        &self,
        _engine: &Engine,
        _cx: &Context<'_>,
        _state: &State,
        _command: &Command,
        _step: &Step<Action>,
    ) -> Result<(), EngineError> {
        Ok(())
    }

    async fn call(&self, call: &Action) -> Result<String, CallError> {
        let Action::RejectPackage { package_arn, description } = call;
        self.registry.reject(package_arn, description).await?;
        Ok(format!("rejected {package_arn}"))
    }
}
