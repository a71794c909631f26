//! What deploy can ask of AWS.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tidegate_events::DeploymentFinished;

use super::{Component, InFlight, Post, Rollout, State, Variant, target};
use crate::file::Environment;

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Make the model of a package.
    CreateModel {
        /// Its name.
        name: String,
        /// The package.
        package_arn: String,
    },
    /// Make an endpoint configuration.
    CreateEndpointConfig {
        /// Its name.
        name: String,
        /// What serves.
        variant: Variant,
    },
    /// Make the endpoint.
    CreateEndpoint {
        /// Its name.
        name: String,
        /// Its configuration.
        config: String,
        /// Its tags.
        tags: Vec<(String, String)>,
    },
    /// Give the endpoint another configuration.
    UpdateEndpoint {
        /// Its name.
        name: String,
        /// The new configuration.
        config: String,
        /// How.
        rollout: Rollout,
    },
    /// Put the model on the endpoint.
    CreateComponent {
        /// The component.
        component: Component,
    },
    /// Give the component another model.
    UpdateComponent {
        /// The component.
        component: Component,
    },
    /// Look again at a time, because no event will come.
    CheckAt {
        /// The schedule's name.
        name: String,
        /// When.
        at: Timestamp,
        /// The model.
        model: String,
        /// The environment.
        environment: String,
        /// The deployment.
        request_id: String,
    },
    /// Tell the hub.
    Report {
        /// The report, sent as it is.
        finished: DeploymentFinished,
    },
    /// Tell people of this account.
    Alert {
        /// The subject, at most 100 characters.
        subject: String,
        /// The message.
        message: String,
    },
}

impl Action {
    /// Whether it tells people. Nobody can be told that this was refused.
    #[must_use]
    pub fn is_alert(&self) -> bool {
        matches!(self, Self::Alert { .. })
    }
}

/// Whether an action of a plan that was left behind is still wanted: only what the deployment in flight asks for, and
/// nothing is made for it under a hold. Whether what serves may be changed, [`last_look`](super::last_look()) says.
#[must_use]
pub fn still_applies(environment: Option<&Environment>, state: &State, action: &Action) -> bool {
    match action {
        // To look again harms nothing, the hub knows which report it still waits for, and people shall know.
        Action::CheckAt { .. } | Action::Report { .. } | Action::Alert { .. } => true,
        Action::CreateModel { .. } | Action::CreateEndpointConfig { .. } => {
            state.hold().is_none() && is_wanted(environment, state, action)
        }
        Action::CreateEndpoint { .. }
        | Action::UpdateEndpoint { .. }
        | Action::CreateComponent { .. }
        | Action::UpdateComponent { .. } => is_wanted(environment, state, action),
    }
}

/// Whether the deployment in flight asks SageMaker for it.
pub(super) fn is_wanted(environment: Option<&Environment>, state: &State, action: &Action) -> bool {
    let wanted = environment
        .zip(state.in_flight.as_ref())
        .map(|(environment, in_flight)| target(environment, &in_flight.request));
    let Some(wanted) = wanted else { return false };
    match action {
        Action::CreateModel { name, .. } => *name == wanted.model,
        Action::CreateEndpointConfig { name: config, .. }
        | Action::CreateEndpoint { config, .. }
        | Action::UpdateEndpoint { config, .. } => *config == wanted.config,
        Action::CreateComponent { component } | Action::UpdateComponent { component } => {
            wanted.component.as_ref() == Some(component)
        }
        Action::CheckAt { .. } | Action::Report { .. } | Action::Alert { .. } => false,
    }
}

/// How far apart the looks become: as far as the sweeps, which look as well.
const SELDOM: SignedDuration = SignedDuration::from_mins(15);

/// The next look at the deployment in flight, at what sends no event. What takes long is looked at less and less often.
pub(super) fn look_again(
    post: &Post,
    environment: &Environment,
    in_flight: &InFlight,
    now: Timestamp,
) -> Action {
    let soon = SignedDuration::from_secs(i64::from(post.check_seconds));
    let InFlight { accepted_at, endpoint_update_requested_at, component_update_requested_at, .. } = in_flight;
    let begun = component_update_requested_at.or(*endpoint_update_requested_at).unwrap_or(*accepted_at);
    let wait = (now.duration_since(begun) / 8).min(SELDOM).max(soon);
    let request_id = in_flight.request.request_id.clone();
    Action::CheckAt {
        name: format!("check-{}-{request_id}", in_flight.checks),
        at: now.checked_add(wait).unwrap_or(Timestamp::MAX),
        model: in_flight.request.model.clone(),
        environment: environment.name.to_string(),
        request_id,
    }
}
