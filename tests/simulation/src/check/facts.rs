//! What is known from looking: approvals, records, models, requests. Rules see the facts as they were before what they
//! are shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tidegate_engine::DecisionRecord;
use tidegate_events::Event;
use tidegate_testkit::Note;
use tidegate_world::ApiCall;

use super::Seen;
use crate::book::Invocation;
use crate::fortune::Number;
use crate::place::Where;

/// A decision in a ledger.
pub(crate) struct Filed {
    pub(crate) place: Where,
    pub(crate) function: &'static str,
    /// When, by AWS's clock.
    pub(crate) at: Timestamp,
    /// When, as a count of what happened.
    pub(crate) count: u64,
    pub(crate) record: Arc<DecisionRecord>,
    /// How many of its actions have an outcome.
    pub(crate) done: usize,
    /// Whether its plan was carried out, or left for another.
    pub(crate) closed: bool,
}

/// What an invocation has seen.
#[derive(Default)]
pub(crate) struct Saw {
    /// When it began, as a count of what happened.
    pub(crate) began: u64,
    /// For each package, what the registry said when it was read last, and whether this was after the decision.
    pub(crate) packages: BTreeMap<String, String>,
    /// When metrics were read last.
    pub(crate) metrics: Option<Timestamp>,
    /// The revision under which each state was read last, by function and model; and when, as a count of what happened.
    pub(crate) states: BTreeMap<(String, String), (u64, u64)>,
    /// Whether a request was answered.
    pub(crate) answered: BTreeSet<String>,
    /// Whether others went on while it waited.
    pub(crate) was_paused: bool,
    /// What it was told.
    pub(crate) event: Option<Arc<Event>>,
}

impl Saw {
    /// The revision under which a state was read last.
    pub(crate) fn revision(&self, function: &str, model: &str) -> Option<u64> {
        self.states.get(&(function.to_owned(), model.to_owned())).map(|(revision, _)| *revision)
    }

    /// When a state was read last, as a count of what happened.
    pub(crate) fn read_at(&self, function: &'static str, model: &str) -> Option<u64> {
        self.states.get(&(function.to_owned(), model.to_owned())).map(|(_, at)| *at)
    }
}

/// An answered request to an endpoint.
pub(crate) struct Traffic {
    pub(crate) account: String,
    pub(crate) endpoint: String,
    pub(crate) at: Timestamp,
}

/// The facts.
#[derive(Default)]
pub(crate) struct Facts {
    /// How much has happened.
    pub(crate) count: u64,
    /// How many calls of functions have changed something.
    pub(crate) changes: usize,
    /// The approval of each package.
    pub(crate) approvals: BTreeMap<String, String>,
    /// Since when it is that.
    pub(crate) said_at: BTreeMap<String, Timestamp>,
    /// By account and model name: the package.
    pub(crate) models: BTreeMap<(String, String), String>,
    /// By account and configuration: the models.
    pub(crate) configs: BTreeMap<(String, String), Vec<String>>,
    pub(crate) filed: Vec<Filed>,
    pub(crate) saw: BTreeMap<Number, Saw>,
    pub(crate) traffic: Vec<Traffic>,
    /// By account and component: when it was last made or told to change, and with that its copies set.
    pub(crate) components: BTreeMap<(String, String), Timestamp>,
    /// The ids of decisions that were published.
    pub(crate) told: BTreeSet<String>,
}

/// A text in JSON.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

impl Facts {
    pub(crate) fn began(&mut self, by: Number, invocation: &Invocation) {
        let began = self.count;
        let saw = self.saw.entry(by).or_insert_with(|| Saw { began, ..Saw::default() });
        saw.was_paused = invocation.was_paused;
        saw.event = Some(Arc::clone(&invocation.event));
    }

    pub(crate) fn evidence(&self, by: Number) -> Option<&Saw> {
        self.saw.get(&by)
    }

    /// A decision by its id.
    pub(crate) fn filed(&self, place: Where, id: &str) -> Option<&Filed> {
        self.filed.iter().rev().find(|filed| filed.place == place && filed.record.id == id)
    }

    /// The decisions of a function at a place, newest first.
    pub(crate) fn of(&self, place: Where, function: &'static str) -> impl Iterator<Item = &Filed> {
        self.filed.iter().rev().filter(move |filed| filed.place == place && filed.function == function)
    }

    /// The package that a configuration or a model of an account serves.
    pub(crate) fn packages_of(&self, account: &str, models: &[String]) -> Vec<&str> {
        let package = |model: &String| self.models.get(&(account.to_owned(), model.clone()));
        models.iter().filter_map(package).map(String::as_str).collect()
    }

    /// The models that a call puts behind an endpoint.
    pub(crate) fn deployed_by(&self, entry: &ApiCall) -> Vec<String> {
        match entry.operation.as_str() {
            "CreateEndpoint" | "UpdateEndpoint" => {
                let config = text(&entry.request, "/EndpointConfigName").to_owned();
                self.configs.get(&(entry.account.clone(), config)).cloned().unwrap_or_default()
            }
            "CreateInferenceComponent" | "UpdateInferenceComponent" => {
                vec![text(&entry.request, "/Specification/ModelName").to_owned()]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn see(&mut self, seen: &Seen<'_>, now: Timestamp) {
        self.count += 1;
        match seen {
            Seen::Call { by, call, .. } => {
                if call.operation == "GetMetricData" {
                    self.saw.entry(*by).or_default().metrics = Some(now);
                }
            }
            Seen::Asked { by, entry, .. } => {
                self.world(entry);
                self.changes +=
                    usize::from(entry.outcome == "ok" && super::explain::changes(&entry.operation));
                if entry.outcome == "ok" {
                    self.read(*by, entry);
                }
            }
            Seen::Other { entry } => self.world(entry),
            Seen::Noted { by, place, function, note, record } => {
                self.noted((*by, *place, *function), note, *record, now);
            }
            Seen::Published { event, .. } => {
                if event.detail_type == tidegate_events::DECISION_RECORDED {
                    self.told.insert(text(&event.detail, "/id").to_owned());
                }
            }
            Seen::Alerted { .. } | Seen::Scheduled { .. } | Seen::Dealt(_) | Seen::Failed { .. } => {}
        }
    }

    /// What a call changed.
    fn world(&mut self, entry: &ApiCall) {
        if entry.outcome != "ok" {
            return;
        }
        let request = &entry.request;
        let here = |name: &str| (entry.account.clone(), text(request, name).to_owned());
        match entry.operation.as_str() {
            "UpdateModelPackage" if !text(request, "/ModelApprovalStatus").is_empty() => {
                let approval = text(request, "/ModelApprovalStatus").to_owned();
                let package = text(request, "/ModelPackageArn").to_owned();
                if self.approvals.insert(package.clone(), approval.clone()) != Some(approval) {
                    self.said_at.insert(package, entry.at);
                }
            }
            "CreateModel" => {
                let package = text(request, "/Containers/0/ModelPackageName").to_owned();
                self.models.insert(here("/ModelName"), package);
            }
            "CreateEndpointConfig" => {
                let variants = request.pointer("/ProductionVariants").and_then(Value::as_array);
                let models = variants.into_iter().flatten().map(|v| text(v, "/ModelName").to_owned());
                let models = models.filter(|model| !model.is_empty()).collect();
                self.configs.insert(here("/EndpointConfigName"), models);
            }
            "CreateInferenceComponent" | "UpdateInferenceComponent" => {
                self.components.insert(here("/InferenceComponentName"), entry.at);
            }
            "InvokeEndpoint" => {
                let (account, endpoint) = here("/EndpointName");
                self.traffic.push(Traffic { account, endpoint, at: entry.at });
            }
            _ => {}
        }
    }

    /// What an invocation has read.
    fn read(&mut self, by: Number, entry: &ApiCall) {
        let saw = self.saw.entry(by).or_default();
        match entry.operation.as_str() {
            "DescribeModelPackage" => {
                let arn = text(&entry.request, "/ModelPackageName").to_owned();
                let says = self.approvals.get(&arn).cloned().unwrap_or_default();
                saw.packages.insert(arn, says);
            }
            "InvokeEndpoint" => {
                saw.answered.insert(text(&entry.request, "/EndpointName").to_owned());
            }
            _ => {}
        }
    }

    fn noted(
        &mut self,
        (by, place, function): (Number, Where, &'static str),
        note: &Note,
        record: Option<&Arc<DecisionRecord>>,
        now: Timestamp,
    ) {
        match (note, record) {
            (Note::Read { key, revision }, _) => {
                let key = (key.function.clone(), key.model.clone());
                self.saw.entry(by).or_default().states.insert(key, (*revision, self.count));
            }
            (Note::Decided { .. }, Some(record)) => {
                self.filed.push(Filed {
                    place,
                    function,
                    at: now,
                    count: self.count,
                    record: Arc::clone(record),
                    done: 0,
                    closed: false,
                });
            }
            (Note::Progress { decision, outcomes, .. }, _) => {
                let same = |filed: &&mut Filed| filed.place == place && filed.record.id == *decision;
                if let Some(filed) = self.filed.iter_mut().rev().find(same) {
                    filed.done = *outcomes;
                }
            }
            (Note::Noted { .. }, Some(record)) => {
                let same = |filed: &&mut Filed| filed.place == place && filed.record.id == record.id;
                if let Some(filed) = self.filed.iter_mut().rev().find(same) {
                    filed.done = record.outcomes.len();
                    filed.closed = true;
                }
            }
            _ => {}
        }
    }
}
