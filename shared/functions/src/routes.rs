//! The functions that receive an event: the rules of the templates, as code.

use tidegate_engine::{FunctionSpec, Scope, Site};
use tidegate_events::{Body, Event, GITHUB_SOURCE};

use crate::{FUNCTIONS, of_scope};

/// The functions that accept an event, in any stack and from any account.
pub fn wanted_by(event: &Event) -> impl Iterator<Item = &'static FunctionSpec> {
    FUNCTIONS.into_iter().filter(|function| (function.wants)(event))
}

/// The functions of a site that receive an event from its event bus or from one of its schedules.
pub fn targets(event: &Event, site: &Site) -> impl Iterator<Item = &'static FunctionSpec> {
    let is_admitted = is_admitted(event, site);
    of_scope(site.scope()).filter(move |function| is_admitted && (function.wants)(event))
}

/// Commands to deploy and the outcome of a retraining must come from the hub's account; the rules of an environment require it.
/// A push of GitHub must come from the account's own webhook; the rule of the hub requires it, because any account may use
/// GitHub's source.
fn is_admitted(event: &Event, site: &Site) -> bool {
    match (&event.body, site.scope()) {
        (
            Body::DeploymentRequested(_)
            | Body::RetrainingFinished(_)
            | Body::HoldPlaced(_)
            | Body::HoldReleased(_),
            Scope::Environment,
        ) => event.envelope.account == site.hub_account,
        (Body::CommitPushed(_), Scope::Hub) if event.envelope.source == GITHUB_SOURCE => {
            event.envelope.account == site.account
        }
        _ => true,
    }
}

/// Whether the rules of one site's bus forward an event to another site's bus. An event from another account is not
/// forwarded again.
#[must_use]
pub fn is_forwarded(event: &Event, from: &Site, to: &Site) -> bool {
    if event.envelope.account != from.account {
        return false;
    }
    match (&event.body, from.scope(), to.scope()) {
        (Body::DeploymentRequested(request), Scope::Hub, Scope::Environment) => {
            request.environment_account == to.account && request.environment == to.environment
        }
        (Body::RetrainingFinished(report), Scope::Hub, Scope::Environment) => {
            report.environment_account == to.account && report.environment == to.environment
        }
        // A hold contains no account: every environment receives it and decides whether it applies.
        (Body::HoldPlaced(_) | Body::HoldReleased(_), Scope::Hub, Scope::Environment) => true,
        (
            Body::DeploymentFinished(_)
            | Body::DeploymentWaiting(_)
            | Body::EndpointHealthChanged(_)
            | Body::RetrainingRequested(_),
            Scope::Environment,
            Scope::Hub,
        ) => true,
        _ => false,
    }
}
