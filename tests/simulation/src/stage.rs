//! Everything that a history plays on: the cloud, the functions, the post.

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

use crate::fleet::{Amendment, Fleet, Model};
use crate::fortune::{Luck, Nobody, Number};
use crate::mutant::{Bent, Deaf, Memory, Mutant};
use crate::place::{REGION, Where};
use crate::post::PostOffice;
use crate::step::Found;
use crate::yard::Yard;

/// When every history begins.
pub(crate) const BEGINNING: &str = "2026-03-02T08:00:00Z";

/// A place with its ledger and its account.
pub(crate) struct Post {
    pub(crate) place: Where,
    pub(crate) account: Account,
    pub(crate) ledger: Arc<InMemoryLedger>,
    runtime: Runtime,
    /// Seconds by which its clock is ahead.
    clock: i64,
}

/// The stage.
pub(crate) struct Stage {
    pub(crate) fleet: Fleet,
    /// The policies that are applied, by model.
    pub(crate) policies: BTreeMap<String, Arc<Policy>>,
    /// What each version of a policy asked for, by model and version.
    asked_for: BTreeMap<(String, String), Model>,
    pub(crate) cloud: Cloud,
    pub(crate) posts: Vec<Post>,
    pub(crate) luck: Arc<Luck>,
    pub(crate) office: PostOffice,
    pub(crate) yard: Arc<Yard>,
    pub(crate) mutant: Option<Mutant>,
    /// How often a commit became the head, by repository, full reference and commit.
    pub(crate) pushes: BTreeMap<(String, String, String), usize>,
    /// Since when each branch has its head, by repository and full reference.
    pub(crate) heads: BTreeMap<(String, String), Timestamp>,
    /// Where CloudWatch tells no metrics.
    pub(crate) silent: BTreeSet<Where>,
    /// The state of each model's alarm, and whether it is muted.
    pub(crate) alarms: BTreeMap<(Where, String), (&'static str, bool)>,
    /// What the reports in S3 say, by key.
    pub(crate) reports: BTreeMap<(Where, String), Found>,
}

impl Stage {
    /// A stage with the fleet's policies applied, its groups readable and its kept pipelines in place.
    ///
    /// # Errors
    /// What is wrong with a policy.
    pub(crate) fn new(fleet: &Fleet, mutant: Option<Mutant>) -> Result<Self, String> {
        let beginning: Timestamp = BEGINNING.parse().map_err(|error| format!("{error}"))?;
        let cloud = Cloud::new(Pace::real(), beginning);
        let policies: Vec<Arc<Policy>> = fleet.policies()?.into_iter().map(Arc::new).collect();
        let posts: Vec<Post> =
            Where::ALL.into_iter().map(|place| Post::new(&cloud, place, fleet, &policies)).collect();
        let ledgers = posts.iter().map(|post| Arc::clone(&post.ledger)).collect();
        let luck = Arc::new(Luck::new(cloud.clone(), ledgers));
        cloud.faults.set_plan(luck.clone());
        for post in &posts {
            post.ledger.faults.set_plan(luck.clone());
        }
        let yard = Arc::new(Yard::new(cloud.faults.clone()));
        let office = PostOffice::default();
        let stage = Self {
            fleet: fleet.clone(),
            asked_for: asked_for(fleet, &policies),
            policies: policies.into_iter().map(|policy| (policy.model.to_string(), policy)).collect(),
            cloud,
            posts,
            luck,
            office,
            yard,
            mutant,
            pushes: BTreeMap::new(),
            heads: BTreeMap::new(),
            silent: BTreeSet::new(),
            alarms: BTreeMap::new(),
            reports: BTreeMap::new(),
        };
        stage.furnish()?;
        Ok(stage)
    }

    /// Groups, their policies, and the pipelines that teams look after themselves.
    fn furnish(&self) -> Result<(), String> {
        let hub = self.account(Where::Hub);
        let ask = |operation: &str, request: Value| {
            hub.ask("sagemaker", operation, &request).map_err(|error| format!("{operation}: {error}"))
        };
        let mut groups: Vec<&str> = self.fleet.models.iter().map(|model| model.group.as_str()).collect();
        groups.sort_unstable();
        groups.dedup();
        for group in groups {
            ask("CreateModelPackageGroup", json!({"ModelPackageGroupName": group}))?;
            let who = Where::ENVIRONMENTS.map(|place| format!("arn:aws:iam::{}:root", place.account()));
            let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                "Principal": {"AWS": who}, "Action": ["sagemaker:DescribeModelPackage", "sagemaker:CreateModel"],
                "Resource": format!("arn:aws:sagemaker:{REGION}:{}:model-package/{group}/*", Where::Hub.account())}]});
            let put = json!({"ModelPackageGroupName": group, "ResourcePolicy": policy.to_string()});
            ask("PutModelPackageGroupPolicy", put)?;
        }
        for model in self.fleet.models.iter().filter(|model| model.keeps_pipeline) {
            let request = json!({"PipelineName": model.pipeline(), "ClientRequestToken": "by-hand-".repeat(4),
                "RoleArn": "arn:aws:iam::111122223333:role/pipeline",
                "PipelineDefinition": crate::people::definition(&model.group, 0)});
            ask("CreatePipeline", request)?;
        }
        Ok(())
    }

    /// A team changes its policy and applies it everywhere. Whether there was anything to change.
    pub(crate) fn amend(&mut self, name: &str, how: &Amendment) -> Option<()> {
        let mut fleet = self.fleet.clone();
        let model = fleet.models.iter_mut().find(|model| model.name == name)?;
        *model = model.amended(how)?;
        let policies: Vec<Arc<Policy>> = fleet.policies().ok()?.into_iter().map(Arc::new).collect();
        self.asked_for.extend(asked_for(&fleet, &policies));
        for policy in policies {
            for post in &self.posts {
                post.ledger.put_policy(Arc::clone(&policy));
            }
            self.policies.insert(policy.model.to_string(), policy);
        }
        self.fleet = fleet;
        Some(())
    }

    /// What a policy asked for in the version that a decision rests on.
    pub(crate) fn model_at(&self, record: &DecisionRecord) -> Option<&Model> {
        self.asked_for.get(&(record.model.clone(), record.policy_version.clone()))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.cloud.now()
    }

    pub(crate) fn post(&self, place: Where) -> Option<&Post> {
        self.posts.get(place.index())
    }

    pub(crate) fn account(&self, place: Where) -> Account {
        self.cloud.account(place.account(), REGION)
    }

    pub(crate) fn ledger(&self, place: Where) -> Option<&Arc<InMemoryLedger>> {
        self.post(place).map(|post| &post.ledger)
    }

    /// What a function remembers for a model.
    pub(crate) fn state<S: DeserializeOwned + Default>(
        &self,
        place: Where,
        function: &'static str,
        model: &str,
    ) -> S {
        let value = self.ledger(place).map(|ledger| ledger.state_now(function, model));
        let value = value.filter(|value| *value != Value::Null);
        value.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
    }

    /// What the clock of a place says.
    pub(crate) fn clock(&self, place: Where) -> Timestamp {
        let ahead = SignedDuration::from_secs(self.post(place).map_or(0, |post| post.clock));
        self.now().checked_add(ahead).unwrap_or(self.now())
    }

    /// An event of our own, as it arrives.
    pub(crate) fn own_event(
        &mut self,
        from: Where,
        detail_type: &str,
        detail: &Value,
    ) -> Option<(Event, Value)> {
        let id = format!("own-{}", self.office.number());
        let json = json!({"version": "0", "id": id, "source": "tidegate", "detail-type": detail_type,
            "account": from.account(), "region": REGION, "time": self.now(), "resources": [], "detail": detail});
        Some((parse_value(json.clone()).ok()?, json))
    }

    /// What an invocation runs on, and the function itself.
    pub(crate) fn cast(
        &self,
        (place, function): (Where, &'static str),
        (number, request): (Number, &str),
        event: &Event,
    ) -> Option<(Engine, Box<dyn Handler>)> {
        let post = self.post(place)?;
        let memory = Arc::new(Mutex::new(Memory::default()));
        let mut engine = post.runtime.engine(function, request);
        engine.time = self.luck.time();
        if let Some(mutant) = self.mutant {
            engine.ledger = mutant.ledger(&post.ledger, event, (number, function), &memory);
        }
        if self.mutant == Some(Mutant::SwallowAlert) {
            engine.alerts = Arc::new(Deaf);
        }
        let account = Arc::new(post.account.acting_as(function));
        let seen = Arc::new(Bent::new(self.mutant, account.clone(), self.cloud.clone(), memory));
        let ports = Ports {
            repository: self.yard.clone(),
            registry: seen.clone(),
            endpoints: seen.clone(),
            sampler: seen.clone(),
            schedules: seen.clone(),
            reports: seen.clone(),
            metrics: seen,
            ..Ports::all(&account)
        };
        let handler = (named(function)?.build)(&ports, post.site());
        Some((engine, handler))
    }
}

/// Whoever has a say in every call holds the cloud, and the cloud holds them: neither would ever be dropped.
impl Drop for Stage {
    fn drop(&mut self) {
        self.cloud.faults.set_plan(Arc::new(Nobody));
        for post in &self.posts {
            post.ledger.faults.set_plan(Arc::new(Nobody));
        }
    }
}

impl Post {
    /// Where its functions run.
    pub(crate) fn site(&self) -> &Site {
        &self.runtime.site
    }

    fn new(cloud: &Cloud, place: Where, fleet: &Fleet, policies: &[Arc<Policy>]) -> Self {
        let account = cloud.account(place.account(), REGION);
        let site = Site::new(place.name(), place.account(), REGION, Where::Hub.account());
        let ledger = Arc::new(InMemoryLedger::new());
        for policy in policies {
            ledger.put_policy(Arc::clone(policy));
        }
        let clock = fleet.clocks.get(place.index()).copied().unwrap_or_default();
        let runtime = Runtime::new(site, ledger.clone(), &Ports::all(&Arc::new(account.clone())));
        Self { place, account, ledger, runtime, clock }
    }
}

/// The models by the versions of their policies.
fn asked_for(fleet: &Fleet, policies: &[Arc<Policy>]) -> BTreeMap<(String, String), Model> {
    let by_version =
        |(model, policy): (&Model, &Arc<Policy>)| ((model.name.clone(), policy.version()), model.clone());
    fleet.models.iter().zip(policies).map(by_version).collect()
}
