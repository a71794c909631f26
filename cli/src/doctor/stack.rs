//! What must hold in one stack by itself. Pure.

use tidegate_aws::operate::Stack;
use tidegate_engine::Scope;
use tidegate_functions::of_scope;

use super::Check;
use super::facts::{ALARM, FUNCTION, Facts, Seen};

/// The checks of one stack.
pub(super) fn checks(facts: &Facts, version: &str) -> Vec<Check> {
    let place = &facts.place;
    let stack = match &facts.stack {
        Err(error) => return vec![Check::unseen(place, "stack", error)],
        Ok(None) => {
            let said = format!("there is no stack {}", facts.name);
            let fix = format!(
                "install it as infra/README.md says, or name the right one instead of {}",
                facts.ledger
            );
            return vec![Check::problem(place, "stack", said, fix)];
        }
        Ok(Some(stack)) => stack,
    };
    let mut checks = vec![status(facts, stack), whole(facts, stack)];
    checks.extend(functions(facts, version));
    checks.extend(rules(facts));
    checks.extend(schedules(facts));
    checks.extend(queues(facts));
    checks.extend(alarms(facts, stack));
    checks
}

fn status(facts: &Facts, stack: &Stack) -> Check {
    let (place, status) = (&facts.place, stack.status.as_str());
    let events =
        format!("aws cloudformation describe-stack-events --stack-name {}{}", stack.name, facts.profile);
    match status {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => {
            let kind = facts
                .environment()
                .map_or_else(|| "the hub".to_owned(), |name| format!("environment {name}"));
            let said = format!("{kind}, {} in {} {}, is {status}", stack.name, stack.account, stack.region);
            Check::ok(place, "stack", said)
        }
        "UPDATE_ROLLBACK_COMPLETE" => Check::problem(
            place,
            "stack",
            format!("the last update of {} failed, and what was there before is back", stack.name),
            format!("read why and deploy again: {events}"),
        ),
        status if status.ends_with("_IN_PROGRESS") => Check::problem(
            place,
            "stack",
            format!("{} is {status}", stack.name),
            "wait until it is done, then ask again",
        ),
        _ => Check::problem(
            place,
            "stack",
            format!("{} is {status}", stack.name),
            format!("read why: {events}"),
        ),
    }
}

/// Whether everything is there that the template asks for, and every function that this version has.
fn whole(facts: &Facts, stack: &Stack) -> Check {
    let scope = if facts.is_hub() { Scope::Hub } else { Scope::Environment };
    let is_missing = |name: &&str| {
        let name = format!("{}-{name}", stack.name);
        !stack.of_kind(FUNCTION).any(|function| function.physical == name)
    };
    let missing: Vec<&str> = of_scope(scope).map(|function| function.name).filter(is_missing).collect();
    let broken: Vec<String> = stack
        .resources
        .iter()
        .filter(|resource| {
            !matches!(resource.status.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE")
        })
        .map(|resource| format!("{} is {}", resource.logical, resource.status))
        .collect();
    if !missing.is_empty() {
        let said = format!("the stack has no function {}", missing.join(" and no function "));
        return Check::problem(&facts.place, "resources", said, "deploy the template of this version");
    }
    if broken.is_empty() {
        return Check::ok(&facts.place, "resources", format!("all {} are there", stack.resources.len()));
    }
    Check::problem(&facts.place, "resources", broken.join(", "), "deploy the stack again")
}

/// One line if all is well, and one for each thing that is not.
fn all_of(facts: &Facts, area: &'static str, well: String, problems: Vec<Check>) -> Vec<Check> {
    if problems.is_empty() { vec![Check::ok(&facts.place, area, well)] } else { problems }
}

fn functions(facts: &Facts, version: &str) -> Vec<Check> {
    const AREA: &str = "functions";
    let problem = |(name, seen): &(String, Seen<String>)| match seen {
        Ok(found) if found == version => None,
        Ok(found) => Some(Check::problem(
            &facts.place,
            AREA,
            format!("{name} is version {found}, this command is {version}"),
            format!(
                "build and deploy version {version} of the stack, or install version {found} of the command"
            ),
        )),
        Err(error) => Some(Check::problem(
            &facts.place,
            AREA,
            format!("{name}: {error}"),
            format!("look at its log: aws logs tail /aws/lambda/{name}{}", facts.profile),
        )),
    };
    let problems = facts.functions.iter().filter_map(problem).collect();
    let names: Vec<&str> = facts.functions.iter().map(|(name, _)| name.as_str()).collect();
    all_of(facts, AREA, format!("{} answer and are version {version}", names.join(", ")), problems)
}

fn rules(facts: &Facts) -> Vec<Check> {
    const AREA: &str = "rules";
    let problem = |name: &str, said: String, fix: String| {
        Some(Check::problem(&facts.place, AREA, format!("{name} {said}"), fix))
    };
    let again = || "deploy the stack again".to_owned();
    let mut problems = Vec::new();
    for (name, seen) in &facts.rules {
        problems.extend(match seen {
            Err(error) => Some(Check::unseen(&facts.place, AREA, &format!("{name}: {error}"))),
            Ok(None) => problem(name, "is gone".to_owned(), again()),
            Ok(Some(rule)) if rule.state != "ENABLED" => {
                let bus = &rule.bus;
                let fix =
                    format!("aws events enable-rule --name {name} --event-bus-name {bus}{}", facts.profile);
                problem(name, format!("is {}", rule.state), fix)
            }
            Ok(Some(rule)) if rule.targets.is_empty() => problem(name, "has no target".to_owned(), again()),
            Ok(Some(_)) => None,
        });
    }
    all_of(facts, AREA, format!("all {} are enabled", facts.rules.len()), problems)
}

fn schedules(facts: &Facts) -> Vec<Check> {
    const AREA: &str = "schedules";
    let mut problems = Vec::new();
    for (name, seen) in &facts.schedules {
        let again = "deploy the stack again: what a lost event leaves behind is healed only by its sweeps";
        problems.extend(match seen {
            Ok(Some(state)) if state == "ENABLED" => None,
            Ok(Some(state)) => Some(Check::problem(&facts.place, AREA, format!("{name} is {state}"), again)),
            Ok(None) => Some(Check::problem(&facts.place, AREA, format!("{name} is gone"), again)),
            Err(error) => Some(Check::unseen(&facts.place, AREA, &format!("{name}: {error}"))),
        });
    }
    all_of(facts, AREA, format!("all {} are enabled", facts.schedules.len()), problems)
}

fn queues(facts: &Facts) -> Vec<Check> {
    const AREA: &str = "dead letters";
    let mut problems = Vec::new();
    for (name, seen) in &facts.queues {
        problems.extend(match seen {
            Ok(0) => None,
            Ok(count) => {
                let redrive = format!("tidegate redrive {} --function {name}", facts.ledger);
                let fix = format!("{redrive} --list shows why; without --list it sends them back");
                let said = if *count == 1 { "one waits".to_owned() } else { format!("{count} wait") };
                Some(Check::problem(&facts.place, AREA, format!("{said} in the queue of {name}"), fix))
            }
            Err(error) => Some(Check::unseen(&facts.place, AREA, &format!("{name}: {error}"))),
        });
    }
    all_of(facts, AREA, format!("all {} queues are empty", facts.queues.len()), problems)
}

fn alarms(facts: &Facts, stack: &Stack) -> Vec<Check> {
    const AREA: &str = "alarms";
    let found = match &facts.alarms {
        Ok(found) => found,
        Err(error) => return vec![Check::unseen(&facts.place, AREA, error)],
    };
    let wanted: Vec<&str> = stack.of_kind(ALARM).map(|alarm| alarm.physical.as_str()).collect();
    let mut problems = Vec::new();
    for name in &wanted {
        match found.iter().find(|alarm| alarm.name == *name) {
            None => problems.push(Check::problem(
                &facts.place,
                AREA,
                format!("{name} is gone"),
                "deploy the stack again: without it nobody is told",
            )),
            // Too little data is what an alarm begins with, and what it has while nothing happens.
            Some(alarm) if alarm.state == "ALARM" => problems.push(Check::problem(
                &facts.place,
                AREA,
                format!("{name} is in ALARM: {}", alarm.reason),
                match name.ends_with("/dead-letters") {
                    true => format!("tidegate redrive {} --list", facts.ledger),
                    false => format!("look at the log of the function{}", log_of(name, &facts.profile)),
                },
            )),
            Some(_) => {}
        }
    }
    all_of(facts, AREA, format!("none of the {} rings", wanted.len()), problems)
}

/// Alarms are named `STACK/FUNCTION/errors`.
fn log_of(alarm: &str, profile: &str) -> String {
    let mut parts = alarm.split('/');
    match (parts.next(), parts.next()) {
        (Some(stack), Some(function)) => format!(": aws logs tail /aws/lambda/{stack}-{function}{profile}"),
        _ => String::new(),
    }
}
