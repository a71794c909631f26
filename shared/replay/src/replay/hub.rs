//! Finds the hub. No policy contains it, but commits, packages and executions are there.

use tidegate_events::{Body, Event};
use tidegate_policy::file::Policy;
use tidegate_policy::lookup::{self, Lookup, LookupKind};

use super::options::Options;

/// The hub's account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hub {
    pub(super) account: String,
    pub(super) region: String,
}

/// The search for the hub.
pub(super) struct Search<'o> {
    policies: Vec<&'o Policy>,
    /// The names by which events identify the hub.
    names: Vec<Lookup>,
    found: Found,
}

enum Found {
    /// The hub was given, or an event of the hub has arrived.
    Sure(Hub),
    /// The account of the first event that is not from an environment.
    Guess(Option<Hub>),
    /// The replay has begun with a guess.
    Taken(Hub),
}

impl<'o> Search<'o> {
    pub(super) fn new(options: &'o Options) -> Self {
        let policies: Vec<&Policy> =
            options.policies.iter().chain(options.against.iter().flatten()).collect();
        let mut names: Vec<Lookup> = policies.iter().flat_map(|policy| lookup::of(policy)).collect();
        names.sort();
        names.dedup();
        let region = policies.iter().flat_map(|policy| &policy.environments).next();
        let region = region.map(|environment| environment.region.to_string()).unwrap_or_default();
        let said = options.hub_account.clone().map(|account| Hub { account, region });
        Self { policies, names, found: said.map_or(Found::Guess(None), Found::Sure) }
    }

    /// Whether the hub is known for certain.
    pub(super) fn is_found(&self) -> bool {
        matches!(self.found, Found::Sure(_))
    }

    /// Evaluates an event. Returns the hub's actual account as an error, if the replay has begun with a wrong guess.
    pub(super) fn observe(&mut self, event: &Event) -> Result<(), String> {
        if self.is_found() {
            return Ok(());
        }
        let envelope = &event.envelope;
        let place = || Hub { account: envelope.account.clone(), region: envelope.region.clone() };
        let is_there = self.is_of_hub(&event.body);
        match &self.found {
            Found::Taken(taken) if is_there && taken.account != envelope.account => {
                return Err(envelope.account.clone());
            }
            Found::Guess(_) | Found::Taken(_) if is_there => self.found = Found::Sure(place()),
            Found::Guess(None) if !self.is_environments(&envelope.account) => {
                self.found = Found::Guess(Some(place()));
            }
            Found::Sure(_) | Found::Guess(_) | Found::Taken(_) => {}
        }
        Ok(())
    }

    /// Returns the hub with which the replay begins. A trial setup has everything in one account.
    pub(super) fn take(&mut self) -> Hub {
        let hub = match &self.found {
            Found::Sure(hub) | Found::Taken(hub) | Found::Guess(Some(hub)) => hub.clone(),
            Found::Guess(None) => {
                let mut environments = self.policies.iter().flat_map(|policy| &policy.environments);
                let first = environments.next().map(|e| (e.account.to_string(), e.region.to_string()));
                let (account, region) = first.unwrap_or_default();
                Hub { account, region }
            }
        };
        if matches!(self.found, Found::Guess(_)) {
            self.found = Found::Taken(hub.clone());
        }
        hub
    }

    fn is_of_hub(&self, body: &Body) -> bool {
        let known = |kind, name: &str| self.names.binary_search(&Lookup::new(kind, name)).is_ok();
        match body {
            Body::CommitPushed(push) => known(LookupKind::Repository, &push.repository),
            Body::ModelPackageChanged(change) => {
                change.group.as_deref().is_some_and(|group| known(LookupKind::PackageGroup, group))
            }
            Body::PipelineExecutionChanged(run) => known(LookupKind::Pipeline, &run.pipeline),
            _ => false,
        }
    }

    fn is_environments(&self, account: &str) -> bool {
        let mut environments = self.policies.iter().flat_map(|policy| &policy.environments);
        account.is_empty() || environments.any(|environment| environment.account.as_str() == account)
    }
}
