//! What follows when AWS refuses an action of scale's for good.

use jiff::Timestamp;

use super::{Action, ScaleDecision, State};
use crate::decision::{Decision, Verdict};
use crate::file::Environment;
use crate::people::subject;
use crate::reason::Reason;
use crate::step::Step;

/// What follows when an action of a plan was refused for good; `None` if the rest of the plan may go on.
///
/// The state says again what is true: on the way down the component still has its copies, on the way up it still has
/// none. It is then left alone for the policy's `grace` (down) or `idle` (up), and tried again after that. People are told
/// the first time only, until it comes back or a new version is deployed.
///
/// A refused alert has no answer here ([`Action::is_alert`]): the invocation must fail, or nobody would ever know.
#[must_use]
pub fn on_rejected(
    environment: &Environment,
    state: &State,
    step: &Step<Action>,
    why: &Reason,
    now: Timestamp,
) -> Option<ScaleDecision> {
    let down = match step {
        Step::Notify { .. }
        | Step::ScheduleCheck { .. }
        | Step::ReportDeployment { .. }
        | Step::RequestDeployment { .. }
        | Step::RequestRetraining { .. } => return None,
        Step::Call(Action::SetCapacityLimits { min, .. }) => *min == 0,
        Step::Call(Action::SetCopyCount { copies, .. }) => *copies == 0,
        Step::Call(Action::EnsureScaleFromZeroAlarm { .. }) => true,
    };
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
            .state(State { zero_since, last_reason, rejected_at: Some(now), ..state.clone() }),
    )
}
