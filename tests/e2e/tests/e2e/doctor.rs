//! `tidegate doctor` on an installation that is well, and on the same with something broken.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_sandbox::{Account, HUB, PRODUCTION, STAGING};

use crate::command_line_permissions::{Permitted, permitted};
use crate::model::Model;
use crate::operator::{CommandOutput, Operator, ledger};
use crate::shared_run::{SharedRun, block_on};
use crate::test_cloud::{TestCloud, queue_url, text};

const POLECAT: Model = Model::plain("polecat");

pub(crate) struct Visits {
    pub(crate) permitted: Permitted,
    fresh: CommandOutput,
    with_a_policy: CommandOutput,
    in_words: CommandOutput,
    rule_off: CommandOutput,
    dead_letter: CommandOutput,
    no_such_stack: CommandOutput,
    hub_alone: CommandOutput,
    bus_shut: CommandOutput,
    another_policy: CommandOutput,
    well_again: CommandOutput,
}

static VISITS: SharedRun<Visits> = SharedRun::new();

pub(crate) async fn visits() -> Arc<Visits> {
    VISITS.get_or_run(scenario).await
}

async fn events(test: &TestCloud, account: Account, operation: &str, body: Value) {
    let call = test.cloud.aws().json(account.id, "events", &format!("AWSEvents.{operation}"), body).await;
    call.unwrap_or_else(|error| panic!("{error}"));
}

async fn sqs(test: &TestCloud, operation: &str, mut body: Value) {
    body["QueueUrl"] = json!(queue_url(PRODUCTION, "scale"));
    let call = test.cloud.aws().json(PRODUCTION.id, "sqs", &format!("AmazonSQS.{operation}"), body).await;
    call.unwrap_or_else(|error| panic!("{error}"));
}

async fn scenario() -> Visits {
    let test = TestCloud::new().await;
    let operator = Operator::new(&test.cloud);
    let doctor = || operator.run(&["doctor", "--json"]);

    let fresh = doctor();
    test.apply(&POLECAT).await;
    let (with_a_policy, in_words) = (doctor(), operator.run(&["doctor"]));

    let rule = json!({ "Name": "tidegate-staging-deploy-request", "EventBusName": STAGING.stack });
    events(&test, STAGING, "DisableRule", rule.clone()).await;
    let rule_off = operator.run(&["doctor"]);
    events(&test, STAGING, "EnableRule", rule).await;

    let elsewhere = [ledger(HUB), ledger(STAGING), "production=tidegate-live".to_owned()];
    let no_such_stack = operator.run_in(&elsewhere, &["doctor", "--json"]);
    let hub_alone = operator.run_in(&[ledger(HUB)], &["doctor", "--json"]);

    let shut = json!({ "EventBusName": HUB.stack, "StatementId": "tidegate-hub-from-tidegate-production" });
    events(&test, HUB, "RemovePermission", shut.clone()).await;
    let bus_shut = doctor();
    let mut admit = shut;
    admit["Principal"] = json!({ "AWS": format!("arn:aws:iam::{}:root", PRODUCTION.id) });
    events(&test, HUB, "PutPermission", admit).await;

    let another = POLECAT.policy().replace("cooldown: 24h", "cooldown: 12h");
    let file = test.file("another.yaml", &another).display().to_string();
    let applied = operator.run_in(&[ledger(PRODUCTION)], &["apply", &file]);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    let another_policy = doctor();
    let applied = operator.run(&["apply", &file]);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    let well_again = doctor();

    let permitted = permitted(&test, &file).await;
    // Last, because its alarm rings for as long as CloudWatch looks back.
    sqs(&test, "SendMessage", json!({ "MessageBody": "lost" })).await;
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
fn of_state(said: &CommandOutput, state: &str) -> Vec<(String, String, String)> {
    let checks = said.objects().into_iter().filter(|check| text(check, "state") == state);
    let parts = |check: Value| ["ledger", "area", "said"].map(|name| text(&check, name).to_owned()).into();
    checks.map(parts).collect()
}

/// The problem of an area, which is the only one apart from alarms: those ring when CloudWatch says so.
fn problem(said: &CommandOutput, area: &str) -> (String, String) {
    assert_eq!(said.code, Some(1), "{said:?}");
    let mut found = of_state(said, "problem");
    found.retain(|(_, of, _)| of != "alarms");
    let [(ledger, of, what)] = found.as_slice() else { panic!("one problem: {found:#?}") };
    assert_eq!(of, area, "{found:?}");
    (ledger.clone(), what.clone())
}

#[test]
fn a_fresh_installation_has_no_problems() {
    let result = block_on(visits());
    for said in [&result.fresh, &result.with_a_policy, &result.well_again] {
        assert_eq!(said.code, Some(0), "{}{}", said.out, said.error);
        assert_eq!(of_state(said, "problem"), []);
        assert_eq!(of_state(said, "unchecked"), []);
    }
    let well = of_state(&result.with_a_policy, "ok");
    for account in [HUB, STAGING, PRODUCTION] {
        for area in
            ["stack", "resources", "functions", "rules", "schedules", "dead letters", "alarms", "policies"]
        {
            let count = well.iter().filter(|(at, of, _)| *at == ledger(account) && of == area);
            assert!(count.count() >= 1, "{area} of {}", account.stack);
        }
    }
    let said = |wanted: &str| well.iter().any(|(_, _, said)| said == wanted);
    let answers =
        "tidegate-hub-operate, tidegate-hub-promote, tidegate-hub-train answer with version 0.1.0 (";
    assert!(well.iter().any(|(_, _, said)| said.starts_with(answers)), "{well:#?}");
    assert!(said("hub=tidegate-hub and production=tidegate-production admit each other"), "{well:#?}");
    assert!(said("1 applied, all valid"), "{well:#?}");
}

#[test]
fn there_is_one_line_for_each_check() {
    let result = block_on(visits());
    assert_eq!(
        result.in_words.out.lines().count(),
        result.with_a_policy.out.lines().count(),
        "{}",
        result.in_words.out
    );
    assert!(result.in_words.out.lines().all(|line| line.starts_with("ok ")), "{}", result.in_words.out);
}

#[test]
fn a_disabled_rule_is_named_with_the_command_that_enables_it() {
    let result = block_on(visits());
    assert_eq!(result.rule_off.code, Some(1));
    let problem =
        "problem    staging=tidegate-staging        rules: tidegate-staging-deploy-request is DISABLED\n";
    let fix = "fix: aws events enable-rule --name tidegate-staging-deploy-request --event-bus-name \
         tidegate-staging --profile staging";
    assert!(
        result.rule_off.out.contains(problem) && result.rule_off.out.contains(fix),
        "{}",
        result.rule_off.out
    );
    assert_eq!(result.rule_off.error, "there is one problem\n");
}

#[test]
fn a_dead_letter_is_named_with_its_queue() {
    let result = block_on(visits());
    assert_eq!(
        problem(&result.dead_letter, "dead letters"),
        (ledger(PRODUCTION), "there is one message in the queue of scale".to_owned())
    );
}

#[test]
fn a_stack_that_is_missing_is_named() {
    let result = block_on(visits());
    assert_eq!(result.no_such_stack.code, Some(1));
    let problems = of_state(&result.no_such_stack, "problem");
    let wanted = ("stack".to_owned(), "there is no stack tidegate-live".to_owned());
    assert!(problems.iter().any(|(_, area, said)| (area, said) == (&wanted.0, &wanted.1)), "{problems:#?}");
    let staging = of_state(&result.no_such_stack, "ok");
    assert!(staging.iter().any(|(at, area, _)| *at == ledger(STAGING) && area == "rules"), "{staging:#?}");
}

#[test]
fn a_stack_that_is_not_given_is_not_reported_as_ok() {
    let result = block_on(visits());
    assert_eq!(result.hub_alone.code, Some(0), "{:?}", result.hub_alone);
    let unchecked = of_state(&result.hub_alone, "unchecked");
    let buses = unchecked.iter().filter(|(_, area, _)| area == "buses").count();
    let policies = unchecked.iter().filter(|(_, area, _)| area == "policies").count();
    assert_eq!((buses, policies), (2, 2), "{unchecked:#?}");
}

#[test]
fn a_bus_that_admits_nobody_is_named() {
    let result = block_on(visits());
    let (ledger_of, said) = problem(&result.bus_shut, "buses");
    assert_eq!(ledger_of, ledger(HUB));
    assert!(said.starts_with("bus tidegate-hub does not admit Deployment Finished"), "{said}");
    assert!(said.ends_with(&format!("from account {}", PRODUCTION.id)), "{said}");
}

#[test]
fn a_policy_in_two_versions_is_named() {
    let result = block_on(visits());
    let (_, said) = problem(&result.another_policy, "policies");
    assert!(said.starts_with("polecat is applied in several versions"), "{said}");
}
