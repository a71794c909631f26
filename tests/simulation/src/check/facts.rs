//! The facts that follow from observations: approvals, records, models, requests. A rule sees the facts from before
//! its observation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tidegate_engine::DecisionRecord;
use tidegate_events::Event;
use tidegate_testkit::Note;
use tidegate_world::ApiCall;

use super::Observed;
use crate::faults::InvocationId;
use crate::invocation_log::Invocation;
use crate::site::SiteId;

/// A decision in a ledger.
pub(crate) struct StoredDecision {
    pub(crate) site: SiteId,
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

/// What an invocation has read.
#[derive(Default)]
pub(crate) struct Observations {
    /// When it began, as a count of what happened.
    pub(crate) began: u64,
    /// For each package, its approval when the invocation last read it after it last wrote to the ledger.
    pub(crate) packages: BTreeMap<String, String>,
    /// When metrics were read last.
    pub(crate) metrics: Option<Timestamp>,
    /// The revision under which each state was read last, by function and model; and when, as a count of what happened.
    pub(crate) states: BTreeMap<(String, String), (u64, u64)>,
    /// Whether a request was answered.
    pub(crate) answered: BTreeSet<String>,
    /// Whether other invocations ran during a pause.
    pub(crate) was_paused: bool,
    /// The event.
    pub(crate) event: Option<Arc<Event>>,
}

impl Observations {
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
    /// When the approval last changed.
    pub(crate) approval_changed_at: BTreeMap<String, Timestamp>,
    /// By account and model name: the package.
    pub(crate) models: BTreeMap<(String, String), String>,
    /// By account and configuration: the models.
    pub(crate) configs: BTreeMap<(String, String), Vec<String>>,
    pub(crate) decisions: Vec<StoredDecision>,
    pub(crate) seen: BTreeMap<InvocationId, Observations>,
    pub(crate) traffic: Vec<Traffic>,
    /// By account and component: the last creation or update, which sets the copies.
    pub(crate) components: BTreeMap<(String, String), Timestamp>,
    /// The ids of published decisions.
    pub(crate) published_decisions: BTreeSet<String>,
}

/// A text in JSON.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

impl Facts {
    pub(crate) fn began(&mut self, by: InvocationId, invocation: &Invocation) {
        let began = self.count;
        let seen = self.seen.entry(by).or_insert_with(|| Observations { began, ..Observations::default() });
        seen.was_paused = invocation.was_paused;
        seen.event = Some(Arc::clone(&invocation.event));
    }

    pub(crate) fn evidence(&self, by: InvocationId) -> Option<&Observations> {
        self.seen.get(&by)
    }

    /// A decision by its id.
    pub(crate) fn decision(&self, site: SiteId, id: &str) -> Option<&StoredDecision> {
        self.decisions.iter().rev().find(|stored| stored.site == site && stored.record.id == id)
    }

    /// The decisions of a function at a site, newest first.
    pub(crate) fn of(&self, site: SiteId, function: &'static str) -> impl Iterator<Item = &StoredDecision> {
        self.decisions.iter().rev().filter(move |stored| stored.site == site && stored.function == function)
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

    pub(super) fn observe(&mut self, observed: &Observed<'_>, now: Timestamp) {
        self.count += 1;
        match observed {
            Observed::CallStarted { by, call, .. } => {
                if call.operation == "GetMetricData" {
                    self.seen.entry(*by).or_default().metrics = Some(now);
                }
            }
            Observed::WorldCall { by, entry, .. } => {
                self.world(entry);
                self.changes += usize::from(entry.outcome == "ok" && super::plans::changes(&entry.operation));
                if entry.outcome == "ok" {
                    self.read(*by, entry);
                }
            }
            Observed::OtherCall { entry } => self.world(entry),
            Observed::LedgerNote { by, site, function, note, record } => {
                self.noted((*by, *site, *function), note, *record, now);
            }
            Observed::Published { event, .. } => {
                if event.detail_type == tidegate_events::DECISION_RECORDED {
                    self.published_decisions.insert(text(&event.detail, "/id").to_owned());
                }
            }
            Observed::Alerted { .. }
            | Observed::Scheduled { .. }
            | Observed::Processed(_)
            | Observed::Failed { .. } => {}
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
                    self.approval_changed_at.insert(package, entry.at);
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
    fn read(&mut self, by: InvocationId, entry: &ApiCall) {
        let seen = self.seen.entry(by).or_default();
        match entry.operation.as_str() {
            "DescribeModelPackage" => {
                let arn = text(&entry.request, "/ModelPackageName").to_owned();
                let says = self.approvals.get(&arn).cloned().unwrap_or_default();
                seen.packages.insert(arn, says);
            }
            "InvokeEndpoint" => {
                seen.answered.insert(text(&entry.request, "/EndpointName").to_owned());
            }
            _ => {}
        }
    }

    fn noted(
        &mut self,
        (by, site, function): (InvocationId, SiteId, &'static str),
        note: &Note,
        record: Option<&Arc<DecisionRecord>>,
        now: Timestamp,
    ) {
        if !matches!(note, Note::Read { .. }) {
            self.seen.entry(by).or_default().packages.clear();
        }
        match (note, record) {
            (Note::Read { key, revision }, _) => {
                let key = (key.function.clone(), key.model.clone());
                self.seen.entry(by).or_default().states.insert(key, (*revision, self.count));
            }
            (Note::Decided { .. }, Some(record)) => {
                self.decisions.push(StoredDecision {
                    site,
                    function,
                    at: now,
                    count: self.count,
                    record: Arc::clone(record),
                    done: 0,
                    closed: false,
                });
            }
            (Note::Progress { decision, outcomes, .. }, _) => {
                let same =
                    |stored: &&mut StoredDecision| stored.site == site && stored.record.id == *decision;
                if let Some(stored) = self.decisions.iter_mut().rev().find(same) {
                    stored.done = *outcomes;
                }
            }
            (Note::Noted { .. }, Some(record)) => {
                let same =
                    |stored: &&mut StoredDecision| stored.site == site && stored.record.id == record.id;
                if let Some(stored) = self.decisions.iter_mut().rev().find(same) {
                    stored.done = record.outcomes.len();
                    stored.closed = true;
                }
            }
            _ => {}
        }
    }
}
