//! What promote can ask of AWS.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_events::DeploymentRequested;

use super::{Promotion, State, Step};

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
    NoteProgress {
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
pub fn stands(state: &State, action: &Action) -> bool {
    let Some(now) = &state.promotion else { return matches!(action, Action::Alert { .. }) };
    match action {
        Action::RequestDeployment { request } => {
            let asked = |step: &Step| matches!(step, Step::Requested { request_id, .. } if *request_id == request.request_id);
            !now.stopped && now.steps.get(&request.environment).is_some_and(asked)
        }
        Action::NoteProgress { package_arn, .. } => now.package_arn == *package_arn,
        Action::WakeAt { environment, version, .. } => {
            let soaks = |step: &Step| matches!(step, Step::Succeeded { .. });
            !now.stopped && now.version == *version && now.steps.get(environment).is_some_and(soaks)
        }
        // What happened has happened, and nobody was told.
        Action::Alert { .. } => true,
    }
}

impl Action {
    pub(super) fn note(promotion: &Promotion, stage: &str, status: &str, description: &str) -> Self {
        Self::NoteProgress {
            package_arn: promotion.package_arn.clone(),
            stage: stage.to_owned(),
            status: status.to_owned(),
            description: description.chars().take(1_024).collect(),
        }
    }

    pub(super) fn alert(subject: &str, why: &str, promotion: &Promotion) -> Self {
        Self::Alert {
            subject: format!("Tidegate: {subject}").chars().take(100).collect(),
            message: format!(
                "{why}.\nPackage: {}\nThe promotion of this version has stopped.\n\
                 To go on: approve another version, or reject and approve this one again.",
                promotion.package_arn
            ),
        }
    }
}
