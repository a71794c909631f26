//! One change, report or waking, for one model.

use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use tidegate_engine::ports::{Alerts, Bus, Registry, Schedules};
use tidegate_engine::{CallError, Case, EngineError};
use tidegate_events::{
    ApprovalGiven, ApprovalStatus, Contract, DeploymentFinished, DeploymentRequested, HoldPlaced,
    HoldReleased, ModelPackageChanged, Wake, to_detail,
};
use tidegate_policy::check::{self, PromoteCause, Violation};
use tidegate_policy::decision::{Decision, Verdict};
use tidegate_policy::file::Policy;
use tidegate_policy::promote::{
    self, Action, Home, Package, State, decide_approval, decide_hold, decide_overdue, decide_package,
    decide_release, decide_report, decide_soak_end, ignorable,
};
use tidegate_policy::reason::Reason;

/// What happened.
pub(crate) enum Cause {
    Package(ModelPackageChanged),
    Report(DeploymentFinished),
    SoakEnded {
        environment: String,
        version: u64,
    },
    Approval(ApprovalGiven),
    Hold(HoldPlaced),
    Release(HoldReleased),
    /// Somebody said what they may not say.
    Stranger {
        from: String,
        why: Reason,
    },
    Sweep,
}

pub(crate) struct PromoteCase {
    pub(crate) policy: Arc<Policy>,
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

    type Snapshot = Option<Package>;

    async fn observe(&self, state: &State, _now: Timestamp) -> Result<Option<Package>, EngineError> {
        Ok(match &self.cause {
            Cause::Package(change)
                if change.approval == ApprovalStatus::Approved
                    && ignorable(state, &self.home, change).is_none() =>
            {
                self.registry.package(&change.arn).await?.map(|found| found.package)
            }
            _ => None,
        })
    }

    fn decide(&self, state: &State, seen: &Option<Package>, now: Timestamp) -> promote::Promote {
        match &self.cause {
            Cause::Package(change) => {
                decide_package(&self.policy, state, &self.home, change, seen.as_ref(), now)
            }
            Cause::Report(report) => decide_report(&self.policy, state, report, now),
            Cause::SoakEnded { environment, version } => {
                decide_soak_end(&self.policy, state, environment, *version, now)
            }
            Cause::Approval(given) => decide_approval(&self.policy, state, given, now),
            Cause::Hold(placed) => decide_hold(&self.policy, state, placed),
            Cause::Release(release) => decide_release(&self.policy, state, release, now),
            Cause::Stranger { from, why } => Decision::of_stranger(from, why.clone()),
            Cause::Sweep => decide_overdue(&self.policy, state, now),
        }
    }

    fn check(
        &self,
        state: &State,
        seen: &Option<Package>,
        decision: &promote::Promote,
        now: Timestamp,
    ) -> Vec<Violation> {
        let cause = match &self.cause {
            Cause::Package(change) => PromoteCause::Package { change, package: seen.as_ref() },
            Cause::Report(report) => PromoteCause::Report(report),
            Cause::Approval(given) => PromoteCause::Approval(given),
            Cause::Hold(placed) => PromoteCause::Hold(placed),
            Cause::Release(release) => PromoteCause::Release(release),
            Cause::Stranger { .. } => PromoteCause::Stranger,
            Cause::SoakEnded { .. } | Cause::Sweep => PromoteCause::Time,
        };
        check::promote(&self.policy, state, &self.home, cause, decision, now)
    }

    fn check_follow_up(&self, state: &State, decision: &promote::Promote, _now: Timestamp) -> Vec<Violation> {
        check::follow_up::promote(state, decision)
    }

    fn requires_recheck(&self, action: &Action) -> bool {
        matches!(action, Action::RequestDeployment { .. })
    }

    /// The registry is asked again: an approval may have been withdrawn since.
    async fn precondition(
        &self,
        _state: &State,
        action: &Action,
        _now: Timestamp,
    ) -> Result<Option<Reason>, EngineError> {
        let Action::RequestDeployment { request } = action else { return Ok(None) };
        Ok(match self.registry.package(&request.package_arn).await? {
            None => Some(Reason::PackageMissing { arn: request.package_arn.clone() }),
            Some(found) if found.package.approval != ApprovalStatus::Approved => {
                let status = found.package.approval.to_string();
                Some(Reason::ApprovalWithdrawn { version: request.version, status })
            }
            Some(_) => None,
        })
    }

    async fn act(&self, action: &Action) -> Result<String, CallError> {
        match action {
            Action::RequestDeployment { request } => {
                self.bus.publish(DeploymentRequested::DETAIL_TYPE, &to_detail(request)).await?;
                Ok(format!("asked {} for version {}", request.environment, request.version))
            }
            Action::UpdateModelLifeCycle { package_arn, stage, status, description } => {
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
                self.alerts.notify(subject, message).await?;
                Ok(format!("told people: {subject}"))
            }
        }
    }

    fn still_applies(&self, state: &State, action: &Action) -> bool {
        promote::still_applies(state, action)
    }

    fn is_alert(&self, action: &Action) -> bool {
        action.is_alert()
    }

    fn refused(
        &self,
        state: &State,
        action: &Action,
        why: &Reason,
        now: Timestamp,
    ) -> Option<promote::Promote> {
        promote::refused(state, action, why, now)
    }

    fn should_record(&self, _state: &State, decision: &promote::Promote) -> bool {
        decision.verdict != Verdict::Ignore
    }
}
