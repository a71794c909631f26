//! An installation in three accounts without a problem, and each problem that it can have.

use serde_json::{Value, json};
use tidegate_aws::operate::{AlarmState, Resource, Rule, Stack};
use tidegate_policy::file::Policy;

use super::facts::{ALARM, FUNCTION, Facts, RULE, SCHEDULE};
use super::*;
use crate::example::{applied, policy};

const HUB: &str = "111122223333";
const STAGING: &str = "444455556666";
const PRODUCTION: &str = "777788889999";

fn bus(account: &str, stack: &str) -> String {
    format!("arn:aws:events:us-east-1:{account}:event-bus/{stack}")
}

fn admitting(account: &str, detail_types: &[&str]) -> Value {
    json!({
        "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{account}:root") }, "Action": "events:PutEvents",
        "Resource": "*", "Condition": { "StringEquals": {
            "events:source": "tidegate", "events:detail-type": detail_types,
        } },
    })
}

fn facts(
    environment: Option<&str>,
    account: &str,
    functions: &[&str],
    forwards: &[(&str, String)],
    admits: Vec<Value>,
) -> Facts {
    let place = environment.unwrap_or("hub");
    let name = format!("tidegate-{place}");
    let resource = |kind: &str, physical: String| Resource {
        logical: physical.clone(),
        physical,
        kind: kind.to_owned(),
        status: "CREATE_COMPLETE".to_owned(),
    };
    let mut resources: Vec<Resource> =
        functions.iter().map(|function| resource(FUNCTION, format!("{name}-{function}"))).collect();
    resources.push(resource(ALARM, format!("{name}/{}/dead-letters", functions[0])));
    resources.extend(forwards.iter().map(|(rule, _)| resource(RULE, (*rule).to_owned())));
    resources.push(resource(SCHEDULE, format!("{name}-reconcile")));
    let rule = |(rule, target): &(&str, String)| {
        let found = Rule {
            name: (*rule).to_owned(),
            bus: name.clone(),
            state: "ENABLED".to_owned(),
            targets: vec![target.clone()],
        };
        ((*rule).to_owned(), Ok(Some(found)))
    };
    let mut parameters = vec![("HubAccountId".to_owned(), HUB.to_owned())];
    parameters.extend(environment.map(|name| ("EnvironmentName".to_owned(), name.to_owned())));
    Facts {
        place: format!("{place}={name}"),
        profile: format!(" --profile {place}"),
        ledger: format!("--ledger {place}={name}"),
        stack: Ok(Some(Stack {
            name: name.clone(),
            account: account.to_owned(),
            region: "us-east-1".to_owned(),
            status: "UPDATE_COMPLETE".to_owned(),
            parameters: parameters.into_iter().collect(),
            resources,
        })),
        functions: functions.iter().map(|f| (format!("{name}-{f}"), Ok("0.1.0".to_owned()))).collect(),
        rules: forwards.iter().map(rule).collect(),
        schedules: vec![(format!("{name}-reconcile"), Ok(Some("ENABLED".to_owned())))],
        queues: functions.iter().map(|f| ((*f).to_owned(), Ok(0))).collect(),
        alarms: Ok(vec![AlarmState {
            name: format!("{name}/{}/dead-letters", functions[0]),
            state: "INSUFFICIENT_DATA".to_owned(),
            reason: String::new(),
        }]),
        bus_policy: Ok(Some(json!({ "Statement": admits }))),
        policies: Ok(vec![("churn".to_owned(), Ok(Some(applied(&policy(&[])))))]),
        pushed: Vec::new(),
        name,
    }
}

/// The events that an environment sends to the hub.
const TO_HUB: [&str; 4] =
    ["Deployment Finished", "Deployment Waiting", "Endpoint Health Changed", "Retraining Requested"];

/// The facts about the hub, staging and production.
fn well() -> Vec<Facts> {
    let to_hub = TO_HUB;
    let environment = |name: &str, account: &str| {
        let forwards = [("to-hub", bus(HUB, "tidegate-hub"))];
        let admits = vec![admitting(
            HUB,
            &["Deployment Requested", "Retraining Finished", "Hold Placed", "Hold Released"],
        )];
        facts(Some(name), account, &["deploy", "respond", "scale"], &forwards, admits)
    };
    let forwards = [
        ("to-environment-1", bus(STAGING, "tidegate-staging")),
        ("to-environment-2", bus(PRODUCTION, "tidegate-production")),
    ];
    let admits = vec![admitting(STAGING, &to_hub), admitting(PRODUCTION, &to_hub)];
    vec![
        facts(None, HUB, &["train", "promote", "operate"], &forwards, admits),
        environment("staging", STAGING),
        environment("production", PRODUCTION),
    ]
}

/// The problems after a change: state, ledger, area, finding and fix.
fn after(change: impl FnOnce(&mut Vec<Facts>)) -> Vec<(State, String, &'static str, String, String)> {
    let mut facts = well();
    change(&mut facts);
    let checks = examine(&facts, "0.1.0").into_iter().filter(|check| check.state != State::Ok);
    checks.map(|c| (c.state, c.place, c.area, c.finding, c.fix.unwrap_or_default())).collect()
}

/// The only problem after a change.
fn problem(area: &str, place: &str, change: impl FnOnce(&mut Vec<Facts>)) -> (String, String) {
    let found = after(change);
    let [(state, at, in_area, finding, fix)] = found.as_slice() else { panic!("one problem: {found:#?}") };
    assert_eq!(
        (*state, at.starts_with(&format!("{place}=")), *in_area),
        (State::Problem, true, area),
        "{found:?}"
    );
    assert!(!fix.is_empty(), "every problem has a fix");
    (finding.clone(), fix.clone())
}

fn stack_of(facts: &mut Facts) -> &mut Stack {
    facts.stack.as_mut().unwrap().as_mut().unwrap()
}

#[test]
fn a_complete_installation_has_no_problem() {
    assert_eq!(after(|_| ()), []);
    let checks = examine(&well(), "0.1.0");
    for area in
        ["stack", "resources", "functions", "rules", "schedules", "dead letters", "alarms", "policies"]
    {
        assert_eq!(
            checks.iter().filter(|c| c.area == area && c.place.starts_with("staging")).count(),
            1,
            "{area}"
        );
    }
    assert_eq!(checks.iter().filter(|c| c.area == "buses").count(), 2, "the hub and each environment");
}

#[test]
fn a_missing_stack_is_named_and_the_others_are_checked() {
    let found = after(|facts| {
        let gone = &facts[2];
        let (place, name, ledger) = (gone.place.clone(), gone.name.clone(), gone.ledger.clone());
        let policies =
            Err("dynamodb:Query failed (Permanent): ResourceNotFoundException: no table".to_owned());
        facts[2] = Facts { place, name, ledger, policies, ..Facts::default() };
    });
    let finding: Vec<(&str, &str)> =
        found.iter().map(|(_, _, area, finding, _)| (*area, finding.as_str())).collect();
    assert!(finding.contains(&("stack", "there is no stack tidegate-production")), "{finding:#?}");
    assert!(
        finding.iter().any(|(area, finding)| *area == "ledger" && finding.contains("no table")),
        "{finding:#?}"
    );
    assert!(
        found.iter().any(|(state, _, area, finding, _)| {
            *state == State::Unchecked
                && *area == "policies"
                && finding.contains("production of churn is in 777788889999")
        }),
        "{finding:#?}"
    );
}

#[test]
fn a_stack_that_is_in_progress_or_incomplete_is_a_problem() {
    let status = |status: &str| {
        problem("stack", "staging", |facts| stack_of(&mut facts[1]).status = status.to_owned()).0
    };
    assert!(status("UPDATE_ROLLBACK_COMPLETE").contains("failed"));
    assert_eq!(status("UPDATE_IN_PROGRESS"), "tidegate-staging is UPDATE_IN_PROGRESS");
    assert_eq!(status("ROLLBACK_COMPLETE"), "tidegate-staging is ROLLBACK_COMPLETE");
    let (finding, _) = problem("resources", "staging", |facts| {
        stack_of(&mut facts[1]).resources.retain(|resource| resource.physical != "tidegate-staging-scale");
    });
    assert_eq!(finding, "the stack has no function scale");
    let (finding, _) = problem("resources", "hub", |facts| {
        stack_of(&mut facts[0]).resources[0].status = "UPDATE_FAILED".to_owned();
    });
    assert_eq!(finding, "tidegate-hub-train is UPDATE_FAILED");
}

#[test]
fn a_function_of_another_version_or_without_an_answer_is_a_problem() {
    let (finding, fix) =
        problem("functions", "production", |facts| facts[2].functions[0].1 = Ok("0.2.0".to_owned()));
    assert_eq!(finding, "tidegate-production-deploy is version 0.2.0, this command is 0.1.0");
    assert!(fix.contains("install version 0.2.0"));
    let error = || "the invocation failed: Runtime.ExitError: no environment".to_owned();
    let (finding, fix) = problem("functions", "hub", |facts| facts[0].functions[1].1 = Err(error()));
    assert!(finding.starts_with("tidegate-hub-promote: the invocation failed"), "{finding}");
    assert_eq!(fix, "read its log: aws logs tail /aws/lambda/tidegate-hub-promote --profile hub");
}

#[test]
fn a_rule_or_a_schedule_that_is_disabled_or_missing_is_a_problem() {
    let set = |facts: &mut Facts, state: &str| {
        if let Ok(Some(rule)) = &mut facts.rules[0].1 {
            rule.state = state.to_owned();
        }
    };
    let (finding, fix) = problem("rules", "staging", |facts| set(&mut facts[1], "DISABLED"));
    assert_eq!(finding, "to-hub is DISABLED");
    assert_eq!(
        fix,
        "aws events enable-rule --name to-hub --event-bus-name tidegate-staging --profile staging"
    );
    let found = after(|facts| facts[1].rules[0].1 = Ok(None));
    assert!(
        found
            .iter()
            .any(|(_, _, area, finding, _)| (*area, finding.as_str()) == ("rules", "to-hub does not exist"))
    );
    let off = Ok(Some("DISABLED".to_owned()));
    assert_eq!(
        problem("schedules", "hub", |facts| facts[0].schedules[0].1 = off).0,
        "tidegate-hub-reconcile is DISABLED"
    );
    assert_eq!(
        problem("schedules", "hub", |facts| facts[0].schedules[0].1 = Ok(None)).0,
        "tidegate-hub-reconcile does not exist"
    );
}

#[test]
fn dead_letters_and_alarms_are_problems() {
    let (finding, fix) = problem("dead letters", "production", |facts| facts[2].queues[0].1 = Ok(2));
    assert_eq!(finding, "there are 2 messages in the queue of deploy");
    assert!(
        fix.starts_with("tidegate redrive --ledger production=tidegate-production --function deploy --list"),
        "{fix}"
    );
    let ring = |facts: &mut Vec<Facts>| {
        if let Ok(alarms) = &mut facts[2].alarms {
            alarms[0].state = "ALARM".to_owned();
            alarms[0].reason = "2 messages".to_owned();
        }
    };
    let (finding, _) = problem("alarms", "production", ring);
    assert_eq!(finding, "tidegate-production/deploy/dead-letters is in ALARM: 2 messages");
    assert!(problem("alarms", "hub", |facts| facts[0].alarms = Ok(vec![])).0.ends_with("does not exist"));
}

#[test]
fn what_cannot_be_read_is_a_problem() {
    let denied = || "events:DescribeRule failed (Denied): AccessDenied: no".to_owned();
    for (area, change) in [
        (
            "rules",
            Box::new(|facts: &mut Vec<Facts>| facts[1].rules.push(("x".to_owned(), Err("denied".to_owned()))))
                as Box<dyn FnOnce(&mut Vec<Facts>)>,
        ),
        ("schedules", Box::new(|facts| facts[1].schedules[0].1 = Err("denied".to_owned()))),
        ("dead letters", Box::new(|facts| facts[1].queues[0].1 = Err("denied".to_owned()))),
        ("alarms", Box::new(|facts| facts[1].alarms = Err("denied".to_owned()))),
        ("buses", Box::new(|facts| facts[1].bus_policy = Err("denied".to_owned()))),
        ("ledger", Box::new(|facts| facts[1].policies = Err("denied".to_owned()))),
    ] {
        let (finding, fix) = problem(area, "staging", change);
        assert!(finding.contains("denied") && fix.contains("permissions"), "{area}: {finding}; {fix}");
    }
    let found = after(|facts| facts[1].stack = Err(denied()));
    assert!(
        found.iter().any(|(state, _, area, ..)| (*state, *area) == (State::Problem, "stack")),
        "{found:?}"
    );
}

#[test]
fn a_rule_that_cannot_be_read_is_not_reported_as_missing() {
    let found = after(|facts| {
        for facts in facts {
            facts.rules.iter_mut().for_each(|(_, seen)| *seen = Err("denied".to_owned()));
        }
    });
    assert_eq!(found.len(), 4, "the four rules: {found:#?}");
    assert!(
        found.iter().all(|(_, _, area, finding, _)| *area == "rules" && finding.contains("denied")),
        "{found:#?}"
    );
}

#[test]
fn buses_that_do_not_admit_each_other_are_problems() {
    let (finding, _) = problem("buses", "staging", |facts| facts[1].bus_policy = Ok(Some(Value::Null)));
    assert_eq!(
        finding,
        "bus tidegate-staging does not admit Deployment Requested and Retraining Finished and Hold Placed and Hold Released from account \
         111122223333"
    );
    let (finding, _) = problem("buses", "hub", |facts| {
        facts[0].bus_policy = Ok(Some(json!({ "Statement": [admitting(STAGING, &TO_HUB)] })));
    });
    assert!(
        finding.ends_with(
            "does not admit Deployment Finished and Deployment Waiting and Endpoint Health Changed and Retraining \
             Requested from account 777788889999"
        ),
        "{finding}"
    );
    let (finding, fix) = problem("buses", "staging", |facts| {
        stack_of(&mut facts[1]).parameters.insert("HubAccountId".to_owned(), "123456789012".to_owned());
    });
    assert!(
        finding.contains("accepts requests from account 123456789012")
            && fix.contains("hub.account: \"111122223333\""),
        "{finding}; {fix}"
    );
    let (finding, fix) = problem("buses", "production", |facts| facts[2].rules.clear());
    assert!(finding.starts_with("no rule of tidegate-production forwards reports"), "{finding}");
    assert!(fix.contains("to-hub.yaml"), "{fix}");
    let found = after(|facts| {
        facts[0].rules.pop();
    });
    assert!(found.iter().any(|(_, _, area, finding, _)| *area == "buses"
        && finding.starts_with("no rule of tidegate-hub forwards")));
}

#[test]
fn accounts_that_were_not_specified_are_unchecked_and_not_a_problem() {
    let found = after(|facts| facts.truncate(2));
    assert!(found.iter().all(|(state, ..)| *state == State::Unchecked), "{found:#?}");
    assert_eq!(found.len(), 2, "the bus, and the policy's environment: {found:#?}");
    let found = after(|facts| {
        facts.remove(0);
    });
    assert!(found.iter().all(|(state, ..)| *state == State::Unchecked), "{found:#?}");
}

fn apply(facts: &mut Facts, policy: &Policy) {
    facts.policies = Ok(vec![("churn".to_owned(), Ok(Some(applied(policy))))]);
}

#[test]
fn a_source_of_which_no_push_was_ever_seen_is_named_in_the_hub() {
    let github = policy(&[
        ("repository: codecommit:churn-model", "repository: github:acme/churn"),
        ("{ file: pipeline.json }", "{ keep: true }"),
    ]);
    let found = after(|facts| facts.iter_mut().for_each(|facts| apply(facts, &github)));
    let [(State::Unchecked, place, "policies", finding, fix)] = found.as_slice() else {
        panic!("{found:#?}")
    };
    assert_eq!(finding, "no push of github:acme/churn was ever seen for churn");
    assert!(place.starts_with("hub=") && fix.contains("Commit Pushed"), "{found:#?}");
    let found = after(|facts| {
        facts.iter_mut().for_each(|facts| apply(facts, &github));
        facts[0].pushed.push("churn".to_owned());
    });
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn policies_that_differ_or_are_missing_or_unreadable_are_problems() {
    let (finding, fix) =
        problem("policies", "hub", |facts| apply(&mut facts[2], &policy(&[("soak: 30m", "soak: 1h")])));
    assert!(finding.starts_with("churn is applied in several versions"), "{finding}");
    assert!(fix.contains("--ledger hub=tidegate-hub --ledger staging=tidegate-staging"), "{fix}");
    let (finding, _) = problem("policies", "staging", |facts| facts[1].policies = Ok(vec![]));
    assert_eq!(finding, "the policy of churn is applied in another ledger and not in this one");
    let found =
        after(|facts| facts[1].policies = Ok(vec![("churn".to_owned(), Err("it is no policy".to_owned()))]));
    assert!(
        found
            .iter()
            .any(|(_, _, area, finding, _)| (*area, finding.as_str()) == ("policies", "it is no policy")),
        "{found:#?}"
    );
}

#[test]
fn an_environment_that_is_not_in_the_account_of_the_policy_is_a_problem() {
    let everywhere = |policy: Policy| {
        move |facts: &mut Vec<Facts>| facts.iter_mut().for_each(|facts| apply(facts, &policy))
    };
    let found = after(everywhere(policy(&[("\"777788889999\"", "\"123456789012\"")])));
    let finding = "production of churn is in 123456789012 us-east-1, and the hub forwards to no bus there";
    assert!(
        found.iter().any(|(state, _, _, found, _)| (*state, found.as_str()) == (State::Problem, finding)),
        "{found:#?}"
    );
    let found = after(everywhere(policy(&[("name: production", "name: live")])));
    let finding =
        "live of churn is in 777788889999 us-east-1, where the stack has the environment `production`";
    assert!(
        found.iter().any(|(state, _, _, found, _)| (*state, found.as_str()) == (State::Problem, finding)),
        "{found:#?}"
    );
}

#[test]
fn a_policy_that_violates_a_new_rule_is_a_problem() {
    let mut older = policy(&[]);
    older.environments.retain(|environment| environment.name.as_str() == "production");
    let twice = older.environments[0].clone();
    older.environments.push(twice);
    let found = after(move |facts| facts.iter_mut().for_each(|facts| apply(facts, &older)));
    assert!(
        found
            .iter()
            .any(|(_, _, area, finding, _)| *area == "policies" && finding.contains("violates a rule")),
        "{found:#?}"
    );
}
