//! What must hold of the applied policies. Pure.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_engine::ports::Applied;
use tidegate_policy::arn::Arn;
use tidegate_policy::file::{self, Environment};

use super::Check;
use super::across::{rules_seen, targets};
use super::facts::Facts;

const AREA: &str = "policies";

/// The checks of the policies, in each ledger and between them.
pub(super) fn checks(facts: &[Facts]) -> Vec<Check> {
    let mut checks = Vec::new();
    // For each model, the readable policies by place.
    let mut applied: BTreeMap<&str, Vec<(&Facts, &Applied)>> = BTreeMap::new();
    for place in facts {
        let (problems, readable) = of_ledger(place);
        if problems.is_empty() {
            let said = format!("{} applied, all valid", readable.len());
            checks.push(Check::ok(&place.place, AREA, said));
        }
        checks.extend(problems);
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
            let said = format!("{model} is version {} wherever it was looked for", policy.version);
            problems.push(Check::ok(&first.place, AREA, said));
        }
        checks.extend(problems);
    }
    checks
}

/// What is wrong with the policies of one ledger, and those that can be read.
fn of_ledger(facts: &Facts) -> (Vec<Check>, Vec<(&str, &Applied)>) {
    let policies = match &facts.policies {
        Ok(policies) => policies,
        Err(error) => return (vec![Check::unseen(&facts.place, "ledger", error)], Vec::new()),
    };
    let (mut problems, mut readable) = (Vec::new(), Vec::new());
    let again = || format!("correct the file and: tidegate apply FILE {}", facts.ledger);
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
                problems.extend(broken_rules(applied).map(|said| {
                    let said = format!(
                        "{model} was applied by an earlier version and breaks a rule of this one: {said}"
                    );
                    Check::problem(&facts.place, AREA, said, again())
                }));
            }
        }
    }
    (problems, readable)
}

/// What this version's rules say about a policy that an earlier one may have applied.
fn broken_rules(applied: &Applied) -> impl Iterator<Item = String> {
    // JSON is YAML, so the applied policy is read as a file is.
    let text = serde_json::to_string(&*applied.policy).unwrap_or_default();
    let problems = file::read("policy", &text).err().map(|error| error.problems).unwrap_or_default();
    problems.into_iter().map(|problem| format!("{}: {}", problem.path, problem.message))
}

/// Whether a policy is in every ledger that needs it, in one version.
fn same_everywhere(facts: &[Facts], model: &str, policies: &[(&Facts, &Applied)]) -> Vec<Check> {
    let mut problems = Vec::new();
    let versions: BTreeSet<&str> = policies.iter().map(|(_, applied)| applied.version.as_str()).collect();
    let all = || facts.iter().map(|facts| facts.ledger.as_str()).collect::<Vec<_>>().join(" ");
    if versions.len() > 1 {
        let each = policies.iter().map(|(facts, applied)| format!("{} in {}", applied.version, facts.place));
        let said = format!("{model} is applied in several versions: {}", each.collect::<Vec<_>>().join(", "));
        let place = policies.first().map(|(facts, _)| facts.place.as_str()).unwrap_or_default();
        problems.push(Check::problem(place, AREA, said, format!("tidegate apply FILE {}", all())));
    }
    for place in facts.iter().filter(|place| place.policies.is_ok()) {
        let has = policies.iter().any(|(facts, _)| facts.place == place.place);
        let needs = place.is_hub()
            || policies
                .iter()
                .any(|(_, applied)| applied.policy.environments.iter().any(|e| serves(place, e)));
        if needs && !has {
            let said = format!("the policy of {model} is applied elsewhere and not here");
            problems.push(Check::problem(
                &place.place,
                AREA,
                said,
                format!("tidegate apply FILE {}", place.ledger),
            ));
        }
    }
    problems
}

/// Whether the environments of a policy exist where it says.
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
            let said = format!("{at}, where the stack serves `{name}`");
            let fix =
                "give the environment that name in the policy, or deploy the stack with its EnvironmentName";
            return Some(Check::problem(&place.place, AREA, said, fix));
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
                Check::unchecked(&place.place, AREA, format!("{at}, whose ledger was not given"), fix)
            }
        })
    };
    applied.policy.environments.iter().filter_map(one).collect()
}

/// Whether a stack is in the account and region of an environment.
fn is_in(facts: &Facts, environment: &Environment) -> bool {
    facts.environment().is_some()
        && facts.stack().is_some_and(|stack| {
            stack.account == environment.account.as_str() && stack.region == environment.region.as_str()
        })
}

/// Whether a stack serves an environment.
fn serves(facts: &Facts, environment: &Environment) -> bool {
    is_in(facts, environment) && facts.environment() == Some(environment.name.as_str())
}

fn leads_to(bus: &str, environment: &Environment) -> bool {
    Arn::parse(bus).is_some_and(|arn| {
        arn.account == environment.account.as_str() && arn.region == environment.region.as_str()
    })
}
