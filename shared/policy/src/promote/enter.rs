//! Entering an environment: the gates and the deployment request.

use jiff::Timestamp;
use tidegate_events::{DeploymentRequested, ScheduledCheck};

use super::action::{DEPLOYING, life_cycle};
use super::gates::{GateInput, GateState, first_closed, seen};
use super::{Action, Blocker, EnvironmentStatus, Inputs, NAME, Promote, Promotion, SeenGate};
use crate::decision::{Decision, Verdict};
use crate::file::{Environment, Policy};
use crate::fingerprint::short;
use crate::reason::Reason;
use crate::step::Step;

/// Requests the promotion's version in an environment, with the reason `why`; or waits for the first closed gate.
pub(super) fn enter_or_wait(
    inputs: &Inputs<'_>,
    mut promotion: Promotion,
    environment: &Environment,
    why: Reason,
) -> Promote {
    let Inputs { policy, state, now, .. } = *inputs;
    let input = GateInput::new(inputs, &promotion, environment);
    let decision = match first_closed(&input) {
        Some(closed) => {
            let seen = seen(&input);
            wait(policy, &mut promotion, environment, closed.state, &seen)
        }
        None => {
            let request = request_for(policy, &promotion, environment, now);
            let requested = EnvironmentStatus::Requested {
                request_id: request.request_id.clone(),
                at: now,
                retries: 0,
                waits_for: None,
            };
            promotion.environments.insert(environment.name.to_string(), requested);
            promotion.blocked_by = None;
            let done = "Tidegate asked for the deployment";
            let progress = life_cycle(&promotion, environment.name.as_str(), DEPLOYING, done);
            Decision::new(Verdict::Deploy, why).plan(vec![Step::RequestDeployment { request }, progress])
        }
    };
    decision.state(state.with(promotion))
}

/// Does the same as [`enter_or_wait`], where the evidence must contain the version and the environment.
pub(super) fn go_on(inputs: &Inputs<'_>, promotion: Promotion, next: &Environment, why: Reason) -> Promote {
    let version = promotion.version;
    enter_or_wait(inputs, promotion, next, why).evidence("version", version).evidence("next", &next.name)
}

/// Records what the promotion waits for. A check is scheduled once and people are requested once, however often the
/// gate is evaluated.
fn wait(
    policy: &Policy,
    promotion: &mut Promotion,
    environment: &Environment,
    gate: GateState,
    seen: &[SeenGate],
) -> Promote {
    let name = environment.name.to_string();
    let blocked = |reason: &Reason, until| Blocker {
        environment: name.clone(),
        reason: reason.code().to_owned(),
        until,
        seen: seen.to_vec(),
    };
    match gate {
        GateState::Open => Decision::new(Verdict::Ignore, Reason::NothingOverdue),
        // Another environment is due first, and the wait recorded for that environment is kept.
        GateState::Closed { reason: reason @ Reason::AwaitingPrevious { .. } } => {
            Decision::new(Verdict::Wait, reason)
        }
        GateState::Closed { reason } => {
            promotion.blocked_by = Some(blocked(&reason, None));
            Decision::new(Verdict::Wait, reason)
        }
        GateState::ClosedForPeople { reason, ask } => {
            promotion.blocked_by = Some(blocked(&reason, None));
            let is_new = promotion.approvals_requested.insert(name.clone());
            Decision::new(Verdict::Wait, reason).plan(is_new.then_some(ask).into_iter().collect())
        }
        GateState::ClosedUntil { reason, until, progress } => {
            let blocker = blocked(&reason, Some(until));
            let is_new = promotion.blocked_by.as_ref() != Some(&blocker);
            promotion.blocked_by = Some(blocker);
            let check = || check_at(policy, promotion, environment, &reason, until);
            let plan = if is_new { [check()].into_iter().chain(progress).collect() } else { Vec::new() };
            Decision::new(Verdict::Wait, reason).plan(plan)
        }
    }
}

/// The scheduled check of a promotion at the time when a gate opens.
fn check_at(
    policy: &Policy,
    promotion: &Promotion,
    environment: &Environment,
    reason: &Reason,
    until: Timestamp,
) -> Step<Action> {
    let (model, version) = (&policy.model, promotion.version);
    Step::ScheduleCheck {
        name: format!("{model}-{}-{version}-{}-{}", environment.name, reason.code(), until.as_second()),
        at: until,
        check: ScheduledCheck {
            function: NAME.to_owned(),
            model: model.to_string(),
            environment: environment.name.to_string(),
            subject: version.to_string(),
        },
    }
}

/// The deployment request for one environment. Its ID is always the same for the same approval.
pub(super) fn request_for(
    policy: &Policy,
    promotion: &Promotion,
    environment: &Environment,
    now: Timestamp,
) -> DeploymentRequested {
    let (model, name) = (policy.model.as_str(), environment.name.as_str());
    let approval = short(&[&promotion.package_arn, &promotion.approved_at.to_string()], 8);
    DeploymentRequested {
        request_id: format!("{model}-{name}-{}-{approval}", promotion.version),
        model: model.to_owned(),
        environment: name.to_owned(),
        environment_account: environment.account.to_string(),
        region: environment.region.to_string(),
        version: promotion.version,
        package_arn: promotion.package_arn.clone(),
        policy_version: policy.version(),
        requested_at: now,
        approved_at: Some(promotion.approved_at),
        artifacts: promotion.artifacts.clone(),
        commanded_at: promotion.command(name).map(|command| command.at),
    }
}
