//! Reports from environments, and the end of a soak.

use tidegate_events::{DeploymentFinished, DeploymentOutcome, DeploymentWaiting};

use super::action::{life_cycle, stopped};
use super::advice::after_failure;
use super::due::due;
use super::enter::go_on;
use super::rollback::{self, From};
use super::{Action, EnvironmentStatus, Inputs, Promote, Promotion, Rollback, State, WaitsFor};
use crate::decision::{Decision, Verdict};
use crate::file::{Environment, Response};
use crate::people::subject;
use crate::reason::Reason;
use crate::step::Step;

/// Decides about an environment's report.
pub(super) fn decide_report(inputs: &Inputs<'_>, report: &DeploymentFinished) -> Promote {
    let Inputs { policy, state, .. } = *inputs;
    let name = &report.environment;
    let Some(environment) = policy.environment(name) else {
        return Decision::new(Verdict::Ignore, Reason::EnvironmentNotInPolicy { environment: name.clone() });
    };
    if environment.account.as_str() != report.environment_account {
        let wanted = format!("account {}", environment.account);
        return Decision::new(Verdict::Reject, Reason::OtherEnvironment { wanted });
    }
    let answered = answered(state, report.version, name, &report.request_id);
    match (answered, bad_news(report)) {
        (Ok(promotion), None) => succeeded(inputs, promotion.clone(), environment),
        (Ok(promotion), Some(news)) => failed(inputs, promotion.clone(), report, environment, news),
        (Err(why), news) => {
            // The promotion has ended, but people are still notified of a failure in an environment.
            let news = news.filter(|_| why == Reason::Superseded);
            Decision::new(Verdict::Ignore, why)
                .evidence("reported_version", report.version)
                .plan(news.map(|news| late(report, &news)).into_iter().collect())
        }
    }
}

/// Decides about an environment's answer that its deployment has not ended: it is stored, and the request is sent again
/// later.
pub(super) fn decide_waiting(inputs: &Inputs<'_>, said: &DeploymentWaiting) -> Promote {
    let Inputs { policy, state, now, .. } = *inputs;
    let name = &said.environment;
    let Some(environment) = policy.environment(name) else {
        return Decision::new(Verdict::Ignore, Reason::EnvironmentNotInPolicy { environment: name.clone() });
    };
    if environment.account.as_str() != said.environment_account {
        let wanted = format!("account {}", environment.account);
        return Decision::new(Verdict::Reject, Reason::OtherEnvironment { wanted });
    }
    let mut promotion = match answered(state, said.version, name, &said.request_id) {
        Ok(promotion) => promotion.clone(),
        Err(why) => return Decision::new(Verdict::Ignore, why).evidence("reported_version", said.version),
    };
    if let Some(EnvironmentStatus::Requested { waits_for, .. }) = promotion.environments.get_mut(name) {
        *waits_for = Some(WaitsFor { detail: said.detail.clone(), at: now });
    }
    Decision::new(
        Verdict::Wait,
        Reason::EnvironmentWaits { environment: name.clone(), cause: said.detail.clone() },
    )
    .evidence("version", said.version)
    .evidence("accepted_at", said.accepted_at)
    .state(state.with(promotion))
}

/// The promotion that waits for an answer to this exact request; otherwise the reason why none does.
fn answered<'s>(
    state: &'s State,
    version: u64,
    environment: &str,
    request: &str,
) -> Result<&'s Promotion, Reason> {
    let promotion = state.promotion.as_ref().filter(|promotion| promotion.version == version);
    let promotion = promotion.ok_or(Reason::Superseded)?;
    match promotion.environments.get(environment) {
        Some(EnvironmentStatus::Requested { request_id, .. })
            if *request_id == request && !promotion.stopped =>
        {
            Ok(promotion)
        }
        Some(EnvironmentStatus::Succeeded { .. } | EnvironmentStatus::Failed { .. }) => {
            Err(Reason::AlreadyReported)
        }
        Some(EnvironmentStatus::Requested { .. }) | None => Err(Reason::Superseded),
    }
}

/// The reported failure, if there is one.
fn bad_news(report: &DeploymentFinished) -> Option<Reason> {
    let (environment, cause) = (report.environment.clone(), report.detail.clone());
    match report.outcome {
        DeploymentOutcome::Succeeded => None,
        DeploymentOutcome::Failed | DeploymentOutcome::FailedToStart => {
            Some(Reason::EnvironmentFailed { environment, cause })
        }
        DeploymentOutcome::VerificationFailed => Some(Reason::EnvironmentNotVerified { environment, cause }),
        DeploymentOutcome::RolledBackByAlarm => {
            Some(Reason::EnvironmentRolledBackByAlarm { environment, cause })
        }
        DeploymentOutcome::RolledBackSilently => Some(Reason::EnvironmentRolledBack { environment, cause }),
    }
}

/// Notifies people of a failure that no promotion waits for.
fn late(report: &DeploymentFinished, news: &Reason) -> Step<Action> {
    let running = report.running_config.as_deref().unwrap_or("unknown");
    let message = format!(
        "{news}.\nPackage: {}\nThe endpoint runs: {running}\nNo promotion waits for this report any more: another \
         has taken its place, or this one was stopped before. Nothing was changed because of it.",
        report.package_arn
    );
    Step::Notify { subject: subject(&subject_of(report)), message }
}

fn subject_of(report: &DeploymentFinished) -> String {
    format!("{} {} not deployed to {}", report.model, report.version, report.environment)
}

/// Decides at a scheduled check of a version, when its wait should be over.
pub(super) fn decide_check(inputs: &Inputs<'_>, version: u64) -> Promote {
    let Inputs { policy, state, .. } = *inputs;
    let promotion = state.promotion.as_ref().filter(|p| p.version == version && !p.stopped);
    let Some(promotion) = promotion else { return Decision::new(Verdict::Ignore, Reason::Superseded) };
    // The policy may have changed in the meantime: the current order and the current gates count.
    match due(policy, promotion).filter(|due| !due.is_asked(promotion)) {
        Some(due) => {
            let why = due.why(version);
            go_on(inputs, promotion.clone(), due.next, why)
        }
        None => Decision::new(Verdict::Ignore, Reason::AlreadyPromoting { version }),
    }
}

fn succeeded(inputs: &Inputs<'_>, mut promotion: Promotion, environment: &Environment) -> Promote {
    let Inputs { policy, now, .. } = *inputs;
    let name = environment.name.as_str();
    promotion.environments.insert(name.to_owned(), EnvironmentStatus::Succeeded { at: now });
    let mut state = inputs.state.clone();
    state.remember_success(name, &promotion, now);
    let (state, inputs) = (&state, &Inputs { state: &state, ..*inputs });
    let Some(due) = due(policy, &promotion) else {
        if let Some(back) = &promotion.rollback {
            return went_back(state, &promotion, back, name);
        }
        let note = life_cycle(&promotion, name, super::action::DEPLOYED, "Running in every environment");
        return Decision::new(Verdict::Complete, Reason::LastEnvironment { environment: name.to_owned() })
            .evidence("version", promotion.version)
            .plan(vec![note])
            .state(state.with(promotion));
    };
    if due.is_asked(&promotion) {
        let why = Reason::AwaitingPrevious { previous: due.next.name.to_string() };
        return Decision::new(Verdict::Wait, why)
            .evidence("version", promotion.version)
            .state(state.with(promotion));
    }
    let why = Reason::PreviousSucceeded { previous: name.to_owned() };
    go_on(inputs, promotion, due.next, why)
}

/// The last environment that goes back serves the earlier version.
fn went_back(state: &State, promotion: &Promotion, back: &Rollback, name: &str) -> Promote {
    let places = back.environments.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let description = format!("Took the place of version {}", back.from);
    let note = life_cycle(promotion, name, super::action::DEPLOYED, &description);
    Decision::new(Verdict::Complete, Reason::RollbackComplete { from: back.from, environments: places })
        .evidence("version", promotion.version)
        .plan(vec![note])
        .state(state.with(promotion.clone()))
}

/// Whether the version serves although it failed its verification.
pub(super) fn serves_unverified(report: &DeploymentFinished) -> bool {
    report.outcome == DeploymentOutcome::VerificationFailed
}

fn failed(
    inputs: &Inputs<'_>,
    mut promotion: Promotion,
    report: &DeploymentFinished,
    environment: &Environment,
    reason: Reason,
) -> Promote {
    let Inputs { policy, state, seen, now } = *inputs;
    let step = EnvironmentStatus::Failed { at: now, cause: report.reason.clone() };
    promotion.environments.insert(report.environment.clone(), step);
    promotion.stopped = true;
    let next = state.with(promotion.clone());
    let mut advice = after_failure(policy, &next, &promotion, report, seen.earlier.as_ref());
    let mut no_rollback = None;
    if serves_unverified(report) && environment.rollback.on_failure == Response::RollBack {
        let from = From {
            version: promotion.version,
            package_arn: &promotion.package_arn,
            cause: reason.to_string(),
        };
        match rollback::by_policy(&Inputs { state: &next, ..*inputs }, environment, &from) {
            Ok(decision) => return decision.evidence("failed", &report.reason),
            Err(why) => {
                advice = format!("The environment does not go back without a person: {why}.\n{advice}");
                no_rollback = Some(why.code());
            }
        }
    }
    let note = life_cycle(&promotion, &report.environment, super::action::FAILED, &reason.to_string());
    let alert = stopped(&subject_of(report), &reason.to_string(), &promotion, &advice);
    let unknown = || "unknown".to_owned();
    Decision::new(Verdict::Stop, reason)
        .evidence_vs(
            "running_config",
            report.running_config.clone().unwrap_or_else(unknown),
            report.requested_config.clone().unwrap_or_else(unknown),
        )
        .evidence_if("no_rollback", no_rollback)
        // The alert comes first: a registry that rejects the life cycle update must not prevent it.
        .plan(vec![alert, note])
        .state(next)
}
