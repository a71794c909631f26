//! The AWS calls that deploy can plan.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tidegate_events::ScheduledCheck;

use super::{InFlight, Site, State};
use crate::endpoint::{Component, DesiredResources, EndpointConfigSpec, ModelSpec, Rollout};
use crate::file::Environment;
use crate::step::Step;

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Creates the model of a package.
    CreateModel(ModelSpec),
    /// Creates an endpoint configuration.
    CreateEndpointConfig(Box<EndpointConfigSpec>),
    /// Creates the endpoint.
    CreateEndpoint {
        /// Its name.
        name: String,
        /// Its configuration.
        config: String,
        /// Its tags.
        tags: Vec<(String, String)>,
    },
    /// Updates the endpoint to another configuration.
    UpdateEndpoint {
        /// Its name.
        name: String,
        /// The new configuration.
        config: String,
        /// How the update is rolled out.
        rollout: Rollout,
        /// Whether the endpoint keeps its number of instances instead of taking that of the configuration: Application
        /// Auto Scaling has changed it.
        #[serde(default)]
        keep_instances: bool,
    },
    /// Creates the inference component on the endpoint.
    CreateComponent {
        /// The component.
        component: Component,
        /// Its tags.
        #[serde(default)]
        tags: Vec<(String, String)>,
    },
    /// Updates the component to another model.
    UpdateComponent {
        /// The component.
        component: Component,
        /// Whether the component keeps its number of copies: Application Auto Scaling has changed it.
        #[serde(default)]
        keep_copies: bool,
    },
    /// Adds tags to an endpoint or a component: the policy adopts it, or has tags that it does not have yet.
    AddTags {
        /// Its name.
        resource: String,
        /// Its ARN.
        arn: String,
        /// The tags.
        tags: Vec<(String, String)>,
    },
    /// Deletes the endpoint, which failed and never served.
    DeleteEndpoint {
        /// Its name.
        name: String,
        /// When it was created: an endpoint with the same name that was created later is not deleted.
        created: Timestamp,
    },
    /// Deletes the component, which failed and never served, or whose endpoint was deleted.
    DeleteComponent {
        /// Its name.
        name: String,
        /// When it was created.
        created: Timestamp,
    },
}

/// Whether an action of an unfinished plan is still needed: only what the deployment in flight requires, and under a
/// hold nothing is created for it. [`precondition`](super::precondition()) decides whether what serves may be
/// changed.
#[must_use]
pub fn still_applies(environment: Option<&Environment>, state: &State, step: &Step<Action>) -> bool {
    match step {
        // A further check does no harm, the hub knows which report it still waits for, and people must be notified.
        Step::ScheduleCheck { .. }
        | Step::ReportDeployment { .. }
        | Step::Notify { .. }
        | Step::RequestDeployment { .. }
        | Step::AnswerWaiting { .. }
        | Step::ReportHealth { .. }
        | Step::RequestRetraining { .. }
        | Step::ReportRetraining { .. }
        | Step::PublishCommand { .. } => true,
        Step::Call(Action::CreateModel(_) | Action::CreateEndpointConfig(_) | Action::AddTags { .. }) => {
            state.hold().is_none() && is_wanted(environment, state, step)
        }
        Step::Call(
            Action::CreateEndpoint { .. }
            | Action::UpdateEndpoint { .. }
            | Action::CreateComponent { .. }
            | Action::UpdateComponent { .. }
            | Action::DeleteEndpoint { .. }
            | Action::DeleteComponent { .. },
        ) => is_wanted(environment, state, step),
    }
}

/// Whether the deployment in flight requires this SageMaker call.
pub(super) fn is_wanted(environment: Option<&Environment>, state: &State, step: &Step<Action>) -> bool {
    let wanted = environment
        .zip(state.in_flight.as_ref())
        .map(|(environment, in_flight)| DesiredResources::of(environment, &in_flight.request));
    let Some(wanted) = wanted else { return false };
    match step {
        Step::Call(Action::CreateModel(model)) => model.name == wanted.model.name,
        Step::Call(Action::CreateEndpointConfig(config)) => config.name == wanted.config.name,
        Step::Call(Action::CreateEndpoint { config, .. } | Action::UpdateEndpoint { config, .. }) => {
            *config == wanted.config.name
        }
        Step::Call(Action::CreateComponent { component, .. } | Action::UpdateComponent { component, .. }) => {
            wanted.component.as_ref() == Some(component)
        }
        Step::Call(Action::AddTags { resource, .. }) => {
            *resource == wanted.endpoint
                || wanted.component.is_some_and(|component| *resource == component.name)
        }
        Step::Call(Action::DeleteEndpoint { name, .. }) => *name == wanted.endpoint,
        Step::Call(Action::DeleteComponent { name, .. }) => {
            wanted.component.as_ref().is_some_and(|component| component.name == *name)
        }
        Step::ScheduleCheck { .. }
        | Step::ReportDeployment { .. }
        | Step::Notify { .. }
        | Step::RequestDeployment { .. }
        | Step::AnswerWaiting { .. }
        | Step::ReportHealth { .. }
        | Step::RequestRetraining { .. }
        | Step::ReportRetraining { .. }
        | Step::PublishCommand { .. } => false,
    }
}

/// The longest interval between checks: the interval of the sweep, which checks as well.
const SELDOM: SignedDuration = SignedDuration::from_mins(15);

/// The next check of the deployment in flight, for changes that send no event. The interval grows with the number of
/// checks.
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
    check_after(wait, environment, in_flight, now)
}

/// The next check after the shortest interval, however long the deployment is in flight.
pub(super) fn check_soon(
    site: &Site,
    environment: &Environment,
    in_flight: &InFlight,
    now: Timestamp,
) -> Step<Action> {
    check_after(SignedDuration::from_secs(i64::from(site.check_seconds)), environment, in_flight, now)
}

fn check_after(
    wait: SignedDuration,
    environment: &Environment,
    in_flight: &InFlight,
    now: Timestamp,
) -> Step<Action> {
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
