//! What promote can ask of AWS.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_events::DeploymentRequested;

use super::{EnvironmentStatus, Promotion, State};
use crate::hold;
use crate::people;

/// The life cycle's status of an environment that was asked.
pub(super) const DEPLOYING: &str = "Deploying";
/// Of one that runs the version, while the next one waits.
pub(super) const SOAKING: &str = "Soaking";
/// Of the last one.
pub(super) const DEPLOYED: &str = "Deployed";
/// Of one that does not run it.
pub(super) const FAILED: &str = "Failed";

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Ask an environment to deploy.
    RequestDeployment {
        /// The request, sent as it is.
        request: DeploymentRequested,
    },
    /// Write the progress to the package's life cycle, where the console shows it.
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
    /// Call this function again at a time.
    WakeAt {
        /// The schedule's name; the same decision, the same name.
        name: String,
        /// When.
        at: Timestamp,
        /// The model.
        model: String,
        /// The environment whose soak ends then.
        environment: String,
        /// The version that soaks.
        version: u64,
    },
    /// Tell people.
    Alert {
        /// The subject, at most 100 characters.
        subject: String,
        /// The message.
        message: String,
    },
}

/// Whether an action of a plan that was left behind is still wanted.
#[must_use]
pub fn still_applies(state: &State, action: &Action) -> bool {
    let Some(now) = &state.promotion else { return matches!(action, Action::Alert { .. }) };
    match action {
        Action::RequestDeployment { request } => {
            let asked = |step: &EnvironmentStatus| matches!(step, EnvironmentStatus::Requested { request_id, .. } if *request_id == request.request_id);
            let held = hold::on(&state.holds, &request.environment).is_some();
            !now.stopped && !held && now.environments.get(&request.environment).is_some_and(asked)
        }
        Action::UpdateModelLifeCycle { package_arn, stage, status, .. } => {
            now.package_arn == *package_arn && is_told_by(now, stage, status)
        }
        Action::WakeAt { environment, version, .. } => {
            let soaks = |step: &EnvironmentStatus| matches!(step, EnvironmentStatus::Succeeded { .. });
            !now.stopped && now.version == *version && now.environments.get(environment).is_some_and(soaks)
        }
        // What happened has happened, and nobody was told.
        Action::Alert { .. } => true,
    }
}

/// Whether a note still tells how far a promotion is: one that comes late must not hide what was noted since.
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

impl Action {
    /// Whether it tells people. Nobody can be told that this was refused.
    #[must_use]
    pub fn is_alert(&self) -> bool {
        matches!(self, Self::Alert { .. })
    }

    pub(super) fn note(promotion: &Promotion, stage: &str, status: &str, description: &str) -> Self {
        Self::UpdateModelLifeCycle {
            package_arn: promotion.package_arn.clone(),
            stage: stage.to_owned(),
            status: status.to_owned(),
            description: description.chars().take(1_024).collect(),
        }
    }

    pub(super) fn alert(subject: &str, why: &str, promotion: &Promotion) -> Self {
        Self::Alert {
            subject: people::subject(subject),
            message: format!(
                "{why}.\nPackage: {}\nThe promotion of this version has stopped.\n\
                 To go on: approve another version, or reject and approve this one again.",
                promotion.package_arn
            ),
        }
    }
}
