//! The simulated system: the cloud, the functions, the event buses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tidegate_engine::{DecisionRecord, Engine, Handler, Ports, Site};
use tidegate_events::{Event, parse_value};
use tidegate_functions::named;
use tidegate_policy::file::Policy;
use tidegate_scenarios::{Account, Cloud};
use tidegate_testkit::{InMemoryLedger, Runtime};
use tidegate_world::Pace;

use crate::event_bus::EventBus;
use crate::faults::{InvocationId, NoFaults, SimulatedFaults};
use crate::fleet::{Amendment, Fleet, Model};
use crate::history::ReportContent;
use crate::mutant::{Mutant, MutatedPorts, ReadCache, SilencedAlerts};
use crate::repositories::FakeRepositories;
use crate::site::{REGION, SiteId};

/// When every history begins.
pub(crate) const BEGINNING: &str = "2026-03-02T08:00:00Z";

/// An account with its ledger and its functions.
pub(crate) struct SimulatedSite {
    pub(crate) id: SiteId,
    pub(crate) account: Account,
    pub(crate) ledger: Arc<InMemoryLedger>,
    runtime: Runtime,
    /// The offset of its clock in seconds.
    clock: i64,
}

/// The simulated system.
pub(crate) struct System {
    pub(crate) fleet: Fleet,
    /// The policies that are applied, by model.
    pub(crate) policies: BTreeMap<String, Arc<Policy>>,
    /// What each version of a policy asked for, by model and version.
    asked_for: BTreeMap<(String, String), Model>,
    pub(crate) cloud: Cloud,
    pub(crate) sites: Vec<SimulatedSite>,
    pub(crate) faults: Arc<SimulatedFaults>,
    pub(crate) event_bus: EventBus,
    pub(crate) repositories: Arc<FakeRepositories>,
    pub(crate) mutant: Option<Mutant>,
    /// How often a commit became the head, by repository, full reference and commit.
    pub(crate) pushes: BTreeMap<(String, String, String), usize>,
    /// Since when each branch has its head, by repository and full reference.
    pub(crate) heads: BTreeMap<(String, String), Timestamp>,
    /// Where CloudWatch returns no metrics.
    pub(crate) silent: BTreeSet<SiteId>,
    /// The state of each model's alarm, and whether it is muted.
    pub(crate) alarms: BTreeMap<(SiteId, String), (&'static str, bool)>,
    /// The content of the reports in S3, by key.
    pub(crate) reports: BTreeMap<(SiteId, String), ReportContent>,
}

impl System {
    /// A system with the fleet's policies applied, its groups readable and its existing pipelines created.
    ///
    /// # Errors
    /// What is wrong with a policy.
    pub(crate) fn new(fleet: &Fleet, mutant: Option<Mutant>) -> Result<Self, String> {
        let beginning: Timestamp = BEGINNING.parse().map_err(|error| format!("{error}"))?;
        let cloud = Cloud::new(Pace::real(), beginning);
        let policies: Vec<Arc<Policy>> = fleet.policies()?.into_iter().map(Arc::new).collect();
        let sites: Vec<SimulatedSite> =
            SiteId::ALL.into_iter().map(|site| SimulatedSite::new(&cloud, site, fleet, &policies)).collect();
        let ledgers = sites.iter().map(|site| Arc::clone(&site.ledger)).collect();
        let faults = Arc::new(SimulatedFaults::new(cloud.clone(), ledgers));
        cloud.faults.set_plan(faults.clone());
        for site in &sites {
            site.ledger.faults.set_plan(faults.clone());
        }
        let repositories = Arc::new(FakeRepositories::new(cloud.faults.clone()));
        let event_bus = EventBus::default();
        let system = Self {
            fleet: fleet.clone(),
            asked_for: asked_for(fleet, &policies),
            policies: policies.into_iter().map(|policy| (policy.model.to_string(), policy)).collect(),
            cloud,
            sites,
            faults,
            event_bus,
            repositories,
            mutant,
            pushes: BTreeMap::new(),
            heads: BTreeMap::new(),
            silent: BTreeSet::new(),
            alarms: BTreeMap::new(),
            reports: BTreeMap::new(),
        };
        system.create_registry()?;
        Ok(system)
    }

    /// Creates the model package groups, their policies, and the pipelines that teams manage themselves.
    fn create_registry(&self) -> Result<(), String> {
        let hub = self.account(SiteId::Hub);
        let ask = |operation: &str, request: Value| {
            hub.ask("sagemaker", operation, &request).map_err(|error| format!("{operation}: {error}"))
        };
        let mut groups: Vec<&str> = self.fleet.models.iter().map(|model| model.group.as_str()).collect();
        groups.sort_unstable();
        groups.dedup();
        for group in groups {
            ask("CreateModelPackageGroup", json!({"ModelPackageGroupName": group}))?;
            let who = SiteId::ENVIRONMENTS.map(|site| format!("arn:aws:iam::{}:root", site.account()));
            let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                "Principal": {"AWS": who}, "Action": ["sagemaker:DescribeModelPackage", "sagemaker:CreateModel"],
                "Resource": format!("arn:aws:sagemaker:{REGION}:{}:model-package/{group}/*", SiteId::Hub.account())}]});
            let put = json!({"ModelPackageGroupName": group, "ResourcePolicy": policy.to_string()});
            ask("PutModelPackageGroupPolicy", put)?;
        }
        for model in self.fleet.models.iter().filter(|model| model.keeps_pipeline) {
            let request = json!({"PipelineName": model.pipeline(), "ClientRequestToken": "by-hand-".repeat(4),
                "RoleArn": "arn:aws:iam::111122223333:role/pipeline",
                "PipelineDefinition": crate::actions::definition(&model.group, 0)});
            ask("CreatePipeline", request)?;
        }
        Ok(())
    }

    /// A team changes its policy and applies it everywhere. Returns `None` if nothing changes.
    pub(crate) fn amend(&mut self, name: &str, change: &Amendment) -> Option<()> {
        let mut fleet = self.fleet.clone();
        let model = fleet.models.iter_mut().find(|model| model.name == name)?;
        *model = model.amended(change)?;
        let policies: Vec<Arc<Policy>> = fleet.policies().ok()?.into_iter().map(Arc::new).collect();
        self.asked_for.extend(asked_for(&fleet, &policies));
        for policy in policies {
            for site in &self.sites {
                site.ledger.put_policy(Arc::clone(&policy));
            }
            self.policies.insert(policy.model.to_string(), policy);
        }
        self.fleet = fleet;
        Some(())
    }

    /// The model in the policy version that a decision is based on.
    pub(crate) fn model_at(&self, record: &DecisionRecord) -> Option<&Model> {
        self.asked_for.get(&(record.model.clone(), record.policy_version.clone()))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.cloud.now()
    }

    pub(crate) fn site(&self, id: SiteId) -> Option<&SimulatedSite> {
        self.sites.get(id.index())
    }

    pub(crate) fn account(&self, site: SiteId) -> Account {
        self.cloud.account(site.account(), REGION)
    }

    pub(crate) fn ledger(&self, site: SiteId) -> Option<&Arc<InMemoryLedger>> {
        self.site(site).map(|site| &site.ledger)
    }

    /// The stored state of a function for a model.
    pub(crate) fn state<S: DeserializeOwned + Default>(
        &self,
        site: SiteId,
        function: &'static str,
        model: &str,
    ) -> S {
        let value = self.ledger(site).map(|ledger| ledger.state_now(function, model));
        let value = value.filter(|value| *value != Value::Null);
        value.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
    }

    /// The time by the clock of a site.
    pub(crate) fn clock(&self, site: SiteId) -> Timestamp {
        let ahead = SignedDuration::from_secs(self.site(site).map_or(0, |site| site.clock));
        self.now().checked_add(ahead).unwrap_or(self.now())
    }

    /// An event of our own, as it arrives.
    pub(crate) fn own_event(
        &mut self,
        from: SiteId,
        detail_type: &str,
        detail: &Value,
    ) -> Option<(Event, Value)> {
        let id = format!("own-{}", self.event_bus.number());
        let json = json!({"version": "0", "id": id, "source": "tidegate", "detail-type": detail_type,
            "account": from.account(), "region": REGION, "time": self.now(), "resources": [], "detail": detail});
        Some((parse_value(json.clone()).ok()?, json))
    }

    /// The engine and the handler of an invocation.
    pub(crate) fn prepare(
        &self,
        (site, function): (SiteId, &'static str),
        (number, request): (InvocationId, &str),
        event: &Event,
    ) -> Option<(Engine, Box<dyn Handler>)> {
        let site = self.site(site)?;
        let memory = Arc::new(Mutex::new(ReadCache::default()));
        let mut engine = site.runtime.engine(function, request);
        engine.time = self.faults.time();
        if let Some(mutant) = self.mutant {
            engine.ledger = mutant.ledger(&site.ledger, event, (number, function), &memory);
        }
        if self.mutant == Some(Mutant::SwallowAlert) {
            engine.alerts = Arc::new(SilencedAlerts);
        }
        let account = Arc::new(site.account.acting_as(function));
        let seen = Arc::new(MutatedPorts::new(self.mutant, account.clone(), self.cloud.clone(), memory));
        let ports = Ports {
            repository: self.repositories.clone(),
            registry: seen.clone(),
            endpoints: seen.clone(),
            sampler: seen.clone(),
            schedules: seen.clone(),
            reports: seen.clone(),
            metrics: seen,
            ..Ports::all(&account)
        };
        let handler = (named(function)?.build)(&ports, site.site());
        Some((engine, handler))
    }
}

/// The fault plan and the cloud refer to each other: without this, neither would be dropped.
impl Drop for System {
    fn drop(&mut self) {
        self.cloud.faults.set_plan(Arc::new(NoFaults));
        for site in &self.sites {
            site.ledger.faults.set_plan(Arc::new(NoFaults));
        }
    }
}

impl SimulatedSite {
    /// Where its functions run.
    pub(crate) fn site(&self) -> &Site {
        &self.runtime.site
    }

    fn new(cloud: &Cloud, site: SiteId, fleet: &Fleet, policies: &[Arc<Policy>]) -> Self {
        let account = cloud.account(site.account(), REGION);
        let mut engine_site = Site::new(site.name(), site.account(), REGION, SiteId::Hub.account());
        engine_site.check_seconds = 120;
        let ledger = Arc::new(InMemoryLedger::new());
        for policy in policies {
            ledger.put_policy(Arc::clone(policy));
        }
        let clock = fleet.clocks.get(site.index()).copied().unwrap_or_default();
        let runtime = Runtime::new(engine_site, ledger.clone(), &Ports::all(&Arc::new(account.clone())));
        Self { id: site, account, ledger, runtime, clock }
    }
}

/// The models by the versions of their policies.
fn asked_for(fleet: &Fleet, policies: &[Arc<Policy>]) -> BTreeMap<(String, String), Model> {
    let by_version =
        |(model, policy): (&Model, &Arc<Policy>)| ((model.name.clone(), policy.version()), model.clone());
    fleet.models.iter().zip(policies).map(by_version).collect()
}
