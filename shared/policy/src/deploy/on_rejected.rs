//! The decision after AWS permanently rejects an action of deploy.

use jiff::Timestamp;
use tidegate_events::{DeploymentFinished, DeploymentOutcome, EndpointHealthChanged};

use super::action::is_wanted;
use super::end::{ended, report};
use super::{Action, Deploy, InFlight, State};
use crate::decision::{Decision, Verdict};
use crate::file::Environment;
use crate::people::subject;
use crate::reason::Reason;
use crate::step::Step;

/// The decision after an action of a plan was permanently rejected; `None` if the rest of the plan may continue.
///
/// * A rejected SageMaker call ends the deployment: the hub receives a report that it failed, and notifies people.
/// * A report that cannot be sent stays in the state: the hub sends its request again and then receives the report.
///   People of this account are notified, because the hub does not have the report yet.
/// * If the hub cannot be told of the health of a live version, people of this account are notified.
/// * If a scheduled check cannot be created, the sweep replaces it.
/// * A rejected alert (`Step::Notify`) is not handled here: the invocation must fail, or nobody would be notified.
#[must_use]
pub fn on_rejected(
    environment: &Environment,
    state: &State,
    step: &Step<Action>,
    why: &Reason,
    now: Timestamp,
) -> Option<Deploy> {
    match step {
        Step::ScheduleCheck { .. }
        | Step::Notify { .. }
        | Step::RequestDeployment { .. }
        | Step::AnswerWaiting { .. }
        | Step::RequestRetraining { .. }
        | Step::ReportRetraining { .. }
        | Step::PublishCommand { .. } => None,
        Step::ReportHealth { changed } => Some(health_not_reported(state, changed, why)),
        Step::ReportDeployment { finished } => Some(not_reported(state, finished, why)),
        Step::Call(
            Action::CreateModel(_)
            | Action::CreateEndpointConfig(_)
            | Action::CreateEndpoint { .. }
            | Action::UpdateEndpoint { .. }
            | Action::CreateComponent { .. }
            | Action::UpdateComponent { .. }
            | Action::AddTags { .. }
            | Action::DeleteEndpoint { .. }
            | Action::DeleteComponent { .. },
        ) => {
            // Another deployment has replaced the one that this plan belongs to.
            let in_flight = state.in_flight.as_ref().filter(|_| is_wanted(Some(environment), state, step))?;
            // The component is the last call of a plan: neither it nor its number of copies was changed.
            let untold = InFlight { component_update_requested_at: None, ..in_flight.clone() };
            let state = State { in_flight: Some(untold), ..state.clone() };
            Some(failed(environment, &state, in_flight, why, now))
        }
    }
}

fn failed(
    environment: &Environment,
    state: &State,
    in_flight: &InFlight,
    why: &Reason,
    now: Timestamp,
) -> Deploy {
    let request = &in_flight.request;
    let finished = report(environment, request, (DeploymentOutcome::Failed, why), None, now);
    let state = ended(state, &finished, None);
    Decision::new(Verdict::Failed, why.clone())
        .evidence("version", request.version)
        .plan(vec![Step::ReportDeployment { finished }])
        .state(state)
}

/// A promotion of this version that soaks here does not stop, because the hub does not know.
fn health_not_reported(state: &State, changed: &EndpointHealthChanged, why: &Reason) -> Deploy {
    let EndpointHealthChanged { model, environment, version, health, detail, .. } = changed;
    let message = format!(
        "{why}.\nThe hub could not be told that version {version} of {model} in {environment} is {health}: \
         {detail}.\nIf the version soaks there, its promotion goes on. To stop it, place a hold on the model, or reject \
         the version in the registry."
    );
    let subject = subject(&format!("the hub knows nothing of {model} {version} in {environment}"));
    Decision::new(Verdict::Reject, why.clone())
        .evidence("health", health)
        .plan(vec![Step::Notify { subject, message }])
        .state(state.clone())
}

fn not_reported(state: &State, finished: &DeploymentFinished, why: &Reason) -> Deploy {
    let DeploymentFinished { model, environment, version, outcome, detail, .. } = finished;
    let message = format!(
        "{why}.\nThe hub could not be told that version {version} of {model} in {environment} {}: {detail}.\nIt asks \
         again within the hour and is told then; until it knows, the promotion waits.",
        match outcome {
            DeploymentOutcome::Succeeded => "was deployed",
            DeploymentOutcome::Failed => "failed",
            DeploymentOutcome::FailedToStart => "did not start",
            DeploymentOutcome::VerificationFailed => "is in service, and did not pass the verification",
            DeploymentOutcome::RolledBackSilently => "was rolled back silently",
            DeploymentOutcome::RolledBackByAlarm => "was rolled back by an alarm",
        }
    );
    let subject = subject(&format!("the hub knows nothing of {model} {version} in {environment}"));
    Decision::new(Verdict::Reject, why.clone())
        .evidence("request_id", &finished.request_id)
        .plan(vec![Step::Notify { subject, message }])
        .state(state.clone())
}
