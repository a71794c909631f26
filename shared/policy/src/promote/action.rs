//! The AWS calls that promote can plan.

use serde::{Deserialize, Serialize};

use super::{EnvironmentStatus, Promotion, State};
use crate::people;
use crate::step::Step;

/// The life cycle status of an environment whose deployment was requested.
pub(super) const DEPLOYING: &str = "Deploying";
/// The status of an environment that runs the version while the next one waits.
pub(super) const SOAKING: &str = "Soaking";
/// The status of the last environment when it runs the version.
pub(super) const DEPLOYED: &str = "Deployed";
/// The status of an environment that went back to another version.
pub(super) const ROLLED_BACK: &str = "RolledBack";
/// The status of an environment that does not run the version.
pub(super) const FAILED: &str = "Failed";

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Writes the progress to the package's life cycle, which the console shows.
    UpdateModelLifeCycle {
        /// The package.
        package_arn: String,
        /// `Stage`: the environment.
        stage: String,
        /// `StageStatus`.
        status: String,
        /// `StageDescription`, at most 1024 characters.
        description: String,
    },
}

/// Whether an action of an unfinished plan is still needed.
#[must_use]
pub fn still_applies(state: &State, step: &Step<Action>) -> bool {
    let Some(now) = &state.promotion else { return matches!(step, Step::Notify { .. }) };
    match step {
        Step::RequestDeployment { request } => {
            let asked = |step: &EnvironmentStatus| matches!(step, EnvironmentStatus::Requested { request_id, .. } if *request_id == request.request_id);
            let held = state.hold_against(now, &request.environment).is_some();
            !now.stopped && !held && now.environments.get(&request.environment).is_some_and(asked)
        }
        Step::Call(Action::UpdateModelLifeCycle { package_arn, stage, status, .. }) => {
            let replaced = now.rollback.as_ref().filter(|rollback| rollback.from_arn == *package_arn);
            let goes_back = replaced.is_some_and(|rollback| rollback.environments.contains(stage));
            (now.package_arn == *package_arn && is_told_by(now, stage, status))
                || (goes_back && status == ROLLED_BACK)
        }
        Step::ScheduleCheck { check, .. } => !now.stopped && now.version.to_string() == check.subject,
        // The event has happened, and nobody was notified.
        Step::Notify { .. } => true,
        // promote never plans these steps.
        Step::ReportDeployment { .. }
        | Step::AnswerWaiting { .. }
        | Step::ReportHealth { .. }
        | Step::RequestRetraining { .. }
        | Step::ReportRetraining { .. }
        | Step::PublishCommand { .. } => false,
    }
}

/// Whether a life cycle update still matches the promotion. A late update must not overwrite a newer one.
fn is_told_by(now: &Promotion, stage: &str, status: &str) -> bool {
    let Some(step) = now.environments.get(stage) else { return false };
    match (step, status) {
        (EnvironmentStatus::Succeeded { at }, SOAKING) => {
            now.environments.values().all(|other| other.at() <= *at)
        }
        (EnvironmentStatus::Requested { .. }, DEPLOYING) => !now.stopped,
        (EnvironmentStatus::Succeeded { .. }, DEPLOYED) | (EnvironmentStatus::Failed { .. }, FAILED) => true,
        _ => false,
    }
}

/// The life cycle update that shows the progress of a promotion.
pub(super) fn life_cycle(
    promotion: &Promotion,
    stage: &str,
    status: &str,
    description: &str,
) -> Step<Action> {
    life_cycle_of(&promotion.package_arn, stage, status, description)
}

/// The life cycle update of a package.
pub(super) fn life_cycle_of(package_arn: &str, stage: &str, status: &str, description: &str) -> Step<Action> {
    Step::Call(Action::UpdateModelLifeCycle {
        package_arn: package_arn.to_owned(),
        stage: stage.to_owned(),
        status: status.to_owned(),
        description: description.chars().take(1_024).collect(),
    })
}

/// The notification that a promotion has stopped, with what people can do.
pub(super) fn stopped(subject: &str, why: &str, promotion: &Promotion, advice: &str) -> Step<Action> {
    Step::Notify {
        subject: people::subject(subject),
        message: format!(
            "{why}.\nPackage: {}\nThe promotion of this version goes no further.\n{advice}",
            promotion.package_arn
        ),
    }
}
