//! The checks between the hub and its environments. This module is pure.

use tidegate_policy::arn::Arn;

use super::Check;
use super::admits::{Sender, admits};
use super::facts::Facts;

const AREA: &str = "buses";
/// The events that the hub sends to an environment.
const TO_ENVIRONMENT: &[&str] =
    &["Deployment Requested", "Retraining Finished", "Hold Placed", "Hold Released"];
/// The events that an environment sends to the hub.
const TO_HUB: &[&str] =
    &["Deployment Finished", "Deployment Waiting", "Endpoint Health Changed", "Retraining Requested"];

/// The checks between stacks.
pub(super) fn checks(facts: &[Facts]) -> Vec<Check> {
    let hubs: Vec<&Facts> = facts.iter().filter(|facts| facts.is_hub()).collect();
    let environments: Vec<&Facts> = facts.iter().filter(|facts| facts.environment().is_some()).collect();
    let mut checks = Vec::new();
    match hubs.as_slice() {
        [] => checks.extend(environments.iter().map(|environment| {
            let finding =
                "the specified ledgers do not show whether the hub and this environment admit each other";
            Check::unchecked(&environment.place, AREA, finding, "specify the hub's ledger as well")
        })),
        [hub] => {
            checks.extend(environments.iter().flat_map(|environment| between(hub, environment)));
            checks.extend(unspecified(hub, &environments));
        }
        [first, second, ..] => {
            let finding = format!("{} and {} are both hubs", first.place, second.place);
            checks.push(Check::problem(&second.place, AREA, finding, "specify one hub at a time"));
        }
    }
    checks
}

fn between(hub: &Facts, environment: &Facts) -> Vec<Check> {
    let mut problems = forward(hub, environment);
    problems.extend(back(hub, environment));
    if problems.is_empty() {
        let finding = format!("{} and {} admit each other", hub.place, environment.place);
        problems.push(Check::ok(&environment.place, AREA, finding));
    }
    problems
}

/// Checks the path from the hub to the environment.
fn forward(hub: &Facts, environment: &Facts) -> Vec<Check> {
    let mut problems = Vec::new();
    let (Some(hub_stack), Some(stack)) = (hub.stack(), environment.stack()) else { return problems };
    if rules_seen(hub) && !targets(hub).iter().any(|arn| is_bus_of(arn, environment)) {
        let finding = format!("no rule of {} forwards to the bus of {}", hub.name, environment.name);
        let fix = format!(
            "run tidegate install with {} among the environments of the installation file",
            stack.name
        );
        problems.push(Check::problem(&hub.place, AREA, finding, fix));
    }
    let admitted = stack.parameters.get("HubAccountId").map(String::as_str).unwrap_or_default();
    if admitted != hub_stack.account {
        let finding = format!(
            "{} accepts requests from account {admitted}, and the hub is in {}",
            environment.name, hub_stack.account
        );
        let fix = format!(
            "run tidegate install with hub.account: \"{}\" in the installation file",
            hub_stack.account
        );
        problems.push(Check::problem(&environment.place, AREA, finding, fix));
    } else {
        problems.extend(admission(environment, hub, TO_ENVIRONMENT));
    }
    problems
}

/// Checks the path from the environment to the hub.
fn back(hub: &Facts, environment: &Facts) -> Vec<Check> {
    let mut problems = Vec::new();
    if hub.stack().is_none() || environment.stack().is_none() {
        return problems;
    }
    if rules_seen(environment) && !targets(environment).iter().any(|arn| is_bus_of(arn, hub)) {
        let finding = format!("no rule of {} forwards reports to the bus of {}", environment.name, hub.name);
        let fix = "run tidegate install again: the stack of to-hub.yaml is missing";
        problems.push(Check::problem(&environment.place, AREA, finding, fix));
    }
    problems.extend(admission(hub, environment, TO_HUB));
    problems
}

/// Checks whether a bus accepts the events that the rule of another stack sends.
fn admission(receiver: &Facts, from: &Facts, detail_types: &[&str]) -> Vec<Check> {
    let Some(sender) = from.stack() else { return Vec::new() };
    let policy = match &receiver.bus_policy {
        Err(error) => return vec![Check::unreadable(&receiver.place, AREA, error)],
        Ok(None) => {
            let finding = format!("bus {} does not exist", receiver.name);
            return vec![Check::problem(&receiver.place, AREA, finding, "run tidegate install again")];
        }
        Ok(Some(policy)) => policy,
    };
    // The templates of the connections name their roles in this way.
    let role = format!("{}-to-{}-{}", sender.name, receiver.name, sender.region);
    let rule = Sender { account: &sender.account, role: &role };
    let refused: Vec<&str> =
        detail_types.iter().filter(|kind| !admits(policy, &rule, kind)).copied().collect();
    if refused.is_empty() {
        return Vec::new();
    }
    let finding = format!(
        "bus {} does not admit {} from account {}",
        receiver.name,
        refused.join(" and "),
        sender.account
    );
    let fix = "run tidegate install again: the templates of this version admit them";
    vec![Check::problem(&receiver.place, AREA, finding, fix)]
}

/// Environments to which the hub forwards events and whose ledger was not specified.
fn unspecified(hub: &Facts, given: &[&Facts]) -> Vec<Check> {
    let unknown = targets(hub).into_iter().filter(|arn| !given.iter().any(|facts| is_bus_of(arn, facts)));
    let one = |arn: &str| {
        let finding = format!("the hub forwards to {arn}, whose ledger was not specified");
        Check::unchecked(&hub.place, AREA, finding, "add --ledger PROFILE=STACK for it")
    };
    unknown.map(one).collect()
}

/// The buses to which the rules of a stack forward events.
pub(super) fn targets(facts: &Facts) -> Vec<&str> {
    let rules = facts.rules.iter().filter_map(|(_, seen)| seen.as_ref().ok()?.as_ref());
    let targets = rules.flat_map(|rule| rule.targets.iter().map(String::as_str));
    targets.filter(|arn| Arn::parse(arn).is_some_and(|arn| arn.service == "events")).collect()
}

/// Returns whether every rule could be read. If not, a rule that seems missing may exist.
pub(super) fn rules_seen(facts: &Facts) -> bool {
    facts.rules.iter().all(|(_, seen)| seen.is_ok())
}

fn is_bus_of(arn: &str, facts: &Facts) -> bool {
    facts.bus_arn().is_some_and(|bus| arn.ends_with(&format!(":{bus}")))
}
