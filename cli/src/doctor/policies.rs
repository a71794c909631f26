//! The checks of the applied policies. This module is pure.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_engine::ports::Applied;
use tidegate_policy::arn::Arn;
use tidegate_policy::file::{self, Environment};

use super::Check;
use super::across::{rules_seen, targets};
use super::facts::Facts;

const AREA: &str = "policies";

/// The checks of the policies in each ledger and across the ledgers.
pub(super) fn checks(facts: &[Facts]) -> Vec<Check> {
    let mut checks = Vec::new();
    // The readable policies of each model, with their ledgers.
    let mut applied: BTreeMap<&str, Vec<(&Facts, &Applied)>> = BTreeMap::new();
    for place in facts {
        let (problems, readable) = of_ledger(place);
        if problems.is_empty() {
            let finding = format!("{} applied, all valid", readable.len());
            checks.push(Check::ok(&place.place, AREA, finding));
        }
        checks.extend(problems);
        checks.extend(readable.iter().filter_map(|(model, policy)| never_pushed(place, model, policy)));
        for (model, policy) in readable {
            applied.entry(model).or_default().push((place, policy));
        }
    }
    for (model, policies) in &applied {
        let mut problems = same_everywhere(facts, model, policies);
        problems.extend(places_exist(facts, model, policies));
        if problems.is_empty()
            && let Some((first, policy)) = policies.first()
        {
            let finding = format!("{model} has version {} in every specified ledger", policy.version);
            problems.push(Check::ok(&first.place, AREA, finding));
        }
        checks.extend(problems);
    }
    checks
}

/// AWS reports pushes to CodeCommit by itself, and no others.
fn never_pushed(place: &Facts, model: &str, applied: &Applied) -> Option<Check> {
    let repository = &applied.policy.source.repository;
    let is_silent = place.is_hub()
        && repository.codecommit().is_none()
        && !place.pushed.iter().any(|pushed| pushed == model);
    is_silent.then(|| {
        let finding = format!("no push of {repository} was ever seen for {model}");
        let fix = "docs/policy.md, section source: the webhook for GitHub, or a job that sends Commit Pushed";
        Check::unchecked(&place.place, AREA, finding, fix)
    })
}

/// Returns the problems of the policies in one ledger, and the policies that can be read.
fn of_ledger(facts: &Facts) -> (Vec<Check>, Vec<(&str, &Applied)>) {
    let policies = match &facts.policies {
        Ok(policies) => policies,
        Err(error) => return (vec![Check::unreadable(&facts.place, "ledger", error)], Vec::new()),
    };
    let (mut problems, mut readable) = (Vec::new(), Vec::new());
    let again = || format!("correct the file, then: tidegate apply FILE {}", facts.ledger);
    for (model, seen) in policies {
        match seen {
            Err(error) => problems.push(Check::problem(&facts.place, AREA, error.clone(), again())),
            Ok(None) => problems.push(Check::problem(
                &facts.place,
                AREA,
                format!("{model} is in the list of models and has no policy"),
                again(),
            )),
            Ok(Some(applied)) => {
                readable.push((model.as_str(), applied));
                problems.extend(broken_rules(applied).map(|finding| {
                    let finding = format!(
                        "{model} was applied by an earlier version and violates a rule of this one: {finding}"
                    );
                    Check::problem(&facts.place, AREA, finding, again())
                }));
            }
        }
    }
    (problems, readable)
}

/// The rules of this version that a policy violates which an earlier version may have applied.
fn broken_rules(applied: &Applied) -> impl Iterator<Item = String> {
    // JSON is a subset of YAML, so an applied policy can be parsed like a file.
    let text = serde_json::to_string(&*applied.policy).unwrap_or_default();
    let problems = file::read("policy", &text).err().map(|error| error.problems).unwrap_or_default();
    problems.into_iter().map(|problem| format!("{}: {}", problem.path, problem.message))
}

/// Checks whether every ledger that needs a policy has it, in the same version.
fn same_everywhere(facts: &[Facts], model: &str, policies: &[(&Facts, &Applied)]) -> Vec<Check> {
    let mut problems = Vec::new();
    let versions: BTreeSet<&str> = policies.iter().map(|(_, applied)| applied.version.as_str()).collect();
    let all = || facts.iter().map(|facts| facts.ledger.as_str()).collect::<Vec<_>>().join(" ");
    if versions.len() > 1 {
        let each = policies.iter().map(|(facts, applied)| format!("{} in {}", applied.version, facts.place));
        let finding =
            format!("{model} is applied in several versions: {}", each.collect::<Vec<_>>().join(", "));
        let place = policies.first().map(|(facts, _)| facts.place.as_str()).unwrap_or_default();
        problems.push(Check::problem(place, AREA, finding, format!("tidegate apply FILE {}", all())));
    }
    for place in facts.iter().filter(|place| place.policies.is_ok()) {
        let has = policies.iter().any(|(facts, _)| facts.place == place.place);
        let needs = place.is_hub()
            || policies
                .iter()
                .any(|(_, applied)| applied.policy.environments.iter().any(|e| serves(place, e)));
        if needs && !has {
            let finding = format!("the policy of {model} is applied in another ledger and not in this one");
            problems.push(Check::problem(
                &place.place,
                AREA,
                finding,
                format!("tidegate apply FILE {}", place.ledger),
            ));
        }
    }
    problems
}

/// Checks whether the environments of a policy exist in the account and region that it names.
fn places_exist(facts: &[Facts], model: &str, policies: &[(&Facts, &Applied)]) -> Vec<Check> {
    let hub = facts.iter().find(|facts| facts.is_hub());
    // The hub promotes by its own policy.
    let judged = policies.iter().find(|(facts, _)| facts.is_hub()).or(policies.first());
    let Some((place, applied)) = judged else { return Vec::new() };
    let one = |environment: &Environment| {
        let at =
            format!("{} of {model} is in {} {}", environment.name, environment.account, environment.region);
        if facts.iter().any(|facts| serves(facts, environment)) {
            return None;
        }
        if let Some(other) = facts.iter().find(|facts| is_in(facts, environment)) {
            let name = other.environment().unwrap_or_default();
            let finding = format!("{at}, where the stack has the environment `{name}`");
            let fix =
                "give the environment that name in the policy, or deploy the stack with its EnvironmentName";
            return Some(Check::problem(&place.place, AREA, finding, fix));
        }
        let hub = hub.filter(|hub| rules_seen(hub));
        let forwarded = hub.map(|hub| targets(hub).iter().any(|arn| leads_to(arn, environment)));
        Some(match forwarded {
            Some(false) => Check::problem(
                &place.place,
                AREA,
                format!("{at}, and the hub forwards to no bus there"),
                "correct account and region in the policy, or install an environment there",
            ),
            Some(true) | None => {
                let fix = "add --ledger PROFILE=STACK for it";
                Check::unchecked(&place.place, AREA, format!("{at}, whose ledger was not specified"), fix)
            }
        })
    };
    applied.policy.environments.iter().filter_map(one).collect()
}

/// Returns whether a stack is in the account and region of an environment.
fn is_in(facts: &Facts, environment: &Environment) -> bool {
    facts.environment().is_some()
        && facts.stack().is_some_and(|stack| {
            stack.account == environment.account.as_str() && stack.region == environment.region.as_str()
        })
}

/// Returns whether a stack belongs to an environment.
fn serves(facts: &Facts, environment: &Environment) -> bool {
    is_in(facts, environment) && facts.environment() == Some(environment.name.as_str())
}

fn leads_to(bus: &str, environment: &Environment) -> bool {
    Arn::parse(bus).is_some_and(|arn| {
        arn.account == environment.account.as_str() && arn.region == environment.region.as_str()
    })
}
