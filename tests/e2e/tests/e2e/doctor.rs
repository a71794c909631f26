//! `tidegate doctor` on an installation that is well, and on the same with something broken.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_sandbox::{Account, HUB, PRODUCTION, STAGING};

use crate::command_line_permissions::{Permitted, permitted};
use crate::model::Model;
use crate::operator::{Operator, Said, ledger};
use crate::stage::{Stage, queue_url, text};
use crate::tale::{Tale, play};

const POLECAT: Model = Model::plain("polecat");

pub(crate) struct Visits {
    pub(crate) permitted: Permitted,
    fresh: Said,
    with_a_policy: Said,
    in_words: Said,
    rule_off: Said,
    dead_letter: Said,
    no_such_stack: Said,
    hub_alone: Said,
    bus_shut: Said,
    another_policy: Said,
    well_again: Said,
}

static VISITS: Tale<Visits> = Tale::untold();

pub(crate) async fn visits() -> Arc<Visits> {
    VISITS.told_by(story).await
}

async fn events(stage: &Stage, account: Account, operation: &str, body: Value) {
    let call = stage.cloud.aws().json(account.id, "events", &format!("AWSEvents.{operation}"), body).await;
    call.unwrap_or_else(|error| panic!("{error}"));
}

async fn sqs(stage: &Stage, operation: &str, mut body: Value) {
    body["QueueUrl"] = json!(queue_url(PRODUCTION, "scale"));
    let call = stage.cloud.aws().json(PRODUCTION.id, "sqs", &format!("AmazonSQS.{operation}"), body).await;
    call.unwrap_or_else(|error| panic!("{error}"));
}

async fn story() -> Visits {
    let stage = Stage::new().await;
    let operator = Operator::new(&stage.cloud);
    let doctor = || operator.run(&["doctor", "--json"]);

    let fresh = doctor();
    stage.apply(&POLECAT).await;
    let (with_a_policy, in_words) = (doctor(), operator.run(&["doctor"]));

    let rule = json!({ "Name": "tidegate-staging-deploy-request", "EventBusName": STAGING.stack });
    events(&stage, STAGING, "DisableRule", rule.clone()).await;
    let rule_off = operator.run(&["doctor"]);
    events(&stage, STAGING, "EnableRule", rule).await;

    let elsewhere = [ledger(HUB), ledger(STAGING), "production=tidegate-live".to_owned()];
    let no_such_stack = operator.run_in(&elsewhere, &["doctor", "--json"]);
    let hub_alone = operator.run_in(&[ledger(HUB)], &["doctor", "--json"]);

    let shut = json!({ "EventBusName": HUB.stack, "StatementId": "environment-2" });
    events(&stage, HUB, "RemovePermission", shut.clone()).await;
    let bus_shut = doctor();
    let mut admit = shut;
    admit["Principal"] = json!({ "AWS": format!("arn:aws:iam::{}:root", PRODUCTION.id) });
    events(&stage, HUB, "PutPermission", admit).await;

    let another = POLECAT.policy().replace("cooldown: 24h", "cooldown: 12h");
    let file = stage.file("another.yaml", &another).display().to_string();
    let applied = operator.run_in(&[ledger(PRODUCTION)], &["apply", &file]);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    let another_policy = doctor();
    let applied = operator.run(&["apply", &file]);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    let well_again = doctor();

    let permitted = permitted(&stage, &file).await;
    // Last, because its alarm rings for as long as CloudWatch looks back.
    sqs(&stage, "SendMessage", json!({ "MessageBody": "lost" })).await;
    let dead_letter = doctor();
    Visits {
        permitted,
        fresh,
        with_a_policy,
        in_words,
        rule_off,
        dead_letter,
        no_such_stack,
        hub_alone,
        bus_shut,
        another_policy,
        well_again,
    }
}

/// What is in a state: ledger, area, said.
fn of_state(said: &Said, state: &str) -> Vec<(String, String, String)> {
    let checks = said.objects().into_iter().filter(|check| text(check, "state") == state);
    let parts = |check: Value| ["ledger", "area", "said"].map(|name| text(&check, name).to_owned()).into();
    checks.map(parts).collect()
}

/// The problem of an area, which is the only one apart from alarms: those ring when CloudWatch says so.
fn problem(said: &Said, area: &str) -> (String, String) {
    assert_eq!(said.code, Some(1), "{said:?}");
    let mut found = of_state(said, "problem");
    found.retain(|(_, of, _)| of != "alarms");
    let [(ledger, of, what)] = found.as_slice() else { panic!("one problem: {found:#?}") };
    assert_eq!(of, area, "{found:?}");
    (ledger.clone(), what.clone())
}

#[test]
fn a_fresh_installation_is_well() {
    let told = play(visits());
    for said in [&told.fresh, &told.with_a_policy, &told.well_again] {
        assert_eq!(said.code, Some(0), "{}{}", said.out, said.error);
        assert_eq!(of_state(said, "problem"), []);
        assert_eq!(of_state(said, "unchecked"), []);
    }
    let well = of_state(&told.with_a_policy, "ok");
    for account in [HUB, STAGING, PRODUCTION] {
        for area in
            ["stack", "resources", "functions", "rules", "schedules", "dead letters", "alarms", "policies"]
        {
            let count = well.iter().filter(|(at, of, _)| *at == ledger(account) && of == area);
            assert!(count.count() >= 1, "{area} of {}", account.stack);
        }
    }
    let said = |wanted: &str| well.iter().any(|(_, _, said)| said == wanted);
    assert!(said("tidegate-hub-promote, tidegate-hub-train answer and are version 0.1.0"), "{well:#?}");
    assert!(said("hub=tidegate-hub and production=tidegate-production admit each other"), "{well:#?}");
    assert!(said("1 applied, all valid"), "{well:#?}");
}

#[test]
fn there_is_one_line_for_each_check() {
    let told = play(visits());
    assert_eq!(
        told.in_words.out.lines().count(),
        told.with_a_policy.out.lines().count(),
        "{}",
        told.in_words.out
    );
    assert!(told.in_words.out.lines().all(|line| line.starts_with("ok ")), "{}", told.in_words.out);
}

#[test]
fn a_disabled_rule_is_named_with_the_command_that_enables_it() {
    let told = play(visits());
    assert_eq!(told.rule_off.code, Some(1));
    let problem =
        "problem    staging=tidegate-staging        rules: tidegate-staging-deploy-request is DISABLED\n";
    let fix = "fix: aws events enable-rule --name tidegate-staging-deploy-request --event-bus-name \
         tidegate-staging --profile staging";
    assert!(told.rule_off.out.contains(problem) && told.rule_off.out.contains(fix), "{}", told.rule_off.out);
    assert_eq!(told.rule_off.error, "there is one problem\n");
}

#[test]
fn a_dead_letter_is_named_with_its_queue() {
    let told = play(visits());
    assert_eq!(
        problem(&told.dead_letter, "dead letters"),
        (ledger(PRODUCTION), "one waits in the queue of scale".to_owned())
    );
}

#[test]
fn a_stack_that_is_missing_is_named() {
    let told = play(visits());
    assert_eq!(told.no_such_stack.code, Some(1));
    let problems = of_state(&told.no_such_stack, "problem");
    let wanted = ("stack".to_owned(), "there is no stack tidegate-live".to_owned());
    assert!(problems.iter().any(|(_, area, said)| (area, said) == (&wanted.0, &wanted.1)), "{problems:#?}");
    let staging = of_state(&told.no_such_stack, "ok");
    assert!(staging.iter().any(|(at, area, _)| *at == ledger(STAGING) && area == "rules"), "{staging:#?}");
}

#[test]
fn what_was_not_given_is_not_called_well() {
    let told = play(visits());
    assert_eq!(told.hub_alone.code, Some(0), "{:?}", told.hub_alone);
    let unchecked = of_state(&told.hub_alone, "unchecked");
    let buses = unchecked.iter().filter(|(_, area, _)| area == "buses").count();
    let policies = unchecked.iter().filter(|(_, area, _)| area == "policies").count();
    assert_eq!((buses, policies), (2, 2), "{unchecked:#?}");
}

#[test]
fn a_bus_that_admits_nobody_is_named() {
    let told = play(visits());
    let (ledger_of, said) = problem(&told.bus_shut, "buses");
    assert_eq!(ledger_of, ledger(HUB));
    assert!(said.starts_with("bus tidegate-hub does not admit Deployment Finished"), "{said}");
    assert!(said.ends_with(&format!("from account {}", PRODUCTION.id)), "{said}");
}

#[test]
fn a_policy_in_two_versions_is_named() {
    let told = play(visits());
    let (_, said) = problem(&told.another_policy, "policies");
    assert!(said.starts_with("polecat is applied in several versions"), "{said}");
}
