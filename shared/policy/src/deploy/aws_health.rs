//! What AWS Health says about this environment's endpoint. People are told; nothing is changed because of it.

use tidegate_events::{Event, HealthEvent};

use super::{Action, Deploy, Trigger};
use crate::controller::{Context, Route};
use crate::decision::{Decision, Verdict};
use crate::lookup::{Lookup, LookupKind};
use crate::people::subject;
use crate::reason::Reason;
use crate::site::Site;
use crate::step::Step;

/// The service whose events concern endpoints.
const SERVICE: &str = "SAGEMAKER";
/// The longest part of AWS's description in a message, in characters.
const LONGEST_DESCRIPTION: usize = 4_000;

/// The models whose endpoint or component an event names. A public event names none: it is context, and no reason to alert.
pub(super) fn route(site: &Site, event: &Event, health: &HealthEvent) -> Route<Trigger> {
    if health.service != SERVICE {
        return Route::NotApplicable(Reason::UnsupportedEvent);
    }
    let code = code_of(health);
    if health.is_backup {
        return Route::NotApplicable(Reason::HealthBackup { code });
    }
    let account = health.affected_account.as_ref().unwrap_or(&event.envelope.account);
    let region = health.event_region.as_ref().unwrap_or(&event.envelope.region);
    if (account, region) != (&site.account, &site.region) {
        return Route::NotApplicable(Reason::OtherEnvironment { wanted: format!("{account} in {region}") });
    }
    let mut names: Vec<Lookup> =
        health.entities.iter().filter_map(|entity| name_of(entity)).map(lookup).collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        let region = region.clone();
        return Route::NotApplicable(Reason::HealthWithoutEndpoint { code, region });
    }
    let named: Vec<&str> = names.iter().map(|lookup| lookup.name.as_str()).collect();
    let subject = format!("endpoint {}", named.join(", "));
    Route::Lookup { names, subject, trigger: Trigger::AwsHealth(health.clone()) }
}

/// Decides about an event that names an endpoint or component of the policy.
pub(super) fn decide(cx: &Context<'_>, health: &HealthEvent) -> Deploy {
    let (Some(policy), Some(environment)) = (cx.policy, cx.environment()) else {
        let wanted = "another account".to_owned();
        return Decision::new(Verdict::Ignore, Reason::OtherEnvironment { wanted });
    };
    let names = [environment.endpoint.name.as_str(), environment.endpoint.served_name()];
    let is_named = |name: &&str| {
        health
            .entities
            .iter()
            .filter_map(|entity| name_of(entity))
            .any(|named| named.eq_ignore_ascii_case(name))
    };
    let Some(resource) = names.iter().copied().find(is_named) else {
        let wanted = health.entities.join(", ");
        return Decision::new(Verdict::Ignore, Reason::OtherEnvironment { wanted });
    };
    let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    let reason = Reason::AwsHealth {
        resource: resource.to_owned(),
        category: or_unknown(&health.category),
        status: or_unknown(&health.status),
        code: code_of(health),
    };
    let (model, name) = (&policy.model, &environment.name);
    let description: String = health
        .description
        .as_deref()
        .unwrap_or("AWS gave no description")
        .chars()
        .take(LONGEST_DESCRIPTION)
        .collect();
    let message = format!(
        "{reason}.\nModel: {model}\nEnvironment: {name} ({} {})\nAWS says: {description}\nEvent: {}\nTidegate changes \
         nothing because of this. The AWS Health Dashboard of the account has the details.",
        environment.account, environment.region, health.event_arn
    );
    let alert: Step<Action> =
        Step::Notify { subject: subject(&format!("AWS Health about {resource} in {name}")), message };
    Decision::new(Verdict::Alert, reason)
        .evidence("communication_id", or_unknown(&health.communication_id))
        .plan(vec![alert])
}

fn code_of(health: &HealthEvent) -> String {
    health.type_code.clone().unwrap_or_else(|| "unknown".to_owned())
}

/// The name of the endpoint or component that an entity may be. The form of an entity differs by service: an id, a name or
/// an ARN. Of an ARN, only these two types of resources are meant.
fn name_of(entity: &str) -> Option<&str> {
    if !entity.starts_with("arn:") {
        return Some(entity);
    }
    let mut parts = entity.splitn(6, ':').skip(2);
    let (service, resource) = (parts.next()?, parts.nth(2)?);
    let (kind, name) = resource.split_once('/')?;
    let is_meant = ["endpoint", "inference-component"].iter().any(|known| kind.eq_ignore_ascii_case(known));
    (service == "sagemaker" && is_meant).then_some(name)
}

fn lookup(name: &str) -> Lookup {
    Lookup::new(LookupKind::Endpoint, name)
}
