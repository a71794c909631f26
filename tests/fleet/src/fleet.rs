//! A fleet of models that are live and quiet, and changes in some of them of which no event was sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate_engine::{FunctionSpec, HUB, Ports, Scope, Site};
use tidegate_events::{
    AlarmChanged, AlarmState, ApprovalStatus, Body, CommitPushed, EndpointChanged, EndpointStatus,
    ModelPackageChanged, PackageStatus, RefChange, RefKind,
};
use tidegate_policy::endpoint::{Component, CopySize};
use tidegate_policy::file::{Policy, PolicyError, parse};
use tidegate_testkit::{CannedResponses, FakeAws};

use crate::clock::VirtualClock;
use crate::ledger::RemoteLedger;
use crate::network::MeteredNetwork;

const HUB_ACCOUNT: &str = "111122223333";
const ACCOUNT: &str = "777788889999";
const REGION: &str = "us-east-1";
/// A definition that train can install.
const DEFINITION: &str = r#"{"Version":"2020-12-01","Steps":[]}"#;

/// A fleet at one site.
#[derive(Debug)]
pub struct Fleet {
    /// The site.
    pub site: Site,
    /// The ledger.
    pub ledger: Arc<RemoteLedger>,
    /// AWS in the account of the site.
    pub aws: Arc<FakeAws>,
    /// The network between them.
    pub network: Arc<MeteredNetwork>,
    /// The time of the sweep.
    pub now: Timestamp,
    models: usize,
}

fn name(model: usize) -> String {
    format!("model-{model:05}")
}

fn package_arn(model: usize, version: u64) -> String {
    format!("arn:aws:sagemaker:{REGION}:{HUB_ACCOUNT}:model-package/{}/{version}", name(model))
}

/// The policy of a model: a component in production that scales to zero, and an alarm on drift.
fn policy(model: usize) -> Result<Policy, PolicyError> {
    let name = name(model);
    let text = json!({
        "apiVersion": "tidegate/v1",
        "model": name,
        "source": { "repository": format!("codecommit:{name}"), "branches": ["main"] },
        "pipeline": { "name": format!("{name}-train"), "definition": { "file": "pipeline.json" } },
        "registry": { "group": name },
        "environments": [{
            "name": "production", "account": ACCOUNT, "region": REGION,
            "endpoint": { "name": name, "kind": "inferenceComponent", "instanceType": "ml.m5.large",
                "instances": 2, "memoryMb": 1024 },
            "scale": { "toZero": { "idle": "2h", "grace": "24h" } },
        }],
        "drift": { "response": "retrain", "alarms": [format!("{name}-drift")], "cooldown": "24h",
            "budget": { "retrainings": 4, "per": "30d" } },
    });
    parse(&name, &text.to_string())
}

impl Fleet {
    /// A fleet for the sweeps of a function. Its models have been live for a month.
    ///
    /// # Errors
    /// A policy is invalid. This is a defect of this crate.
    pub fn new(
        function: &FunctionSpec,
        models: usize,
        now: Timestamp,
        clock: &VirtualClock,
    ) -> Result<Self, PolicyError> {
        let network = Arc::new(MeteredNetwork::new(clock));
        let (environment, account) = match function.scope {
            Scope::Hub => (HUB, HUB_ACCOUNT),
            Scope::Environment => ("production", ACCOUNT),
        };
        let site = Site::new(environment, account, REGION, HUB_ACCOUNT);
        let ledger = Arc::new(RemoteLedger::new(&network));
        let mut policies = Vec::with_capacity(models);
        for model in 0..models {
            policies.push(policy(model)?);
        }
        let canned = CannedResponses {
            file: Some(DEFINITION.to_owned()),
            pipeline: Some(DEFINITION.to_owned()),
            ..CannedResponses::default()
        };
        let aws = FakeAws::new(account, REGION, canned).with_policies(&policies);
        let aws = aws.with_network(Arc::<MeteredNetwork>::clone(&network));
        aws.set_now(days_before(now, 30));
        let fleet = Self { site, ledger, aws: Arc::new(aws), network: Arc::clone(&network), now, models };
        for (model, policy) in policies.into_iter().enumerate() {
            fleet.ledger.put_policy(policy);
            fleet.make_live(function.name, model);
        }
        fleet.aws.set_now(now);
        Ok(fleet)
    }

    /// The ports of the function.
    #[must_use]
    pub fn ports(&self) -> Ports {
        Ports::all(&self.aws)
    }

    /// Changes one of a hundred models, and sends no event of it. Returns the number of changed models.
    pub fn change(&self, function: &str) -> usize {
        self.change_every(function, 100)
    }

    /// Changes each model whose number is divisible by `step`, and sends no event of it.
    pub fn change_every(&self, function: &str, step: usize) -> usize {
        let changed = (0..self.models).step_by(step);
        let count = changed.len();
        for model in changed {
            self.change_one(function, model);
        }
        count
    }

    /// The number of models for which promote has a promotion of a version.
    #[must_use]
    pub fn promoting(&self, version: u64) -> usize {
        let state = |model| self.ledger.local().state_now("promote", &name(model));
        let is = |model: &usize| state(*model).pointer("/promotion/version") == Some(&json!(version));
        (0..self.models).filter(is).count()
    }

    /// Damages the policy of a model in the ledger. Returns what was there.
    pub fn break_policy(&self, model: usize) -> String {
        self.ledger.replace_policy(&name(model), "{")
    }

    /// Restores the policy of a model.
    pub fn mend_policy(&self, model: usize, json: &str) {
        self.ledger.replace_policy(&name(model), json);
    }

    /// One alarm event for each model.
    #[must_use]
    pub fn alarm_events(&self) -> Vec<Value> {
        (0..self.models).map(|model| alarm_event(&name(model), self.now)).collect()
    }

    fn put_state(&self, function: &str, model: usize, state: &Value) {
        self.ledger.local().put_state(function, &name(model), state);
    }

    fn make_live(&self, function: &str, model: usize) {
        let (name, approved, live) = (name(model), days_before(self.now, 31), days_before(self.now, 30));
        let arn = package_arn(model, 7);
        match function {
            "train" => {
                let state = json!({ "commits": { "refs/heads/main": "c1" }, "last_start": null });
                self.put_state("train", model, &state);
                self.aws.apply(&push(model, "c1"));
            }
            "promote" => {
                let environments = json!({ "production": { "status": "succeeded", "at": live } });
                let promotion = json!({ "version": 7, "package_arn": arn, "approved_at": approved,
                    "environments": environments, "newest_version": 7, "stopped": false });
                self.put_state("promote", model, &json!({ "promotion": promotion }));
                self.aws.apply(&approval(model, 7, approved));
            }
            "scale" | "deploy" | "respond" => {
                let serving = json!({ "endpoint": name,
                    "component": { "name": name, "model": format!("{name}-7") } });
                let live = json!({ "version": 7, "package_arn": arn, "config": format!("{name}-c"),
                    "request_id": "r7", "at": live, "serving": serving });
                let state = json!({ "in_flight": null, "live": live, "previous": null, "last_report": null });
                self.put_state("deploy", model, &state);
            }
            _ => {}
        }
        match function {
            "deploy" => self.make_endpoint(model),
            "scale" => {
                let last = SignedDuration::from_mins(1);
                self.aws.count(&name, self.now.checked_sub(last).unwrap_or(self.now), 100);
                self.put_state("scale", model, &json!({ "last_reason": "traffic" }));
            }
            _ => {}
        }
    }

    fn make_endpoint(&self, model: usize) {
        let name = name(model);
        self.aws.apply(&endpoint(model, EndpointStatus::InService, days_before(self.now, 30)));
        let component = Component {
            name: name.clone(),
            endpoint: name.clone(),
            model: format!("{name}-7"),
            size: CopySize { memory_mb: 1024, max_memory_mb: None, accelerators: None, cpus: None },
            copies: 1,
            rollout: tidegate_policy::endpoint::Rollout::default(),
            startup: None,
        };
        self.aws.put_component(&component);
    }

    fn change_one(&self, function: &str, model: usize) {
        let at = self.now.checked_sub(SignedDuration::from_mins(5)).unwrap_or(self.now);
        match function {
            "train" => self.aws.apply(&push(model, "c2")),
            "promote" => self.aws.apply(&approval(model, 8, at)),
            "deploy" => self.aws.apply(&endpoint(model, EndpointStatus::Failed, at)),
            "respond" => self.aws.apply(&alarm(model, at)),
            "scale" => self.aws.forget_traffic(&name(model), days_before(self.now, 2)),
            _ => {}
        }
    }
}

fn days_before(now: Timestamp, days: i64) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(days * 24)).unwrap_or(now)
}

fn push(model: usize, commit: &str) -> Body {
    Body::CommitPushed(CommitPushed {
        repository: format!("codecommit:{}", name(model)),
        ref_kind: RefKind::Branch,
        branch: "main".to_owned(),
        full_ref: "refs/heads/main".to_owned(),
        change: RefChange::Updated,
        commit: Some(commit.to_owned()),
        old_commit: None,
        actor: None,
        changed_paths: None,
    })
}

fn approval(model: usize, version: u64, at: Timestamp) -> Body {
    Body::ModelPackageChanged(ModelPackageChanged {
        arn: package_arn(model, version),
        group: Some(name(model)),
        version: Some(version),
        status: PackageStatus::Completed,
        approval: ApprovalStatus::Approved,
        updated_fields: None,
        last_modified: Some(at),
        generated_by: None,
        stage: None,
        stage_status: None,
    })
}

fn endpoint(model: usize, status: EndpointStatus, at: Timestamp) -> Body {
    Body::EndpointChanged(EndpointChanged {
        endpoint: name(model),
        status,
        config: Some(format!("{}-c", name(model))),
        pending_config: None,
        failure_reason: None,
        last_modified: Some(at),
        deployment: false,
    })
}

fn alarm(model: usize, at: Timestamp) -> Body {
    Body::AlarmChanged(AlarmChanged {
        alarm: format!("{}-drift", name(model)),
        state: AlarmState::Alarm,
        previous: Some(AlarmState::Ok),
        reason: None,
        changed_at: Some(at),
        metrics: Vec::new(),
        muted: false,
        observed: Some(0.4),
        threshold: Some(0.2),
    })
}

/// The event of an alarm on drift, as EventBridge delivers it.
fn alarm_event(name: &str, now: Timestamp) -> Value {
    let alarm = format!("{name}-drift");
    let metric = json!({ "namespace": "churn", "name": "drift", "dimensions": {} });
    let metrics =
        json!([{ "id": "m", "metricStat": { "metric": metric, "period": 300, "stat": "Average" } }]);
    json!({
        "version": "0", "id": format!("alarm-{name}"), "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change", "account": ACCOUNT, "region": REGION, "time": now,
        "resources": [format!("arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{alarm}")],
        "detail": {
            "alarmName": alarm,
            "state": { "value": "ALARM", "reason": "Threshold Crossed", "timestamp": now },
            "previousState": { "value": "OK", "timestamp": now },
            "configuration": { "metrics": metrics },
        },
    })
}

/// The time of the sweeps.
///
/// # Errors
/// It is not a time. This is a defect of this crate.
pub fn noon() -> Result<Timestamp, jiff::Error> {
    "2026-03-02T12:00:00Z".parse()
}

/// The payload of a sweep.
#[must_use]
pub fn payload(function: &str, now: Timestamp) -> Value {
    if function == "scale" {
        let schedule = format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/tidegate/scale-tick");
        return json!({ "version": "0", "id": format!("tick-{now}"), "source": "aws.scheduler",
            "detail-type": "Scheduled Event", "account": ACCOUNT, "region": REGION, "time": now,
            "resources": [schedule], "detail": "{}" });
    }
    json!({ "tidegate": "reconcile", "at": now, "execution_id": format!("reconcile-{now}") })
}

/// A number of something for each key.
pub type Counts = BTreeMap<String, crate::network::Count>;
