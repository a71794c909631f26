//! The data about a model from all specified ledgers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::{try_join, try_join_all, try_join4};
use futures::stream::{self, StreamExt, TryStreamExt};
use tidegate_engine::ports::{Applied, Ledger};
use tidegate_engine::{DecisionRecord, EngineError, resolve};
use tidegate_policy::deploy::Unhealthy;
use tidegate_policy::file::Policy;
use tidegate_policy::freeze::{FLEET, Freezes};
use tidegate_policy::hold::{self, Hold};
use tidegate_policy::promote::{EnvironmentStatus, Promotion};
use tidegate_policy::{deploy, promote, respond, scale, train};

use crate::Failure;
use crate::ledgers::Place;

/// The environment name of the hub in its decisions.
pub(crate) const HUB: &str = "hub";
/// The number of decisions that are read. It is enough to find the last one of each function.
const DECISIONS: u32 = 30;
/// The number of models that are read concurrently.
const CONCURRENT_READS: usize = 8;

/// The data of one ledger about a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct LedgerData {
    /// The name of the ledger.
    pub(crate) ledger: String,
    /// The applied policy.
    pub(crate) applied: Option<Applied>,
    /// The state of promote.
    pub(crate) promote: Arc<promote::State>,
    /// The freezes of every model, in the hub.
    pub(crate) fleet: Freezes,
    /// The state of train.
    pub(crate) train: Arc<train::State>,
    /// The state of deploy.
    pub(crate) deploy: Arc<deploy::State>,
    /// The state of respond.
    pub(crate) respond: Arc<respond::State>,
    /// The state of scale.
    pub(crate) scale: Arc<scale::State>,
    /// The last decisions, newest first.
    pub(crate) decisions: Vec<DecisionRecord>,
}

/// The data of all ledgers about a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct View {
    /// The name of the model.
    pub(crate) model: String,
    /// The data of the hub's ledger.
    pub(crate) hub: Option<LedgerData>,
    /// The data of the environments' ledgers, by the name of the environment.
    pub(crate) environments: BTreeMap<String, LedgerData>,
    /// Ledgers whose environment is unknown, because they have no decision about this model.
    pub(crate) silent: Vec<LedgerData>,
}

impl LedgerData {
    async fn read(place: &Place, model: &str) -> Result<Self, EngineError> {
        let ledger = &place.ledger;
        let states = try_join4(
            resolve::state_of::<promote::PromoteController>(ledger, model),
            resolve::state_of::<deploy::DeployController>(ledger, model),
            resolve::state_of::<respond::RespondController>(ledger, model),
            resolve::state_of::<scale::ScaleController>(ledger, model),
        );
        let of_hub = try_join(
            resolve::state_of::<promote::PromoteController>(ledger, FLEET),
            resolve::state_of::<train::TrainController>(ledger, model),
        );
        let (applied, (promote, deploy, respond, scale), decisions, (fleet, train)) =
            try_join4(ledger.policy(model), states, ledger.decisions(model, DECISIONS), of_hub).await?;
        let fleet = fleet.freezes.clone();
        let mut decisions = place.readable(decisions);
        decisions.sort_by(|a, b| b.order().cmp(&a.order()));
        Ok(Self {
            ledger: place.name.clone(),
            applied,
            promote,
            fleet,
            train,
            deploy,
            respond,
            scale,
            decisions,
        })
    }

    /// Returns the environment of the ledger. Every decision contains it, and the state of deploy as well.
    fn environment(&self) -> Option<String> {
        let decided = self.decisions.first().map(|record| record.environment.clone());
        let promotes = || self.promote.promotion.is_some().then(|| HUB.to_owned());
        let reported = || self.deploy.last_report.as_ref().map(|report| report.finished.environment.clone());
        let deploying =
            || self.deploy.in_flight.as_ref().map(|in_flight| in_flight.request.environment.clone());
        decided.or_else(promotes).or_else(reported).or_else(deploying)
    }

    /// Returns the last decision that was not `ignore`, or else the last decision.
    pub(crate) fn latest(&self) -> Option<&DecisionRecord> {
        self.decisions.iter().find(|record| record.verdict != "ignore").or(self.decisions.first())
    }

    /// Returns the last decision of a function.
    pub(crate) fn last(&self, function: &str) -> Option<&DecisionRecord> {
        self.decisions.iter().find(|record| record.function == function)
    }
}

impl View {
    /// Reads the data about a model from every ledger.
    pub(crate) async fn read(places: &[Place], model: &str) -> Result<Self, Failure> {
        let ask =
            |place| async move { LedgerData::read(place, model).await.map_err(|error| place.failed(error)) };
        Ok(Self::of(model, try_join_all(places.iter().map(ask)).await?))
    }

    /// Reads the data about several models from every ledger, a few at a time.
    pub(crate) async fn read_all(places: &[Place], models: &BTreeSet<String>) -> Result<Vec<Self>, Failure> {
        stream::iter(models)
            .map(|model| Self::read(places, model))
            .buffered(CONCURRENT_READS)
            .try_collect()
            .await
    }

    /// Combines the data of the ledgers.
    pub(crate) fn of(model: &str, known: Vec<LedgerData>) -> Self {
        let mut view = Self { model: model.to_owned(), ..Self::default() };
        for known in known {
            match known.environment() {
                Some(name) if name == HUB => view.hub = Some(known),
                Some(name) => {
                    view.environments.insert(name, known);
                }
                None => view.silent.push(known),
            }
        }
        view
    }

    /// Returns the hub's policy, by which it promotes. Without the hub's ledger it returns the policy of any other
    /// ledger.
    pub(crate) fn policy(&self) -> Option<&Policy> {
        let known = self.hub.iter().chain(self.environments.values()).chain(&self.silent);
        known.filter_map(|known| known.applied.as_ref()).map(|applied| -> &Policy { &applied.policy }).next()
    }

    /// Returns the current or the last promotion.
    pub(crate) fn promotion(&self) -> Option<&Promotion> {
        self.hub.as_ref()?.promote.promotion.as_ref()
    }

    /// Returns the hold on an environment, from the state of the hub or of the environment.
    pub(crate) fn held(&self, environment: &str) -> Option<&Hold> {
        let of_hub = self.hub.as_ref().and_then(|hub| hold::on(&hub.promote.holds, environment));
        of_hub.or_else(|| self.environments.get(environment)?.deploy.hold())
    }

    /// Returns the status of the promotion in an environment.
    pub(crate) fn step(&self, environment: &str) -> Option<&EnvironmentStatus> {
        self.promotion()?.environments.get(environment)
    }

    /// Returns the version that serves in an environment, as far as known. What failed or is gone does not serve.
    pub(crate) fn live(&self, environment: &str) -> Option<u64> {
        let stopped = self.unhealthy(environment).is_some_and(|found| found.condition.stops_serving());
        self.deployed(environment).filter(|_| !stopped)
    }

    /// Returns what is wrong with the version that was deployed to an environment.
    pub(crate) fn unhealthy(&self, environment: &str) -> Option<&Unhealthy> {
        self.environments.get(environment)?.deploy.live.as_ref()?.unhealthy.as_ref()
    }

    /// Returns the version that was last verified in an environment, from its own ledger or else from its last report
    /// to the hub.
    pub(crate) fn deployed(&self, environment: &str) -> Option<u64> {
        match self.environments.get(environment) {
            Some(known) => known.deploy.live.as_ref().map(|live| live.version),
            None => match self.step(environment) {
                Some(EnvironmentStatus::Succeeded { .. }) => {
                    self.promotion().map(|promotion| promotion.version)
                }
                _ => None,
            },
        }
    }

    /// Returns the version that is wanted in an environment.
    pub(crate) fn wanted(&self, environment: &str) -> Option<u64> {
        let promotion = self.promotion();
        let coming = promotion.filter(|promotion| {
            !promotion.stopped || matches!(self.step(environment), Some(EnvironmentStatus::Succeeded { .. }))
        });
        let asked = || {
            let in_flight = self.environments.get(environment)?.deploy.in_flight.as_ref()?;
            Some(in_flight.request.version)
        };
        coming.map(|promotion| promotion.version).or_else(asked).or_else(|| self.deployed(environment))
    }
}

/// Returns every model for which a ledger has a policy.
pub(crate) async fn models(places: &[Place]) -> Result<BTreeSet<String>, Failure> {
    let mut all = BTreeSet::new();
    for place in places {
        all.extend(place.ledger.models().await.map_err(|error| place.failed(error))?);
    }
    Ok(all)
}
