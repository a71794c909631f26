//! What the ledgers that were given know about a model.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::{try_join_all, try_join3, try_join4};
use futures::stream::{self, StreamExt, TryStreamExt};
use tidegate_engine::ports::{Applied, Ledger};
use tidegate_engine::{DecisionRecord, EngineError, resolve};
use tidegate_policy::file::Policy;
use tidegate_policy::hold::{self, Hold};
use tidegate_policy::promote::{EnvironmentStatus, Promotion};
use tidegate_policy::{deploy, promote, respond, scale};

use crate::Failure;
use crate::ledgers::Place;

/// The hub's environment, as its decisions name it.
pub(crate) const HUB: &str = "hub";
/// How many decisions are looked at: enough to find the last one of each function.
const DECISIONS: u32 = 30;
/// How many models are asked about at once.
const AT_ONCE: usize = 8;

/// What one ledger knows about a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Known {
    /// The ledger.
    pub(crate) ledger: String,
    /// The applied policy.
    pub(crate) applied: Option<Applied>,
    /// What promote remembers.
    pub(crate) promote: Arc<promote::State>,
    /// What deploy remembers.
    pub(crate) deploy: Arc<deploy::State>,
    /// What respond remembers.
    pub(crate) respond: Arc<respond::State>,
    /// What scale remembers.
    pub(crate) scale: Arc<scale::State>,
    /// The last decisions, newest first.
    pub(crate) decisions: Vec<DecisionRecord>,
}

/// What all of them know.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct View {
    /// The model.
    pub(crate) model: String,
    /// What the hub's ledger knows.
    pub(crate) hub: Option<Known>,
    /// What the environments' ledgers know, by the environment's name.
    pub(crate) environments: BTreeMap<String, Known>,
    /// Ledgers that do not say whose they are: nothing was decided there about this model.
    pub(crate) silent: Vec<Known>,
}

impl Known {
    async fn read(place: &Place, model: &str) -> Result<Self, EngineError> {
        let ledger = &place.ledger;
        let states = try_join4(
            resolve::state_of::<promote::PromoteController>(ledger, model),
            resolve::state_of::<deploy::DeployController>(ledger, model),
            resolve::state_of::<respond::RespondController>(ledger, model),
            resolve::state_of::<scale::ScaleController>(ledger, model),
        );
        let (applied, (promote, deploy, respond, scale), decisions) =
            try_join3(ledger.policy(model), states, ledger.decisions(model, DECISIONS)).await?;
        let mut decisions = place.readable(decisions);
        decisions.sort_by(|a, b| b.order().cmp(&a.order()));
        Ok(Self { ledger: place.name.clone(), applied, promote, deploy, respond, scale, decisions })
    }

    /// Whose ledger it is. Every decision says where it was made, and deploy remembers for whom it deploys.
    fn environment(&self) -> Option<String> {
        let decided = self.decisions.first().map(|record| record.environment.clone());
        let promotes = || self.promote.promotion.is_some().then(|| HUB.to_owned());
        let reported = || self.deploy.last_report.as_ref().map(|report| report.finished.environment.clone());
        let deploying =
            || self.deploy.in_flight.as_ref().map(|in_flight| in_flight.request.environment.clone());
        decided.or_else(promotes).or_else(reported).or_else(deploying)
    }

    /// The last decision that did or decided something; only where there is none, the last event that was ignored.
    pub(crate) fn latest(&self) -> Option<&DecisionRecord> {
        self.decisions.iter().find(|record| record.verdict != "ignore").or(self.decisions.first())
    }

    /// The last decision of a function.
    pub(crate) fn last(&self, function: &str) -> Option<&DecisionRecord> {
        self.decisions.iter().find(|record| record.function == function)
    }
}

impl View {
    /// Asks every ledger about a model.
    pub(crate) async fn read(places: &[Place], model: &str) -> Result<Self, Failure> {
        let ask = |place| async move { Known::read(place, model).await.map_err(|error| place.failed(error)) };
        Ok(Self::of(model, try_join_all(places.iter().map(ask)).await?))
    }

    /// Asks every ledger about several models, a few at a time.
    pub(crate) async fn read_all(places: &[Place], models: &BTreeSet<String>) -> Result<Vec<Self>, Failure> {
        stream::iter(models).map(|model| Self::read(places, model)).buffered(AT_ONCE).try_collect().await
    }

    /// Puts together what the ledgers know.
    pub(crate) fn of(model: &str, known: Vec<Known>) -> Self {
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

    /// The policy: the hub's, which promotes by it; without the hub anybody's.
    pub(crate) fn policy(&self) -> Option<&Policy> {
        let known = self.hub.iter().chain(self.environments.values()).chain(&self.silent);
        known.filter_map(|known| known.applied.as_ref()).map(|applied| -> &Policy { &applied.policy }).next()
    }

    /// The promotion that was begun last.
    pub(crate) fn promotion(&self) -> Option<&Promotion> {
        self.hub.as_ref()?.promote.promotion.as_ref()
    }

    /// The hold that stands in an environment, as the hub or the environment itself knows it.
    pub(crate) fn held(&self, environment: &str) -> Option<&Hold> {
        let of_hub = self.hub.as_ref().and_then(|hub| hold::on(&hub.promote.holds, environment));
        of_hub.or_else(|| self.environments.get(environment)?.deploy.hold())
    }

    /// How far the promotion is in an environment.
    pub(crate) fn step(&self, environment: &str) -> Option<&EnvironmentStatus> {
        self.promotion()?.environments.get(environment)
    }

    /// The version that serves in an environment: what its own ledger says, or else what it reported to the hub.
    pub(crate) fn live(&self, environment: &str) -> Option<u64> {
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

    /// The version that is to serve there.
    pub(crate) fn wanted(&self, environment: &str) -> Option<u64> {
        let promotion = self.promotion();
        let coming = promotion.filter(|promotion| {
            !promotion.stopped || matches!(self.step(environment), Some(EnvironmentStatus::Succeeded { .. }))
        });
        let asked = || {
            let in_flight = self.environments.get(environment)?.deploy.in_flight.as_ref()?;
            Some(in_flight.request.version)
        };
        coming.map(|promotion| promotion.version).or_else(asked).or_else(|| self.live(environment))
    }
}

/// Every model that any of the ledgers has a policy for.
pub(crate) async fn models(places: &[Place]) -> Result<BTreeSet<String>, Failure> {
    let mut all = BTreeSet::new();
    for place in places {
        all.extend(place.ledger.models().await.map_err(|error| place.failed(error))?);
    }
    Ok(all)
}
