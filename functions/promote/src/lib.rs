//! promote: decides which version enters which environment, and which gates block it.

mod gates;
mod spec;
mod sweep;

use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tidegate_engine::ports::{GateSources, Registry};
use tidegate_engine::resolve::ManagedModel;
use tidegate_engine::{Adapter, CallError, Engine, EngineError, EventRef};
use tidegate_policy::controller::Context;
use tidegate_policy::lookup::{Lookup, LookupKind};
use tidegate_policy::promote::{
    Action, Candidate, Need, Package, PromoteController, Snapshot, State, Trigger,
};
use tidegate_policy::step::Step;

pub use spec::SPEC;
pub use tidegate_policy::promote::NAME;

/// The adapter of promote with its ports.
pub struct Promote {
    /// The model registry.
    pub registry: Arc<dyn Registry>,
    /// What the gates read.
    pub gate_sources: Arc<dyn GateSources>,
}

#[async_trait]
impl Adapter for Promote {
    type Controller = PromoteController;

    async fn observe(&self, engine: &Engine, cx: &Context<'_>, need: Need) -> Result<Snapshot, EngineError> {
        let package = match &need.package {
            Some(arn) => self.package(arn).await?,
            None => None,
        };
        let earlier = match (need.earlier, cx.policy) {
            (Some(version), Some(policy)) => {
                let found = self.registry.approved_before(policy.registry.group.as_str(), version).await?;
                found.map(|found| Candidate { arn: found.arn, version: found.version })
            }
            _ => None,
        };
        let mut ways_back = BTreeMap::new();
        for arn in &need.ways_back {
            ways_back.extend(self.package(arn).await?.map(|package| (arn.clone(), package)));
        }
        let gates = gates::facts(self.gate_sources.as_ref(), engine, &need.gates).await?;
        Ok(Snapshot { package, earlier, ways_back, gates })
    }

    async fn recheck(
        &self,
        _engine: &Engine,
        _cx: &Context<'_>,
        _state: &State,
        _trigger: &Trigger,
        step: &Step<Action>,
    ) -> Result<Option<Package>, EngineError> {
        match step {
            Step::RequestDeployment { request } => self.package(&request.package_arn).await,
            _ => Ok(None),
        }
    }

    async fn call(&self, call: &Action) -> Result<String, CallError> {
        let Action::UpdateModelLifeCycle { package_arn, stage, status, description } = call;
        self.registry.update_lifecycle(package_arn, stage, status, description).await?;
        Ok(format!("life cycle of {package_arn}: {stage} {status}"))
    }

    /// The groups with a changed package. Packages of other accounts are not in the list.
    async fn changed_since(
        &self,
        _engine: &Engine,
        since: Timestamp,
    ) -> Result<BTreeSet<Lookup>, EngineError> {
        let groups = self.registry.groups_changed_since(since).await?;
        Ok(groups.iter().map(|group| Lookup::new(LookupKind::PackageGroup, group)).collect())
    }

    /// A sweep lists the packages of a group and describes one or two of them. SageMaker does not publish how many of
    /// these calls it admits.
    fn models_per_second(&self) -> u32 {
        2
    }

    async fn lost_events(
        &self,
        engine: &Engine,
        managed: &ManagedModel,
        sweep: &EventRef,
    ) -> Result<Vec<(Trigger, EventRef)>, EngineError> {
        sweep::lost_changes(self, engine, managed, sweep).await
    }
}

impl Promote {
    async fn package(&self, arn: &str) -> Result<Option<Package>, EngineError> {
        Ok(self.registry.package(arn).await?.map(|found| found.package))
    }
}
