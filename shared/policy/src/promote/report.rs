//! What an environment reported, the end of a soak, and requests without an answer.

use jiff::{SignedDuration, Timestamp};
use tidegate_events::{DeploymentFinished, DeploymentOutcome};

use super::{Action, Promote, Promotion, State, Step, enter, request_for};
use crate::decision::{Decision, Verdict};
use crate::file::{Environment, Policy};
use crate::reason::Reason;

/// A request that has had no answer for so long is sent again; the environment answers a repeated request with what
/// it knows. Long enough for a slow endpoint, which SageMaker may take half an hour to create.
const ANSWER_WITHIN: SignedDuration = SignedDuration::from_mins(60);

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
        DeploymentOutcome::Succeeded => succeeded(policy, promotion.clone(), environment, now),
        DeploymentOutcome::Failed => {
            let reason = Reason::EnvironmentFailed {
                environment: report.environment.clone(),
                cause: report.detail.clone(),
            };
            failed(promotion.clone(), report, reason, now)
        }
        DeploymentOutcome::RolledBackSilently => {
            let reason = Reason::EnvironmentRolledBack {
                environment: report.environment.clone(),
                cause: report.detail.clone(),
            };
            failed(promotion.clone(), report, reason, now)
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
    let Some(Step::Succeeded { at }) = promotion.steps.get(soaked) else {
        return Decision::new(Verdict::Ignore, Reason::Superseded);
    };
    let Some(next) = policy.environment_after(soaked) else {
        return Decision::new(Verdict::Ignore, Reason::LastEnvironment { environment: soaked.to_owned() });
    };
    if promotion.steps.contains_key(next.name.as_str()) {
        return Decision::new(Verdict::Ignore, Reason::AlreadyPromoting { version });
    }
    // The policy may have changed meanwhile: the soak that counts is the one that it asks for now.
    match soak_end(next, *at) {
        Some(until) if until > now => soaking(policy, promotion.clone(), soaked, until),
        _ => go_on(policy, promotion.clone(), next, Reason::Soaked { previous: soaked.to_owned() }, now),
    }
}

/// Decides what the sweep must heal: a soak whose end nobody announced, a request that nobody answered.
pub fn decide_overdue(policy: &Policy, state: &State, now: Timestamp) -> Promote {
    let nothing = || Decision::new(Verdict::Ignore, Reason::NothingOverdue);
    let Some(promotion) = state.promotion.as_ref().filter(|p| !p.stopped) else { return nothing() };
    for environment in &policy.environments {
        let name = environment.name.as_str();
        match promotion.steps.get(name) {
            Some(Step::Requested { at, .. }) if now.duration_since(*at) >= ANSWER_WITHIN => {
                return ask_again(policy, promotion.clone(), environment, now);
            }
            Some(Step::Succeeded { at }) => {
                let Some(next) = policy.environment_after(name) else { continue };
                let over = soak_end(next, *at).is_none_or(|until| until <= now);
                if over && !promotion.steps.contains_key(next.name.as_str()) {
                    let soaked = Reason::Soaked { previous: name.to_owned() };
                    let decision = go_on(policy, promotion.clone(), next, soaked, now);
                    // What waits for people was said to wait when the environment before succeeded.
                    if decision.verdict != Verdict::Wait {
                        return decision;
                    }
                }
            }
            Some(Step::Requested { .. } | Step::Failed { .. }) | None => {}
        }
    }
    nothing()
}

fn current<'s>(state: &'s State, environment: &str, version: u64) -> Option<&'s Promotion> {
    state
        .promotion
        .as_ref()
        .filter(|p| p.version == version && !p.stopped && p.steps.contains_key(environment))
}

fn succeeded(
    policy: &Policy,
    mut promotion: Promotion,
    environment: &Environment,
    now: Timestamp,
) -> Promote {
    let name = environment.name.as_str();
    promotion.steps.insert(name.to_owned(), Step::Succeeded { at: now });
    let Some(next) = policy.environment_after(name) else {
        let note = Action::note(&promotion, name, "Deployed", "Running in every environment");
        return Decision::new(Verdict::Complete, Reason::LastEnvironment { environment: name.to_owned() })
            .saw("version", promotion.version)
            .plan(vec![note])
            .state(State { promotion: Some(promotion) });
    };
    match soak_end(next, now) {
        Some(until) => soaking(policy, promotion, name, until),
        None => go_on(policy, promotion, next, Reason::PreviousSucceeded { previous: name.to_owned() }, now),
    }
}

fn soak_end(next: &Environment, since: Timestamp) -> Option<Timestamp> {
    let soak = next.gates.soak?;
    Some(since.checked_add(soak.signed()).unwrap_or(Timestamp::MAX))
}

fn soaking(policy: &Policy, promotion: Promotion, soaked: &str, until: Timestamp) -> Promote {
    let wake = Action::WakeAt {
        name: format!("{}-{soaked}-{}-soak-{}", policy.model, promotion.version, until.as_second()),
        at: until,
        model: policy.model.to_string(),
        environment: soaked.to_owned(),
        version: promotion.version,
    };
    let note = Action::note(&promotion, soaked, "Soaking", &format!("Soaks until {until}"));
    Decision::new(Verdict::Wait, Reason::Soaking { until })
        .saw("version", promotion.version)
        .plan(vec![wake, note])
        .state(State { promotion: Some(promotion) })
}

fn go_on(
    policy: &Policy,
    mut promotion: Promotion,
    next: &Environment,
    reason: Reason,
    now: Timestamp,
) -> Promote {
    match enter(policy, &mut promotion, next, now) {
        Ok(plan) => Decision::new(Verdict::Deploy, reason).plan(plan),
        Err(wait) => Decision::new(Verdict::Wait, wait),
    }
    .saw("version", promotion.version)
    .saw("next", &next.name)
    .state(State { promotion: Some(promotion) })
}

fn ask_again(
    policy: &Policy,
    mut promotion: Promotion,
    environment: &Environment,
    now: Timestamp,
) -> Promote {
    let request = request_for(policy, &promotion, environment, now);
    let name = environment.name.to_string();
    promotion.steps.insert(name.clone(), Step::Requested { request_id: request.request_id.clone(), at: now });
    Decision::new(Verdict::Deploy, Reason::NoAnswer { environment: name })
        .saw("version", promotion.version)
        .plan(vec![Action::RequestDeployment { request }])
        .state(State { promotion: Some(promotion) })
}

fn failed(mut promotion: Promotion, report: &DeploymentFinished, reason: Reason, now: Timestamp) -> Promote {
    let step = Step::Failed { at: now, cause: report.reason.clone() };
    promotion.steps.insert(report.environment.clone(), step);
    promotion.stopped = true;
    let subject = format!("{} {} not deployed to {}", report.model, report.version, report.environment);
    let note = Action::note(&promotion, &report.environment, "Failed", &reason.to_string());
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
        .state(State { promotion: Some(promotion) })
}
