//! What follows when AWS refuses an action of deploy's for good.

use jiff::Timestamp;
use tidegate_events::{DeploymentFinished, DeploymentOutcome};

use super::action::is_wanted;
use super::end::{ended, report};
use super::{Action, Deploy, InFlight, State};
use crate::decision::{Decision, Verdict};
use crate::file::Environment;
use crate::people::subject;
use crate::reason::Reason;
use crate::step::Step;

/// What follows when an action of a plan was refused for good; `None` if the rest of the plan may go on.
///
/// * What SageMaker refuses ends the deployment: the hub hears that it failed, and tells people.
/// * A report that cannot be sent stays remembered: the hub asks again, and gets it then. People of this account are
///   told, because the hub knows nothing yet.
/// * A look that cannot be set is made up for by the sweep.
/// * A refused alert has no answer here ([`Action::is_alert`]): the invocation must fail, or nobody would ever know.
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
        | Step::RequestRetraining { .. } => None,
        Step::ReportDeployment { finished } => Some(not_reported(state, finished, why)),
        Step::Call(
            Action::CreateModel { .. }
            | Action::CreateEndpointConfig { .. }
            | Action::CreateEndpoint { .. }
            | Action::UpdateEndpoint { .. }
            | Action::CreateComponent { .. }
            | Action::UpdateComponent { .. },
        ) => {
            // Another deployment has taken the place of the one whose plan this was.
            let in_flight = state.in_flight.as_ref().filter(|_| is_wanted(Some(environment), state, step))?;
            // The component comes last: neither it nor its copies were changed.
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

fn not_reported(state: &State, finished: &DeploymentFinished, why: &Reason) -> Deploy {
    let DeploymentFinished { model, environment, version, outcome, detail, .. } = finished;
    let message = format!(
        "{why}.\nThe hub could not be told that version {version} of {model} in {environment} {}: {detail}.\nIt asks \
         again within the hour and is told then; until it knows, the promotion waits.",
        match outcome {
            DeploymentOutcome::Succeeded => "was deployed",
            DeploymentOutcome::Failed => "failed",
            DeploymentOutcome::RolledBackSilently => "rolled back silently",
        }
    );
    let subject = subject(&format!("the hub knows nothing of {model} {version} in {environment}"));
    Decision::new(Verdict::Reject, why.clone())
        .evidence("request_id", &finished.request_id)
        .plan(vec![Step::Notify { subject, message }])
        .state(state.clone())
}
