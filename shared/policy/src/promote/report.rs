//! What an environment reported, and the end of a soak.

use jiff::Timestamp;
use tidegate_events::{DeploymentFinished, DeploymentOutcome};

use super::due::{Due, due};
use super::enter::enter;
use super::{Action, Promote, Promotion, State, Step};
use crate::decision::{Decision, Verdict};
use crate::file::{Environment, Policy};
use crate::reason::Reason;

/// Decides about an environment's report.
pub fn decide_report(policy: &Policy, state: &State, report: &DeploymentFinished, now: Timestamp) -> Promote {
    let Some(promotion) = current(state, &report.environment, report.version) else {
        return Decision::new(Verdict::Ignore, Reason::Superseded).saw("reported_version", report.version);
    };
    let Some(environment) = policy.environment(&report.environment) else {
        return Decision::new(
            Verdict::Ignore,
            Reason::EnvironmentGone { environment: report.environment.clone() },
        );
    };
    if environment.account.as_str() != report.environment_account {
        let wanted = format!("account {}", environment.account);
        return Decision::new(Verdict::Refuse, Reason::OtherEnvironment { wanted });
    }
    match promotion.steps.get(&report.environment) {
        Some(Step::Requested { request_id, .. }) if *request_id == report.request_id => {}
        Some(Step::Requested { .. }) => return Decision::new(Verdict::Ignore, Reason::Superseded),
        Some(Step::Succeeded { .. } | Step::Failed { .. }) => {
            return Decision::new(Verdict::Ignore, Reason::AlreadyReported);
        }
        None => return Decision::new(Verdict::Ignore, Reason::Superseded),
    }
    match report.outcome {
        DeploymentOutcome::Succeeded => succeeded(policy, state, promotion.clone(), environment, now),
        DeploymentOutcome::Failed => {
            let reason = Reason::EnvironmentFailed {
                environment: report.environment.clone(),
                cause: report.detail.clone(),
            };
            failed(state, promotion.clone(), report, reason, now)
        }
        DeploymentOutcome::RolledBackSilently => {
            let reason = Reason::EnvironmentRolledBack {
                environment: report.environment.clone(),
                cause: report.detail.clone(),
            };
            failed(state, promotion.clone(), report, reason, now)
        }
    }
}

/// Decides when a soak in `soaked` should be over.
pub fn decide_soak_end(
    policy: &Policy,
    state: &State,
    soaked: &str,
    version: u64,
    now: Timestamp,
) -> Promote {
    let Some(promotion) = current(state, soaked, version) else {
        return Decision::new(Verdict::Ignore, Reason::Superseded);
    };
    let Some(Step::Succeeded { .. }) = promotion.steps.get(soaked) else {
        return Decision::new(Verdict::Ignore, Reason::Superseded);
    };
    if policy.environments.last().is_some_and(|last| last.name.as_str() == soaked) {
        return Decision::new(Verdict::Ignore, Reason::LastEnvironment { environment: soaked.to_owned() });
    }
    // The policy may have changed meanwhile: the order and the soak that count are those that it asks for now.
    match due(policy, promotion) {
        Some(due) if due.is_asked(promotion) => {
            Decision::new(Verdict::Ignore, Reason::AlreadyPromoting { version })
        }
        Some(due) => enter_when_soaked(policy, state, promotion.clone(), &due, soaked, now),
        None => Decision::new(Verdict::Ignore, Reason::AlreadyPromoting { version }),
    }
}

/// Enters what is due, unless the soak before it runs.
fn enter_when_soaked(
    policy: &Policy,
    state: &State,
    promotion: Promotion,
    due: &Due<'_>,
    soaked: &str,
    now: Timestamp,
) -> Promote {
    match (due.soaks_until(now), due.previous) {
        (Some(until), Some((previous, _))) => {
            soaking(policy, state, promotion, previous.name.as_str(), until)
        }
        _ => {
            let why = Reason::Soaked { previous: soaked.to_owned() };
            go_on(policy, state, promotion, due.next, why, now)
        }
    }
}

fn current<'s>(state: &'s State, environment: &str, version: u64) -> Option<&'s Promotion> {
    state
        .promotion
        .as_ref()
        .filter(|p| p.version == version && !p.stopped && p.steps.contains_key(environment))
}

fn succeeded(
    policy: &Policy,
    state: &State,
    mut promotion: Promotion,
    environment: &Environment,
    now: Timestamp,
) -> Promote {
    let name = environment.name.as_str();
    promotion.steps.insert(name.to_owned(), Step::Succeeded { at: now });
    let Some(due) = due(policy, &promotion) else {
        let note = Action::note(&promotion, name, super::actions::DEPLOYED, "Running in every environment");
        return Decision::new(Verdict::Complete, Reason::LastEnvironment { environment: name.to_owned() })
            .saw("version", promotion.version)
            .plan(vec![note])
            .state(state.with(promotion));
    };
    match (due.soaks_until(now), due.previous) {
        _ if due.is_asked(&promotion) => {
            let why = Reason::AwaitingPrevious { previous: due.next.name.to_string() };
            Decision::new(Verdict::Wait, why).saw("version", promotion.version).state(state.with(promotion))
        }
        (Some(until), Some((previous, _))) => {
            soaking(policy, state, promotion, previous.name.as_str(), until)
        }
        _ => {
            let why = Reason::PreviousSucceeded { previous: name.to_owned() };
            go_on(policy, state, promotion, due.next, why, now)
        }
    }
}

fn soaking(policy: &Policy, state: &State, promotion: Promotion, soaked: &str, until: Timestamp) -> Promote {
    let wake = Action::WakeAt {
        name: format!("{}-{soaked}-{}-soak-{}", policy.model, promotion.version, until.as_second()),
        at: until,
        model: policy.model.to_string(),
        environment: soaked.to_owned(),
        version: promotion.version,
    };
    let note = Action::note(&promotion, soaked, super::actions::SOAKING, &format!("Soaks until {until}"));
    Decision::new(Verdict::Wait, Reason::Soaking { until })
        .saw("version", promotion.version)
        .plan(vec![wake, note])
        .state(state.with(promotion))
}

fn go_on(
    policy: &Policy,
    state: &State,
    promotion: Promotion,
    next: &Environment,
    why: Reason,
    now: Timestamp,
) -> Promote {
    let version = promotion.version;
    enter(policy, state, promotion, next, why, now).saw("version", version).saw("next", &next.name)
}

fn failed(
    state: &State,
    mut promotion: Promotion,
    report: &DeploymentFinished,
    reason: Reason,
    now: Timestamp,
) -> Promote {
    let step = Step::Failed { at: now, cause: report.reason.clone() };
    promotion.steps.insert(report.environment.clone(), step);
    promotion.stopped = true;
    let subject = format!("{} {} not deployed to {}", report.model, report.version, report.environment);
    let note = Action::note(&promotion, &report.environment, super::actions::FAILED, &reason.to_string());
    let alert = Action::alert(&subject, &reason.to_string(), &promotion);
    let unknown = || "unknown".to_owned();
    Decision::new(Verdict::Stop, reason)
        .compared(
            "running_config",
            report.running_config.clone().unwrap_or_else(unknown),
            report.requested_config.clone().unwrap_or_else(unknown),
        )
        // People first: a registry that takes no note must not keep it from them.
        .plan(vec![alert, note])
        .state(state.with(promotion))
}
