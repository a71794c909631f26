//! What deploy can ask of AWS.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tidegate_events::ScheduledCheck;

use super::{InFlight, Site, State};
use crate::endpoint::{Component, DesiredResources, ProductionVariant, Rollout};
use crate::file::Environment;
use crate::step::Step;

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
        variant: ProductionVariant,
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
}

/// Whether an action of a plan that was left behind is still wanted: only what the deployment in flight asks for, and
/// nothing is made for it under a hold. Whether what serves may be changed, [`precondition`](super::precondition()) says.
#[must_use]
pub fn still_applies(environment: Option<&Environment>, state: &State, step: &Step<Action>) -> bool {
    match step {
        // To look again harms nothing, the hub knows which report it still waits for, and people shall know.
        Step::ScheduleCheck { .. }
        | Step::ReportDeployment { .. }
        | Step::Notify { .. }
        | Step::RequestDeployment { .. }
        | Step::RequestRetraining { .. } => true,
        Step::Call(Action::CreateModel { .. } | Action::CreateEndpointConfig { .. }) => {
            state.hold().is_none() && is_wanted(environment, state, step)
        }
        Step::Call(
            Action::CreateEndpoint { .. }
            | Action::UpdateEndpoint { .. }
            | Action::CreateComponent { .. }
            | Action::UpdateComponent { .. },
        ) => is_wanted(environment, state, step),
    }
}

/// Whether the deployment in flight asks SageMaker for it.
pub(super) fn is_wanted(environment: Option<&Environment>, state: &State, step: &Step<Action>) -> bool {
    let wanted = environment
        .zip(state.in_flight.as_ref())
        .map(|(environment, in_flight)| DesiredResources::of(environment, &in_flight.request));
    let Some(wanted) = wanted else { return false };
    match step {
        Step::Call(Action::CreateModel { name, .. }) => *name == wanted.model,
        Step::Call(
            Action::CreateEndpointConfig { name: config, .. }
            | Action::CreateEndpoint { config, .. }
            | Action::UpdateEndpoint { config, .. },
        ) => *config == wanted.config,
        Step::Call(Action::CreateComponent { component } | Action::UpdateComponent { component }) => {
            wanted.component.as_ref() == Some(component)
        }
        Step::ScheduleCheck { .. }
        | Step::ReportDeployment { .. }
        | Step::Notify { .. }
        | Step::RequestDeployment { .. }
        | Step::RequestRetraining { .. } => false,
    }
}

/// How far apart the looks become: as far as the sweeps, which look as well.
const SELDOM: SignedDuration = SignedDuration::from_mins(15);

/// The next look at the deployment in flight, at what sends no event. What takes long is looked at less and less often.
pub(super) fn schedule_check(
    site: &Site,
    environment: &Environment,
    in_flight: &InFlight,
    now: Timestamp,
) -> Step<Action> {
    let soon = SignedDuration::from_secs(i64::from(site.check_seconds));
    let InFlight { accepted_at, endpoint_update_requested_at, component_update_requested_at, .. } = in_flight;
    let begun = component_update_requested_at.or(*endpoint_update_requested_at).unwrap_or(*accepted_at);
    let wait = (now.duration_since(begun) / 8).min(SELDOM).max(soon);
    let request_id = in_flight.request.request_id.clone();
    Step::ScheduleCheck {
        name: format!("check-{}-{request_id}", in_flight.checks),
        at: now.checked_add(wait).unwrap_or(Timestamp::MAX),
        check: ScheduledCheck {
            function: "deploy".to_owned(),
            model: in_flight.request.model.clone(),
            environment: environment.name.to_string(),
            subject: request_id,
        },
    }
}
