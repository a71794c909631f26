//! The decision after AWS permanently rejects an action of scale.

use jiff::Timestamp;

use super::{Action, ScaleDecision, State};
use crate::decision::{Decision, Verdict};
use crate::file::Environment;
use crate::people::subject;
use crate::reason::Reason;
use crate::step::Step;

/// The decision after an action of a plan was permanently rejected; `None` if the rest of the plan may continue.
///
/// The state is corrected: after a rejected scale-down the component still has its copies, after a rejected scale-up
/// it still has none. Nothing is changed for the policy's `grace` (down) or `idle` (up), and then it is tried again.
/// People are notified only the first time, until the component is scaled up or a new version is deployed.
///
/// A rejected alert (`Step::Notify`) is not handled here: the invocation must fail, or nobody would be notified.
#[must_use]
pub fn on_rejected(
    environment: &Environment,
    state: &State,
    step: &Step<Action>,
    why: &Reason,
    now: Timestamp,
) -> Option<ScaleDecision> {
    if let Step::Call(
        Action::SetTargetTracking { .. }
        | Action::EnsureBacklogAlarm { .. }
        | Action::RemoveTargetTracking { .. }
        | Action::EnsureInstances { .. },
    ) = step
    {
        return Some(tracking_rejected(environment, state, why, now));
    }
    let down = scales_down(step)?;
    let endpoint = &environment.endpoint.name;
    let (zero_since, meant, so) = if down {
        (None, "could not go to zero", "It keeps its copies, and costs what they cost.")
    } else {
        let so = "Requests find no copy until you set the number of copies yourself.";
        (Some(now), "could not come back from zero", so)
    };
    let message = format!(
        "{why}.\nEndpoint: {endpoint}\nEnvironment: {} ({})\n{so}",
        environment.name, environment.account
    );
    let alert = Step::Notify { subject: subject(&format!("{endpoint} {meant}")), message };
    let last_reason = Some(why.code().to_owned());
    Some(
        Decision::new(Verdict::NoChange, why.clone())
            .evidence("meant", if down { "scale_to_zero" } else { "scale_from_zero" })
            .plan(if state.rejected_at.is_none() { vec![alert] } else { Vec::new() })
            .state(State {
                zero_since,
                last_reason,
                rejected_at: Some(now),
                deferred: None,
                ..state.clone()
            }),
    )
}

/// Whether an action belongs to a scale-down; `None` if it does not change the capacity.
pub(super) fn scales_down(step: &Step<Action>) -> Option<bool> {
    match step {
        Step::Call(
            Action::SetTargetTracking { .. }
            | Action::EnsureBacklogAlarm { .. }
            | Action::RemoveTargetTracking { .. }
            | Action::EnsureInstances { .. },
        )
        | Step::Notify { .. }
        | Step::ScheduleCheck { .. }
        | Step::ReportDeployment { .. }
        | Step::AnswerWaiting { .. }
        | Step::ReportHealth { .. }
        | Step::RequestDeployment { .. }
        | Step::RequestRetraining { .. }
        | Step::ReportRetraining { .. }
        | Step::PublishCommand { .. } => None,
        Step::Call(Action::SetCapacityLimits { min, .. }) => Some(*min == 0),
        Step::Call(Action::SetCopyCount { copies, .. }) => Some(*copies == 0),
        Step::Call(Action::EnsureScaleFromZeroAlarm { .. }) => Some(true),
    }
}

/// The capacity does not follow the traffic. It is tried again after an hour, and people are notified the first time.
fn tracking_rejected(
    environment: &Environment,
    state: &State,
    why: &Reason,
    now: Timestamp,
) -> ScaleDecision {
    let endpoint = &environment.endpoint.name;
    let message = format!(
        "{why}.\nEndpoint: {endpoint}\nEnvironment: {} ({})\nIts capacity does not follow the policy's `scale.target`. \
         It is tried again every hour.",
        environment.name, environment.account
    );
    let alert =
        Step::Notify { subject: subject(&format!("{endpoint} does not follow its traffic")), message };
    let last_reason = Some(why.code().to_owned());
    Decision::new(Verdict::NoChange, why.clone())
        .evidence("meant", "target_tracking")
        .plan(if state.tracking_rejected_at.is_none() { vec![alert] } else { Vec::new() })
        .state(State { tracking: None, tracking_rejected_at: Some(now), last_reason, ..state.clone() })
}
