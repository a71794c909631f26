//! The sites where a function would receive an event: the hub, or an environment of the policies.

use tidegate_engine::{FunctionSpec, HUB, Scope, Site};
use tidegate_events::{Body, Event, Scheduled};
use tidegate_policy::arn::Arn;
use tidegate_policy::file::Environment;

use super::question::Question;

/// The sites, without duplicates.
pub(super) fn of(question: &Question<'_>, function: &FunctionSpec) -> Vec<Site> {
    let (hub_account, _) = hub_account(question);
    if function.scope == Scope::Hub {
        let environment = question.place.environment.unwrap_or(HUB);
        let account = question.place.account.unwrap_or(&hub_account);
        return vec![Site::new(environment, account, region(question), &hub_account)];
    }
    if let Some(environment) = question.place.environment {
        return vec![named(question, environment, &hub_account)];
    }
    if let Body::DeploymentRequested(request) = &question.event.body {
        let account = question.place.account.unwrap_or(&request.environment_account);
        let region = question.place.region.unwrap_or(&request.region);
        return vec![Site::new(&request.environment, account, region, &hub_account)];
    }
    let mut sites: Vec<Site> = Vec::new();
    for environment in question.policies.iter().flat_map(|policy| &policy.environments) {
        let Environment { name, account, region, .. } = environment;
        let site = Site::new(name.as_str(), account.as_str(), region.as_str(), &hub_account);
        if is_there(question, &site) && !sites.contains(&site) {
            sites.push(site);
        }
    }
    sites
}

/// Whether the event would arrive there: AWS events arrive in their own account, scheduled events where they were
/// created.
fn is_there(question: &Question<'_>, site: &Site) -> bool {
    let envelope = &question.event.envelope;
    let account = question.place.account.unwrap_or(&envelope.account);
    let region = question.place.region.unwrap_or(&envelope.region);
    match &question.event.body {
        // A check that the hub scheduled contains an environment, but arrives in the hub.
        Body::Scheduled(Scheduled::Check(check)) if site.environment != HUB => {
            check.environment == site.environment
        }
        // The hub's account is in the envelope: the event was forwarded.
        Body::RetrainingFinished(report) => {
            report.environment == site.environment && report.environment_account == site.account
        }
        Body::Scheduled(_) => question.place.account.is_none_or(|account| account == site.account),
        _ => account == site.account && region == site.region,
    }
}

/// The environment with the given name; the policies contain its account.
fn named(question: &Question<'_>, name: &str, hub_account: &str) -> Site {
    let known = question.policies.iter().find_map(|policy| policy.environment(name));
    let envelope = &question.event.envelope;
    let account = question.place.account.or(known.map(|known| known.account.as_str()));
    let region = question.place.region.or(known.map(|known| known.region.as_str()));
    Site::new(name, account.unwrap_or(&envelope.account), region.unwrap_or(&envelope.region), hub_account)
}

/// Whether the function belongs to the hub and runs in an account that is only assumed to be the hub's.
pub(super) fn is_guess(question: &Question<'_>, function: &FunctionSpec) -> bool {
    function.scope == Scope::Hub && question.place.account.is_none() && hub_account(question).1
}

/// The hub's account, and whether it is a guess: no policy contains it, but most events do.
fn hub_account(question: &Question<'_>) -> (String, bool) {
    let envelope = &question.event.envelope;
    let responses = &question.setup.responses;
    let approved = responses.newest_approved.as_ref().map(|package| package.arn.as_str());
    let said = question.place.hub_account.map(str::to_owned);
    let seen = || approved.or(responses.running.first().map(String::as_str)).and_then(account_in);
    if let Some(account) = said.or_else(|| hub_of(question.event)).or_else(seen) {
        return (account, false);
    }
    let of_event = Some(envelope.account.clone()).filter(|account| !account.is_empty());
    let first = || question.policies.first()?.environments.first().map(|e| e.account.to_string());
    (of_event.or_else(first).unwrap_or_default(), true)
}

/// The hub's account, if the event shows it: packages are in the hub, and people's commands and repository events
/// arrive there.
fn hub_of(event: &Event) -> Option<String> {
    let account = &event.envelope.account;
    match &event.body {
        Body::DeploymentRequested(request) => account_in(&request.package_arn),
        Body::DeploymentFinished(report) => account_in(&report.package_arn),
        Body::DeploymentWaiting(waiting) => account_in(&waiting.package_arn),
        Body::EndpointHealthChanged(changed) => account_in(&changed.package_arn),
        // respond sends it from its environment, whose account is then in the envelope; other senders send it in the
        // hub.
        Body::RetrainingRequested(asked) => (asked.environment_account != *account).then(|| account.clone()),
        Body::CommitPushed(_)
        | Body::ModelPackageChanged(_)
        | Body::PipelineExecutionChanged(_)
        | Body::RetrainingFinished(_)
        | Body::ApprovalGiven(_)
        | Body::HoldPlaced(_)
        | Body::HoldReleased(_)
        | Body::RollbackRequested(_)
        | Body::PromotionForced(_)
        | Body::FreezePlaced(_)
        | Body::FreezeLifted(_)
        | Body::GateReported(_)
        | Body::Command(_) => Some(account.clone()),
        Body::EndpointChanged(_)
        | Body::AlarmChanged(_)
        | Body::ObjectCreated(_)
        | Body::HealthEvent(_)
        | Body::DriftObserved(_)
        | Body::Tick(_)
        | Body::Scheduled(_)
        | Body::Other => None,
    }
}

fn account_in(arn: &str) -> Option<String> {
    Arn::parse(arn).map(|arn| arn.account.clone())
}

/// The hub's region: that of the event, or that of the first environment.
fn region<'q>(question: &'q Question<'_>) -> &'q str {
    let of_event = Some(question.event.envelope.region.as_str()).filter(|region| !region.is_empty());
    let first = || question.policies.first()?.environments.first().map(|e| e.region.as_str());
    question.place.region.or(of_event).or_else(first).unwrap_or_default()
}
