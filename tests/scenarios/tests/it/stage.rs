//! Three accounts with the usual policy, on the cloud in memory.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate_engine::ports::Ledger;
use tidegate_engine::{EngineError, Outcome, Ports, Site};
use tidegate_events::{Event, parse_value};
use tidegate_policy::file::{Policy, parse};
use tidegate_scenarios::{Account, Cloud, Published};
use tidegate_testkit::{Runtime, poll_once};
use tidegate_world::{Emission, Pace};

pub(crate) const HUB: &str = "111122223333";
pub(crate) const STAGING: &str = "444455556666";
pub(crate) const PRODUCTION: &str = "777788889999";
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const CHURN: &str = include_str!("../../../../events/policies/churn.yaml");
pub(crate) const DEFINITION: &str = include_str!("../../../../events/pipelines/v2/g_tiny_processing.json");

/// What an invocation came to; `None` if it died.
pub(crate) type Came = Option<Result<Vec<Outcome>, EngineError>>;

pub(crate) struct Stage {
    pub(crate) cloud: Cloud,
    pub(crate) hub: Runtime,
    pub(crate) staging: Runtime,
    pub(crate) production: Runtime,
    accounts: BTreeMap<String, Account>,
    pub(crate) told: std::cell::RefCell<Vec<Emission>>,
    count: Cell<u32>,
    _repositories: tempfile::TempDir,
}

pub(crate) fn arn(version: u64) -> String {
    format!("arn:aws:sagemaker:{REGION}:{HUB}:model-package/churn/{version}")
}

impl Stage {
    /// The usual policy everywhere, a repository, and a registry that the environments may read.
    pub(crate) fn new() -> Self {
        Self::with(&[parse("churn.yaml", CHURN).unwrap()])
    }

    pub(crate) fn with(policies: &[Policy]) -> Self {
        let cloud = Cloud::new(Pace::real(), "2026-03-02T08:00:00Z".parse().unwrap());
        let accounts: BTreeMap<String, Account> =
            [HUB, STAGING, PRODUCTION].map(|id| (id.to_owned(), cloud.account(id, REGION))).into();
        let site = |environment: &str, account: &str| {
            let ports = Ports::all(&Arc::new(accounts[account].clone()));
            let site = Runtime::new(Site::new(environment, account, REGION, HUB), Arc::default(), &ports);
            for policy in policies {
                poll_once(pin!(site.ledger.apply(policy, cloud.now()))).unwrap().unwrap();
            }
            site
        };
        let repositories = tempfile::tempdir().unwrap();
        let stage = Self {
            hub: site("hub", HUB),
            staging: site("staging", STAGING),
            production: site("production", PRODUCTION),
            told: std::cell::RefCell::default(),
            count: Cell::new(0),
            _repositories: repositories,
            accounts,
            cloud,
        };
        let path = stage._repositories.path().join("churn-model");
        let place = stage.account(HUB).place().clone();
        stage.cloud.with_world(|world, _| world.add_repository(&place, "churn-model", path)).unwrap();
        stage.registry();
        stage
    }

    fn registry(&self) {
        let hub = self.account(HUB);
        hub.ask("sagemaker", "CreateModelPackageGroup", &json!({"ModelPackageGroupName": "churn"})).unwrap();
        let who = [STAGING, PRODUCTION].map(|account| format!("arn:aws:iam::{account}:root"));
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"AWS": who}, "Action": ["sagemaker:DescribeModelPackage", "sagemaker:CreateModel"],
            "Resource": format!("arn:aws:sagemaker:{REGION}:{HUB}:model-package/churn/*")}]});
        let put = json!({"ModelPackageGroupName": "churn", "ResourcePolicy": policy.to_string()});
        hub.ask("sagemaker", "PutModelPackageGroupPolicy", &put).unwrap();
    }

    pub(crate) fn account(&self, id: &str) -> &Account {
        &self.accounts[id]
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.cloud.now()
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, seconds: i64) {
        let now = self.now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
        self.told.borrow_mut().extend(self.cloud.advance(now));
    }

    /// One invocation under a request id.
    pub(crate) fn invoke(
        &self,
        site: &Runtime,
        function: &'static str,
        event: &Event,
        request: &str,
    ) -> Came {
        poll_once(pin!(site.invoke(function, event, request, self.now())))
    }

    /// One invocation that must end well.
    pub(crate) fn run(&self, site: &Runtime, function: &'static str, event: &Event) -> Vec<Outcome> {
        self.count.set(self.count.get() + 1);
        let request = format!("request-{}", self.count.get());
        match self.invoke(site, function, event, &request) {
            Some(Ok(outcomes)) => outcomes,
            Some(Err(error)) => panic!("{}: {error}", function),
            None => panic!("{} died", function),
        }
    }

    /// An event of our own, as it arrives.
    pub(crate) fn own(&self, account: &str, published: &Published) -> Event {
        self.count.set(self.count.get() + 1);
        parse_value(json!({"version": "0", "id": format!("own-{}", self.count.get()), "source": "tidegate",
            "detail-type": published.detail_type, "account": account, "region": REGION,
            "time": published.at, "resources": [], "detail": published.detail}))
        .unwrap()
    }

    /// The events of one detail-type that an account has published since the last time.
    pub(crate) fn sent(&self, account: &str, detail_type: &str) -> Vec<Event> {
        let all = self.account(account).take_published();
        let of_type = all.iter().filter(|event| event.detail_type == detail_type);
        of_type.map(|event| self.own(account, event)).collect()
    }

    /// The events of AWS's of one detail-type since the last time, one for each copy.
    pub(crate) fn aws(&self, detail_type: &str) -> Vec<Event> {
        self.pass(0);
        let mut events = Vec::new();
        for emission in self.told.take() {
            let Emission::Event(event) = emission else { continue };
            for _ in 0..if event.detail_type == detail_type { event.copies } else { 0 } {
                self.count.set(self.count.get() + 1);
                let id = format!("aws-{}", self.count.get());
                let json = json!({"version": "0", "id": id, "source": event.source, "region": event.region,
                    "detail-type": event.detail_type, "account": event.account, "time": event.time,
                    "resources": event.resources, "detail": event.detail});
                events.push(parse_value(json).unwrap());
            }
        }
        events
    }

    /// Registers versions until there are so many.
    pub(crate) fn register(&self, versions: u64) {
        let containers = json!([{"Image": "i", "ModelDataUrl": "s3://b/m"}]);
        for _ in 0..versions {
            let request = json!({"ModelPackageGroupName": "churn",
                "ModelApprovalStatus": "PendingManualApproval",
                "InferenceSpecification": {"Containers": containers}});
            self.account(HUB).ask("sagemaker", "CreateModelPackage", &request).unwrap();
            self.pass(1);
        }
    }

    /// What a person says about a version, and the events that tell of it.
    pub(crate) fn says(&self, approval: &str, version: u64) -> Vec<Event> {
        self.pass(1);
        self.told.take();
        let request = json!({"ModelPackageArn": arn(version), "ModelApprovalStatus": approval});
        self.account(HUB).ask("sagemaker", "UpdateModelPackage", &request).unwrap();
        self.aws("SageMaker Model Package State Change")
    }

    /// Pushes the definition, and gives the events that tell of it.
    pub(crate) fn push(&self, text: &str) -> Vec<Event> {
        self.told.take();
        let files = [("pipeline.json".to_owned(), Some(text.to_owned()))];
        let place = self.account(HUB).place().clone();
        self.cloud
            .with_world(|world, now| world.commit(&place, "churn-model", "main", &files, "m", now))
            .unwrap();
        self.aws("CodeCommit Repository State Change")
    }

    /// Sets the branch back to a commit, and gives the events that tell of it.
    pub(crate) fn set_back(&self, commit: &str) -> Vec<Event> {
        self.told.take();
        let place = self.account(HUB).place().clone();
        self.cloud
            .with_world(|world, now| world.reset_branch(&place, "churn-model", "main", commit, now))
            .unwrap();
        self.aws("CodeCommit Repository State Change")
    }

    pub(crate) fn executions(&self, pipeline: &str) -> usize {
        self.cloud.with_world(|world, _| world.snapshot().executions_of(HUB, pipeline).len())
    }

    /// The configuration that an endpoint runs.
    pub(crate) fn config(&self, account: &str, endpoint: &str) -> Option<String> {
        self.cloud
            .with_world(|world, _| world.snapshot().endpoint(account, endpoint).map(|e| e.config.clone()))
    }

    /// Deploys a version to staging, request and all, and gives the report.
    pub(crate) fn deploy(&self, request: &Event) -> Event {
        self.run(&self.staging, "deploy", request);
        self.pass(900);
        let reconcile = reconcile(self.now());
        self.run(&self.staging, "deploy", &reconcile);
        self.sent(STAGING, "Deployment Finished").pop().expect("a report")
    }

    /// A request of the hub's, as the environment gets it.
    pub(crate) fn request(&self, version: u64, id: &str) -> Event {
        let detail = json!({"schema": 1, "request_id": id, "model": "churn", "environment": "staging",
            "environment_account": STAGING, "region": REGION, "version": version, "package_arn": arn(version),
            "policy_version": "p", "requested_at": self.now()});
        let at = self.now();
        self.own(HUB, &Published { at, detail_type: "Deployment Requested".to_owned(), detail })
    }
}

/// A sweep's event.
pub(crate) fn reconcile(at: Timestamp) -> Event {
    parse_value(json!({"tidegate": "reconcile", "at": at})).unwrap()
}

/// A one-time schedule that fired.
pub(crate) fn fired(input: &Value) -> Event {
    parse_value(input.clone()).unwrap()
}

/// The verdict and reason of the only outcome.
pub(crate) fn said(outcomes: &[Outcome]) -> String {
    let words: Vec<String> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Decided { record } => format!("{} {}", record.verdict, record.reason),
            Outcome::Duplicate { .. } => "duplicate".to_owned(),
            Outcome::Unchanged { reason, .. } => format!("unchanged {reason}"),
            Outcome::Others { decided, unchanged } => format!("others {decided} {unchanged}"),
            Outcome::NotApplicable { reason, .. } => format!("pass {reason}"),
        })
        .collect();
    words.join(", ")
}

/// The kind of the error that an invocation ended with.
pub(crate) fn error(came: Came) -> &'static str {
    match came {
        Some(Err(error)) => error.kind(),
        Some(Ok(outcomes)) => panic!("no error: {}", said(&outcomes)),
        None => "Died",
    }
}
