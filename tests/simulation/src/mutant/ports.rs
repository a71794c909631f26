//! The ports as a mutant sees them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use tidegate_engine::ports::{
    Alerts, ApprovedPackage, Endpoints, InvocationQuery, Metrics, Registry, RegistryPackage, Reports,
    Sampler, Schedules, Window,
};
use tidegate_engine::{CallError, Class};
use tidegate_events::{AlarmState, ApprovalStatus, Body, DriftVerdict, EndpointStatus, Event, PackageStatus};
use tidegate_policy::deploy::{
    Component, ComponentStatus, Endpoint, Probe, QueuedSample, Rollout, RunningComponent, RunningConfig,
    RunningModel, ScalableTarget,
};
use tidegate_policy::endpoint::{EndpointConfigSpec, ModelSpec};
use tidegate_policy::file::Sample;
use tidegate_policy::owner::Tags;
use tidegate_policy::promote::Package;
use tidegate_policy::respond::{MonitorReport, Violation};
use tidegate_scenarios::{Account, Cloud};

use super::Mutant;

/// What an invocation has read before its decision.
#[derive(Default)]
pub(crate) struct ReadCache {
    decided: bool,
    packages: BTreeMap<String, Option<RegistryPackage>>,
    endpoints: BTreeMap<String, Option<Endpoint>>,
    components: BTreeMap<String, Option<RunningComponent>>,
}

impl ReadCache {
    /// Whether cached reads replace later reads.
    pub(super) fn decided(&mut self, decided: bool) {
        self.decided = decided;
        if !decided {
            self.packages.clear();
            self.endpoints.clear();
            self.components.clear();
        }
    }
}

/// The account as a mutant sees it.
pub(crate) struct MutatedPorts {
    mutant: Option<Mutant>,
    real: Arc<Account>,
    cloud: Cloud,
    memory: Arc<Mutex<ReadCache>>,
}

fn healthy() -> RegistryPackage {
    let package =
        Package { approval: ApprovalStatus::Approved, status: PackageStatus::Completed, artifacts: None };
    RegistryPackage { package, containers: Vec::new(), last_modified: None }
}

impl MutatedPorts {
    pub(crate) fn new(
        mutant: Option<Mutant>,
        real: Arc<Account>,
        cloud: Cloud,
        memory: Arc<Mutex<ReadCache>>,
    ) -> Self {
        Self { mutant, real, cloud, memory }
    }

    fn memory(&self) -> MutexGuard<'_, ReadCache> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The configuration of the last call for an endpoint.
    fn asked_last(&self, name: &str) -> Option<String> {
        self.cloud.with_world(|world, _| {
            let told = world.calls().iter().rev().find(|entry| {
                matches!(entry.operation.as_str(), "CreateEndpoint" | "UpdateEndpoint")
                    && entry.account == self.real.place().account
                    && entry.request.get("EndpointName").and_then(Value::as_str) == Some(name)
            });
            told?.request.get("EndpointConfigName").and_then(Value::as_str).map(str::to_owned)
        })
    }

    /// The error of a change as a mutant classifies it.
    fn classified<T>(&self, answer: Result<T, CallError>) -> Result<T, CallError> {
        answer.map_err(|error| match (self.mutant, error.class) {
            (Some(Mutant::BusyIsFinal), Class::Busy) | (Some(Mutant::NotVisibleIsFinal), Class::TooEarly) => {
                CallError { class: Class::Permanent, ..error }
            }
            _ => error,
        })
    }

    fn remembers(&self) -> bool {
        self.mutant == Some(Mutant::NoRecheck) && self.memory().decided
    }

    /// What was read before the decision, if the mutant does not read again. An invocation that resumes a plan has read
    /// nothing.
    fn remembered<T>(&self, of: impl FnOnce(&ReadCache) -> Option<T>) -> Option<T> {
        if self.remembers() { of(&self.memory()) } else { None }
    }
}

/// The event as a mutant reads it.
pub(crate) fn event(mutant: Option<Mutant>, event: &Event) -> Event {
    let mut event = event.clone();
    if mutant == Some(Mutant::UnknownIsHealthy) {
        match &mut event.body {
            Body::AlarmChanged(alarm) if alarm.state == AlarmState::InsufficientData => {
                alarm.state = AlarmState::Ok;
            }
            Body::DriftObserved(seen) if seen.verdict != DriftVerdict::Drift => {
                seen.verdict = DriftVerdict::NoDrift;
            }
            _ => {}
        }
    }
    if let (Some(Mutant::CountFolders), Body::ObjectCreated(object)) = (mutant, &mut event.body) {
        let folders: Vec<&str> = object.key.rsplit('/').skip(1).collect();
        let endpoint = folders.get(5).or(folders.last()).copied().unwrap_or_default();
        let key = format!("reports/{endpoint}/schedule/2026/01/01/00/constraint_violations.json");
        // The report is still read under its own key.
        object.bucket = format!("{}{ORIGINAL_KEY}{}", object.bucket, object.key);
        object.key = key;
    }
    event
}

/// Separates the bucket from the key of a report whose key a mutant replaced.
const ORIGINAL_KEY: char = '|';

#[async_trait]
impl Registry for MutatedPorts {
    async fn package(&self, arn: &str) -> Result<Option<RegistryPackage>, CallError> {
        if self.mutant == Some(Mutant::TrustTheEvent) {
            return Ok(Some(healthy()));
        }
        if self.remembers() {
            let known = self.memory().packages.get(arn).cloned();
            return Ok(known.unwrap_or_else(|| Some(healthy())));
        }
        let mut found = self.real.package(arn).await?;
        if let (Some(Mutant::UnknownIsHealthy), Some(found)) = (self.mutant, &mut found) {
            let unknown =
                matches!(found.package.approval, ApprovalStatus::Unknown(_) | ApprovalStatus::Absent);
            if unknown {
                found.package.approval = ApprovalStatus::Approved;
            }
        }
        self.memory().packages.insert(arn.to_owned(), found.clone());
        Ok(found)
    }

    async fn approved_before(&self, group: &str, version: u64) -> Result<Option<ApprovedPackage>, CallError> {
        self.real.approved_before(group, version).await
    }

    async fn groups_changed_since(&self, since: Timestamp) -> Result<Vec<String>, CallError> {
        self.real.groups_changed_since(since).await
    }

    async fn update_lifecycle(
        &self,
        arn: &str,
        stage: &str,
        status: &str,
        description: &str,
    ) -> Result<(), CallError> {
        if self.mutant == Some(Mutant::SkipCall) {
            return Ok(());
        }
        self.real.update_lifecycle(arn, stage, status, description).await
    }

    async fn reject(&self, arn: &str, description: &str) -> Result<(), CallError> {
        self.real.reject(arn, description).await
    }
}

#[async_trait]
impl Schedules for MutatedPorts {
    async fn schedule_at(&self, name: &str, at: Timestamp, input: &Value) -> Result<(), CallError> {
        if self.mutant == Some(Mutant::SkipCall) {
            Ok(())
        } else {
            self.real.schedule_at(name, at, input).await
        }
    }
}

/// An alert topic that drops every alert.
pub(crate) struct SilencedAlerts;

#[async_trait]
impl Alerts for SilencedAlerts {
    async fn notify(&self, _: &str, _: &str) -> Result<(), CallError> {
        Ok(())
    }
}

#[async_trait]
impl Endpoints for MutatedPorts {
    async fn endpoint(&self, name: &str) -> Result<Option<Endpoint>, CallError> {
        if let Some(known) = self.remembered(|memory| memory.endpoints.get(name).cloned()) {
            return Ok(known);
        }
        let mut found = self.real.endpoint(name).await?;
        if let Some(found) = &mut found {
            match (self.mutant, &found.status) {
                (Some(Mutant::AnyImage), _) => found.images.clear(),
                (Some(Mutant::UnknownIsHealthy), EndpointStatus::Unknown(_)) => {
                    found.status = EndpointStatus::InService;
                }
                (Some(Mutant::InServiceIsSuccess), EndpointStatus::InService) => {
                    found.config = self.asked_last(name).or(found.config.take());
                }
                _ => {}
            }
        }
        self.memory().endpoints.insert(name.to_owned(), found.clone());
        Ok(found)
    }

    async fn changed_since(&self, since: Timestamp) -> Result<Vec<String>, CallError> {
        self.real.changed_since(since).await
    }

    async fn component(&self, name: &str) -> Result<Option<RunningComponent>, CallError> {
        if let Some(known) = self.remembered(|memory| memory.components.get(name).cloned()) {
            return Ok(known);
        }
        let mut found = self.real.component(name).await?;
        if let (Some(Mutant::UnknownIsHealthy), Some(found)) = (self.mutant, &mut found)
            && matches!(found.status, ComponentStatus::Unknown(_))
        {
            found.status = ComponentStatus::InService;
        }
        self.memory().components.insert(name.to_owned(), found.clone());
        Ok(found)
    }

    async fn running_config(&self, name: &str, endpoint: &Endpoint) -> Result<RunningConfig, CallError> {
        self.real.running_config(name, endpoint).await
    }

    async fn model(&self, name: &str) -> Result<Option<RunningModel>, CallError> {
        self.real.model(name).await
    }

    async fn component_limits(&self, name: &str) -> Result<Option<ScalableTarget>, CallError> {
        self.real.component_limits(name).await
    }

    async fn add_tags(&self, arn: &str, tags: &[(String, String)]) -> Result<String, CallError> {
        self.real.add_tags(arn, tags).await
    }

    async fn tags(&self, arn: &str) -> Result<Tags, CallError> {
        Endpoints::tags(self.real.as_ref(), arn).await
    }

    async fn create_model(&self, model: &ModelSpec) -> Result<String, CallError> {
        let mut model = model.clone();
        match self.mutant {
            Some(Mutant::LoseVpc) => model.settings.vpc = None,
            Some(Mutant::LoseRole) => model.settings.execution_role = None,
            _ => {}
        }
        self.classified(self.real.create_model(&model).await)
    }

    async fn create_config(&self, config: &EndpointConfigSpec) -> Result<String, CallError> {
        let mut config = config.clone();
        if self.mutant == Some(Mutant::LoseCapture) {
            config.settings.capture = None;
        }
        self.classified(self.real.create_config(&config).await)
    }

    async fn create_endpoint(
        &self,
        name: &str,
        config: &str,
        tags: &[(String, String)],
    ) -> Result<String, CallError> {
        self.classified(self.real.create_endpoint(name, config, tags).await)
    }

    async fn update_endpoint(
        &self,
        name: &str,
        config: &str,
        rollout: &Rollout,
        keep_instances: bool,
    ) -> Result<String, CallError> {
        self.classified(self.real.update_endpoint(name, config, rollout, keep_instances).await)
    }

    async fn create_component(
        &self,
        component: &Component,
        tags: &[(String, String)],
    ) -> Result<String, CallError> {
        self.classified(self.real.create_component(component, tags).await)
    }

    async fn update_component(&self, component: &Component, keep_copies: bool) -> Result<String, CallError> {
        self.classified(self.real.update_component(component, keep_copies).await)
    }

    async fn delete_endpoint(&self, name: &str) -> Result<String, CallError> {
        self.real.delete_endpoint(name).await
    }

    async fn delete_component(&self, name: &str) -> Result<String, CallError> {
        self.real.delete_component(name).await
    }
}

#[async_trait]
impl Sampler for MutatedPorts {
    async fn ask(
        &self,
        endpoint: &str,
        component: Option<&str>,
        sample: &Sample,
    ) -> Result<Probe, CallError> {
        let answer = Sampler::ask(self.real.as_ref(), endpoint, component, sample).await?;
        Ok(match (self.mutant, answer) {
            (Some(Mutant::NoSample), _) => Probe::Answered(200),
            (Some(Mutant::StartingIsFailed), Probe::NotReady(error)) => Probe::Failed(error),
            (_, answer) => answer,
        })
    }

    async fn enqueue(&self, endpoint: &str, sample: &Sample) -> Result<Probe, CallError> {
        self.real.enqueue(endpoint, sample).await
    }

    async fn find_answer(&self, sample: &QueuedSample) -> Result<Probe, CallError> {
        self.real.find_answer(sample).await
    }
}

#[async_trait]
impl Reports for MutatedPorts {
    async fn read(&self, bucket: &str, key: &str) -> Result<MonitorReport, CallError> {
        let (bucket, key) = bucket.split_once(ORIGINAL_KEY).unwrap_or((bucket, key));
        Ok(match self.real.read(bucket, key).await? {
            MonitorReport::Read(violations) if self.mutant == Some(Mutant::BrokenFeedIsDrift) => {
                let drift = |violation: Violation| Violation {
                    check: "baseline_drift_check".to_owned(),
                    ..violation
                };
                MonitorReport::Read(violations.into_iter().map(drift).collect())
            }
            MonitorReport::Read(violations) if self.mutant == Some(Mutant::BrokenFeedIsHealthy) => {
                let is_drift = |violation: &Violation| violation.check == "baseline_drift_check";
                MonitorReport::Read(violations.into_iter().filter(is_drift).collect())
            }
            MonitorReport::Unreadable(_) if self.mutant == Some(Mutant::UnknownIsHealthy) => {
                MonitorReport::Read(Vec::new())
            }
            report => report,
        })
    }
}

#[async_trait]
impl Metrics for MutatedPorts {
    async fn invocations(
        &self,
        queries: &[InvocationQuery],
        now: Timestamp,
    ) -> Result<Vec<Option<u64>>, CallError> {
        if self.remembers() {
            return Ok(vec![Some(0); queries.len()]);
        }
        let mut counts = self.real.invocations(queries, now).await?;
        if self.mutant == Some(Mutant::UnknownIsHealthy) {
            // Nothing in the window, and something before: what a healthy sleeper would show.
            for (query, count) in queries.iter().zip(&mut counts).filter(|(_, count)| count.is_none()) {
                *count = Some(u64::from(query.window == Window::SinceDeployment));
            }
        }
        Ok(counts)
    }
}
