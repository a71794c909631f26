//! Where a function would get an event: in the hub, or in an environment of the policies.

use tidegate_events::{Body, Wake};
use tidegate_policy::arn::Arn;

use super::Question;
use crate::{Function, HUB, Site};

/// The places, without repetition.
pub(super) fn of(question: &Question<'_>, function: Function) -> Vec<Site> {
    let hub_account = hub_account(question);
    if function.is_hubs() {
        return vec![Site {
            environment: question.place.environment.unwrap_or(HUB).to_owned(),
            account: question.place.account.unwrap_or(&hub_account).to_owned(),
            region: region(question).to_owned(),
            hub_account,
        }];
    }
    if let Some(environment) = question.place.environment {
        return vec![named(question, environment, hub_account)];
    }
    if let Body::DeploymentRequested(request) = &question.event.body {
        return vec![Site {
            environment: request.environment.clone(),
            account: question.place.account.unwrap_or(&request.environment_account).to_owned(),
            region: question.place.region.unwrap_or(&request.region).to_owned(),
            hub_account,
        }];
    }
    let mut sites: Vec<Site> = Vec::new();
    for environment in question.policies.iter().flat_map(|policy| &policy.environments) {
        let site = Site {
            environment: environment.name.to_string(),
            account: environment.account.to_string(),
            region: environment.region.to_string(),
            hub_account: hub_account.clone(),
        };
        if is_there(question, &site) && !sites.contains(&site) {
            sites.push(site);
        }
    }
    sites
}

/// Whether the event would arrive there: AWS's events arrive in their own account, wakes where they were set.
fn is_there(question: &Question<'_>, site: &Site) -> bool {
    let envelope = &question.event.envelope;
    let account = question.place.account.unwrap_or(&envelope.account);
    let region = question.place.region.unwrap_or(&envelope.region);
    match &question.event.body {
        Body::Wake(Wake::CheckDeployment { environment, .. } | Wake::CheckDrift { environment, .. }) => {
            *environment == site.environment
        }
        Body::Wake(_) => question.place.account.is_none_or(|account| account == site.account),
        _ => account == site.account && region == site.region,
    }
}

/// The environment of that name: the policies say in which account it is.
fn named(question: &Question<'_>, name: &str, hub_account: String) -> Site {
    let known = question.policies.iter().find_map(|policy| policy.environment(name));
    let envelope = &question.event.envelope;
    Site {
        environment: name.to_owned(),
        account: question
            .place
            .account
            .or(known.map(|known| known.account.as_str()))
            .unwrap_or(&envelope.account)
            .to_owned(),
        region: question
            .place
            .region
            .or(known.map(|known| known.region.as_str()))
            .unwrap_or(&envelope.region)
            .to_owned(),
        hub_account,
    }
}

/// The hub's account: nothing in a policy says it, but most events do.
fn hub_account(question: &Question<'_>) -> String {
    let envelope = &question.event.envelope;
    let of_arn = |arn: &str| Arn::parse(arn).map(|arn| arn.account.clone());
    let told = match &question.event.body {
        Body::DeploymentRequested(request) => of_arn(&request.package_arn),
        Body::DeploymentFinished(report) => of_arn(&report.package_arn),
        _ => None,
    };
    let of_event = || Some(envelope.account.clone()).filter(|account| !account.is_empty());
    let first = || question.policies.first()?.environments.first().map(|e| e.account.to_string());
    let said = question.place.hub_account.map(str::to_owned);
    said.or(told).or_else(of_event).or_else(first).unwrap_or_default()
}

/// The hub's region: the event's, or the one that its environments are in.
fn region<'q>(question: &'q Question<'_>) -> &'q str {
    let of_event = Some(question.event.envelope.region.as_str()).filter(|region| !region.is_empty());
    let first = || question.policies.first()?.environments.first().map(|e| e.region.as_str());
    question.place.region.or(of_event).or_else(first).unwrap_or_default()
}
