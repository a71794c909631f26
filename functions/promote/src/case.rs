//! One change, report or waking, for one model.

use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use tidegate_engine::ports::{Alerts, Bus, Registry, Schedules};
use tidegate_engine::{CallError, Case, EngineError};
use tidegate_events::{
    ApprovalStatus, Contract, DeploymentFinished, DeploymentRequested, ModelPackageChanged, Wake, to_detail,
};
use tidegate_policy::decision::Verdict;
use tidegate_policy::file::Policy;
use tidegate_policy::promote::{
    self, Action, Home, State, asks_for_nothing, decide_overdue, decide_package, decide_report,
    decide_soak_end,
};

/// What happened.
pub(crate) enum Cause {
    Package(ModelPackageChanged),
    Report(DeploymentFinished),
    SoakEnded { environment: String, version: u64 },
    Sweep,
}

pub(crate) struct PromoteCase {
    pub(crate) policy: Policy,
    pub(crate) home: Home,
    pub(crate) cause: Cause,
    pub(crate) registry: Arc<dyn Registry>,
    pub(crate) alerts: Arc<dyn Alerts>,
    pub(crate) schedules: Arc<dyn Schedules>,
    pub(crate) bus: Arc<dyn Bus>,
}

#[async_trait]
impl Case for PromoteCase {
    type State = State;
    type Action = Action;

    async fn decide(&self, state: State, now: Timestamp) -> Result<promote::Promote, EngineError> {
        Ok(match &self.cause {
            Cause::Package(change) => {
                if let Some(decided) = asks_for_nothing(&state, &self.home, change) {
                    return Ok(decided);
                }
                let package = match change.approval {
                    ApprovalStatus::Approved => self.registry.package(&change.arn).await?.map(|p| p.package),
                    _ => None,
                };
                decide_package(&self.policy, &state, &self.home, change, package.as_ref(), now)
            }
            Cause::Report(report) => decide_report(&self.policy, &state, report, now),
            Cause::SoakEnded { environment, version } => {
                decide_soak_end(&self.policy, &state, environment, *version, now)
            }
            Cause::Sweep => decide_overdue(&self.policy, &state, now),
        })
    }

    async fn act(&self, action: &Action) -> Result<String, CallError> {
        match action {
            Action::RequestDeployment { request } => {
                self.bus.publish(DeploymentRequested::DETAIL_TYPE, &to_detail(request)).await?;
                Ok(format!("asked {} for version {}", request.environment, request.version))
            }
            Action::NoteProgress { package_arn, stage, status, description } => {
                self.registry.note(package_arn, stage, status, description).await?;
                Ok(format!("life cycle of {package_arn}: {stage} {status}"))
            }
            Action::WakeAt { name, at, model, environment, version } => {
                let wake = Wake::SoakEnded {
                    model: model.clone(),
                    environment: environment.clone(),
                    version: *version,
                };
                let mut input = wake.input();
                if let Some(input) = input.as_object_mut() {
                    // The same version may soak again; the end of each soak is an event of its own.
                    input.insert("at".to_owned(), at.to_string().into());
                }
                self.schedules.wake_at(name, *at, &input).await?;
                Ok(format!("will look again at {at}"))
            }
            Action::Alert { subject, message } => {
                self.alerts.tell(subject, message).await?;
                Ok(format!("told people: {subject}"))
            }
        }
    }

    fn stands(&self, state: &State, action: &Action) -> bool {
        promote::stands(state, action)
    }

    fn is_news(&self, _state: &State, decision: &promote::Promote) -> bool {
        decision.verdict != Verdict::Ignore
    }
}
