//! Applies AWS events to the state of the fake AWS.

use jiff::{SignedDuration, Timestamp};
use tidegate_engine::ports::RegistryPackage;
use tidegate_events::{
    AlarmChanged, AlarmState, Body, CommitPushed, EndpointChanged, EndpointStatus, ExecutionStatus,
    ModelPackageChanged, PackageStatus, PipelineExecutionChanged, RefChange, RefKind,
};
use tidegate_policy::deploy::Endpoint;
use tidegate_policy::promote::Package;

use super::FakeAws;
use super::state::{self, AwsState, Execution, Served};

/// How long a reported execution counts as running if its end is never reported: SageMaker stops a training job after
/// a day unless another limit is set.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

impl FakeAws {
    /// Applies an event. The caller omits events that no policy refers to, so that the state does not grow with them.
    pub fn apply(&self, body: &Body) {
        let mut state = self.state();
        match body {
            Body::CommitPushed(push) => state.pushed(push),
            Body::PipelineExecutionChanged(run) => state.execution(run),
            Body::ModelPackageChanged(change) => state.package_changed(change),
            Body::EndpointChanged(change) => state.endpoint_changed(change),
            Body::AlarmChanged(alarm) => state.alarm(alarm),
            _ => {}
        }
    }
}

impl AwsState {
    fn pushed(&mut self, push: &CommitPushed) {
        if push.ref_kind != RefKind::Branch {
            return;
        }
        let branches = self.heads.of(&push.repository);
        match (&push.change, &push.commit) {
            (RefChange::Deleted, _) => {
                branches.remove(&push.branch);
            }
            (_, Some(commit)) => {
                branches.insert(push.branch.clone(), commit.clone());
            }
            (_, None) => {}
        }
    }

    /// A reported execution is the one that was started here, if there is one that was not reported yet: the fake AWS
    /// invents its ARN, and the event contains the real one.
    fn execution(&mut self, run: &PipelineExecutionChanged) {
        let latest = self.now.checked_add(LONGEST).unwrap_or(self.now);
        let executions = self.executions.of(&run.pipeline);
        if executions.has_ended(&run.execution_arn) {
            return;
        }
        let running = &mut executions.running;
        let reported = running.iter().position(|one| one.arn.eq_ignore_ascii_case(&run.execution_arn));
        let place = reported.or_else(|| running.iter().position(|one| !one.is_reported));
        if let Some(place) = place {
            running.remove(place);
        }
        let arn = run.execution_arn.clone();
        match run.status {
            ExecutionStatus::Executing | ExecutionStatus::Stopping => {
                let name = run.display_name.clone();
                running.push(Execution { arn, name, is_reported: true, until: latest });
            }
            _ => executions.note_end(&arn),
        }
    }

    fn package_changed(&mut self, change: &ModelPackageChanged) {
        let (Some(group), Some(version)) = (&change.group, change.version) else { return };
        let newer_is_known = self.package(&change.arn).is_some_and(|known| {
            matches!((known.seen.last_modified, change.last_modified), (Some(known), Some(now)) if known > now)
        });
        if newer_is_known {
            return;
        }
        // Some events contain no package status; the registry itself always has one.
        let unsaid = change.status == PackageStatus::Unknown(String::new());
        let status = if unsaid { PackageStatus::Completed } else { change.status.clone() };
        let package = Package { approval: change.approval.clone(), status, artifacts: None };
        let seen = RegistryPackage { package, containers: Vec::new(), last_modified: change.last_modified };
        self.put_package(group, version, state::Package { arn: change.arn.clone(), seen });
    }

    fn alarm(&mut self, alarm: &AlarmChanged) {
        if alarm.state == AlarmState::Alarm {
            self.alarms.insert(&alarm.alarm, alarm.clone());
        } else {
            self.alarms.remove(&alarm.alarm);
        }
    }

    fn endpoint_changed(&mut self, change: &EndpointChanged) {
        let name = &change.endpoint;
        let at = change.last_modified.unwrap_or(self.now);
        if change.status == EndpointStatus::Deleted {
            self.endpoints.remove(name);
            return;
        }
        match self.endpoints.get_mut(name) {
            // A late event, or one about a change before the one that was requested here.
            Some(served) if served.endpoint.last_modified.is_some_and(|known| known > at) => {}
            Some(served) => served.apply(change, at),
            None => {
                let endpoint = Endpoint {
                    arn: String::new(),
                    status: change.status.clone(),
                    config: change.config.clone(),
                    pending_config: None,
                    failure: change.failure_reason.clone(),
                    images: Vec::new(),
                    desired_instances: None,
                    created: None,
                    last_modified: Some(at),
                };
                self.endpoints.insert(name, Served { endpoint, ours: false, pending: None });
            }
        }
    }
}

impl Served {
    /// The stream contains the actual result of a deployment, but names may differ here. Therefore only the status
    /// counts, and whether the previous configuration is active again.
    fn apply(&mut self, change: &EndpointChanged, at: Timestamp) {
        let status = change.status.clone();
        let config = match (&status, self.pending.take()) {
            (EndpointStatus::InService, Some(pending)) => {
                let back = change.config.is_some() && change.config == self.endpoint.config;
                if back { self.endpoint.config.clone() } else { Some(pending.config) }
            }
            (EndpointStatus::InService, None) if !self.ours => change.config.clone(),
            (
                EndpointStatus::Failed | EndpointStatus::OutOfService | EndpointStatus::UpdateRollbackFailed,
                _,
            ) => self.endpoint.config.clone(),
            (_, pending) => {
                self.pending = pending;
                self.endpoint.config.clone()
            }
        };
        self.endpoint = Endpoint {
            status,
            config,
            pending_config: self.pending.as_ref().map(|pending| pending.config.clone()),
            failure: change.failure_reason.clone(),
            last_modified: Some(at),
            ..self.endpoint.clone()
        };
    }
}
