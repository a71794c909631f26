//! The checks within one stack. This module is pure.

use tidegate_aws::operate::Stack;
use tidegate_engine::Scope;
use tidegate_functions::of_scope;

use super::Check;
use super::facts::{ALARM, FUNCTION, Facts, Seen};

/// The checks of one stack.
pub(super) fn checks(facts: &Facts, version: &str) -> Vec<Check> {
    let place = &facts.place;
    let stack = match &facts.stack {
        Err(error) => return vec![Check::unreadable(place, "stack", error)],
        Ok(None) => {
            let finding = format!("there is no stack {}", facts.name);
            let fix = format!(
                "install it as described in infra/README.md, or specify another stack instead of {}",
                facts.ledger
            );
            return vec![Check::problem(place, "stack", finding, fix)];
        }
        Ok(Some(stack)) => stack,
    };
    let mut checks = vec![status(facts, stack), resources(facts, stack)];
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
            let finding =
                format!("{kind}, {} in {} {}, is {status}", stack.name, stack.account, stack.region);
            Check::ok(place, "stack", finding)
        }
        "UPDATE_ROLLBACK_COMPLETE" => Check::problem(
            place,
            "stack",
            format!("the last update of {} failed and was rolled back", stack.name),
            format!("read the cause, then deploy again: {events}"),
        ),
        status if status.ends_with("_IN_PROGRESS") => Check::problem(
            place,
            "stack",
            format!("{} is {status}", stack.name),
            "wait until it is done, then run doctor again",
        ),
        _ => Check::problem(
            place,
            "stack",
            format!("{} is {status}", stack.name),
            format!("read the cause: {events}"),
        ),
    }
}

/// Checks whether every resource of the template and every function of this version exists.
fn resources(facts: &Facts, stack: &Stack) -> Check {
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
        let finding = format!("the stack has no function {}", missing.join(" and no function "));
        return Check::problem(&facts.place, "resources", finding, "deploy the template of this version");
    }
    if broken.is_empty() {
        return Check::ok(&facts.place, "resources", format!("all {} exist", stack.resources.len()));
    }
    Check::problem(&facts.place, "resources", broken.join(", "), "deploy the stack again")
}

/// Returns one line if there is no problem, else one line for each problem.
fn one_or_problems(facts: &Facts, area: &'static str, well: String, problems: Vec<Check>) -> Vec<Check> {
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
            format!("read its log: aws logs tail /aws/lambda/{name}{}", facts.profile),
        )),
    };
    let problems = facts.functions.iter().filter_map(problem).collect();
    let names: Vec<&str> = facts.functions.iter().map(|(name, _)| name.as_str()).collect();
    one_or_problems(facts, AREA, format!("{} answer with version {version}", names.join(", ")), problems)
}

fn rules(facts: &Facts) -> Vec<Check> {
    const AREA: &str = "rules";
    let problem = |name: &str, finding: String, fix: String| {
        Some(Check::problem(&facts.place, AREA, format!("{name} {finding}"), fix))
    };
    let again = || "deploy the stack again".to_owned();
    let mut problems = Vec::new();
    for (name, seen) in &facts.rules {
        problems.extend(match seen {
            Err(error) => Some(Check::unreadable(&facts.place, AREA, &format!("{name}: {error}"))),
            Ok(None) => problem(name, "does not exist".to_owned(), again()),
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
    one_or_problems(facts, AREA, format!("all {} are enabled", facts.rules.len()), problems)
}

fn schedules(facts: &Facts) -> Vec<Check> {
    const AREA: &str = "schedules";
    let mut problems = Vec::new();
    for (name, seen) in &facts.schedules {
        let again = "deploy the stack again: without its sweeps, lost events are not detected";
        problems.extend(match seen {
            Ok(Some(state)) if state == "ENABLED" => None,
            Ok(Some(state)) => Some(Check::problem(&facts.place, AREA, format!("{name} is {state}"), again)),
            Ok(None) => Some(Check::problem(&facts.place, AREA, format!("{name} does not exist"), again)),
            Err(error) => Some(Check::unreadable(&facts.place, AREA, &format!("{name}: {error}"))),
        });
    }
    one_or_problems(facts, AREA, format!("all {} are enabled", facts.schedules.len()), problems)
}

fn queues(facts: &Facts) -> Vec<Check> {
    const AREA: &str = "dead letters";
    let mut problems = Vec::new();
    for (name, seen) in &facts.queues {
        problems.extend(match seen {
            Ok(0) => None,
            Ok(count) => {
                let redrive = format!("tidegate redrive {} --function {name}", facts.ledger);
                let fix = format!(
                    "{redrive} --list shows the causes; without --list the events are delivered again"
                );
                let finding = if *count == 1 {
                    "there is one message".to_owned()
                } else {
                    format!("there are {count} messages")
                };
                Some(Check::problem(&facts.place, AREA, format!("{finding} in the queue of {name}"), fix))
            }
            Err(error) => Some(Check::unreadable(&facts.place, AREA, &format!("{name}: {error}"))),
        });
    }
    one_or_problems(facts, AREA, format!("all {} queues are empty", facts.queues.len()), problems)
}

fn alarms(facts: &Facts, stack: &Stack) -> Vec<Check> {
    const AREA: &str = "alarms";
    let found = match &facts.alarms {
        Ok(found) => found,
        Err(error) => return vec![Check::unreadable(&facts.place, AREA, error)],
    };
    let wanted: Vec<&str> = stack.of_kind(ALARM).map(|alarm| alarm.physical.as_str()).collect();
    let mut problems = Vec::new();
    for name in &wanted {
        match found.iter().find(|alarm| alarm.name == *name) {
            None => problems.push(Check::problem(
                &facts.place,
                AREA,
                format!("{name} does not exist"),
                "deploy the stack again: without the alarm nobody is notified",
            )),
            // INSUFFICIENT_DATA is normal: an alarm begins with it, and has it while there are no events.
            Some(alarm) if alarm.state == "ALARM" => problems.push(Check::problem(
                &facts.place,
                AREA,
                format!("{name} is in ALARM: {}", alarm.reason),
                match name.ends_with("/dead-letters") {
                    true => format!("tidegate redrive {} --list", facts.ledger),
                    false => format!("read the log of the function{}", log_of(name, &facts.profile)),
                },
            )),
            Some(_) => {}
        }
    }
    one_or_problems(facts, AREA, format!("none of the {} is in ALARM", wanted.len()), problems)
}

/// The name of an alarm is `STACK/FUNCTION/errors`.
fn log_of(alarm: &str, profile: &str) -> String {
    let mut parts = alarm.split('/');
    match (parts.next(), parts.next()) {
        (Some(stack), Some(function)) => format!(": aws logs tail /aws/lambda/{stack}-{function}{profile}"),
        _ => String::new(),
    }
}
