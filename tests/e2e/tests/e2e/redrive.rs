//! An operator sees what waits and why, finds the dead letters, and lets them go on.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_sandbox::{Account, HUB, PRODUCTION, STAGING};
use tidegate_world::Snapshot;

use crate::model::Model;
use crate::operator::{CommandOutput, Operator, ledger};
use crate::shared_run::{SharedRun, block_on};
use crate::test_cloud::{TestCloud, dead_letters, queue_url, text};

const WEASEL: Model = Model { production_more: "    gates: { soak: 2h }", ..Model::plain("weasel") };

pub(crate) struct Redriven {
    listed: CommandOutput,
    still_there: usize,
    only_scale: CommandOutput,
    no_such_function: CommandOutput,
    refused_again: CommandOutput,
    kept: usize,
    sent: CommandOutput,
    none: CommandOutput,
    left: Vec<(String, usize)>,
    after: Snapshot,
    forward: CommandOutput,
    forwarded: CommandOutput,
    delivered: Value,
    unknown: CommandOutput,
    unknown_kept: usize,
    why: CommandOutput,
    why_json: CommandOutput,
    status: CommandOutput,
    history: CommandOutput,
    history_since: CommandOutput,
}

static REDRIVEN: SharedRun<Redriven> = SharedRun::new();

pub(crate) async fn redriven() -> Arc<Redriven> {
    REDRIVEN.get_or_run(scenario).await
}

async fn scenario() -> Redriven {
    let mut test = TestCloud::new().await;
    let operator = Operator::new(&test.cloud);
    test.introduce(&WEASEL).await;
    let package = test.train(&WEASEL, 1).await;
    let readers = stop_reading(&test);
    test.approve(&package);
    wait_for_letters(&mut test, STAGING, "deploy").await;

    let listed = operator.run(&["redrive", "--list", "--json"]);
    let still_there = dead_letters(&test.cloud, STAGING, "deploy").await;
    let only_scale = operator.run(&["redrive", "--function", "scale"]);
    let no_such_function = operator.run(&["redrive", "--function", "teleport"]);
    // Nothing was mended: the event fails again, and is there again.
    let refused_again = operator.run(&["redrive"]);
    wait_for_letters(&mut test, STAGING, "deploy").await;
    let kept = dead_letters(&test.cloud, STAGING, "deploy").await;

    put_readers(&test, &readers);
    let sent = operator.run(&["redrive", "--function", "deploy"]);
    test.wait_for_decision(&WEASEL, STAGING, "deploy", "succeeded", "answered").await;
    test.wait_for_decision(&WEASEL, HUB, "promote", "wait", "soaking").await;
    let none = operator.run(&["redrive"]);
    let (left, after) = (test.all_dead_letters().await, test.snapshot());

    let why = operator.run(&["why", WEASEL.name, "production"]);
    let why_json = operator.run(&["why", WEASEL.name, "production", "--json"]);
    let status = operator.run(&["status", "--json"]);
    let history = operator.run(&["history", WEASEL.name]);
    let history_since = operator.run(&["history", WEASEL.name, "--since", "1s"]);

    let (forward, forwarded, delivered) = undelivered(&mut test, &operator).await;
    let message = json!({ "QueueUrl": queue_url(PRODUCTION, "respond"), "MessageBody": "who wrote this?" });
    ask(&test, PRODUCTION, "sqs", "AmazonSQS.SendMessage", message).await;
    let unknown = operator.run(&["redrive"]);
    let unknown_kept = dead_letters(&test.cloud, PRODUCTION, "respond").await;
    Redriven {
        listed,
        still_there,
        only_scale,
        no_such_function,
        refused_again,
        kept,
        sent,
        none,
        left,
        after,
        forward,
        forwarded,
        delivered,
        unknown,
        unknown_kept,
        why,
        why_json,
        status,
        history,
        history_since,
    }
}

/// Staging's bus is shut for a while: the hub's rule cannot deliver.
async fn undelivered(test: &mut TestCloud, operator: &Operator) -> (CommandOutput, CommandOutput, Value) {
    let mut bus = json!({ "EventBusName": STAGING.stack, "StatementId": "tidegate-staging-from-hub" });
    ask(test, STAGING, "events", "AWSEvents.RemovePermission", bus.clone()).await;
    let package = test.train(&WEASEL, 2).await;
    test.approve(&package);
    wait_for_letters(test, HUB, "forward").await;
    let forward = operator.run(&["redrive", "--list", "--json"]);
    bus["Principal"] = json!({ "AWS": format!("arn:aws:iam::{}:root", HUB.id) });
    ask(test, STAGING, "events", "AWSEvents.PutPermission", bus).await;
    let forwarded = operator.run(&["redrive", "--function", "forward", "--json"]);
    let about = |decision: &&Value| {
        text(decision, "account") == STAGING.id
            && text(&decision["event"], "detail_type") == "Deployment Requested"
            && decision["event"].to_string().contains(&package)
    };
    let begun = std::time::Instant::now();
    let delivered = loop {
        if let Some(found) = test.decisions().iter().find(about) {
            break found.clone();
        }
        test.poll().await;
        assert!(begun.elapsed() < crate::test_cloud::MAX_WAIT, "nothing was delivered\n{}", test.history());
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };
    (forward, forwarded, delivered)
}

async fn ask(test: &TestCloud, account: Account, service: &str, target: &str, body: Value) {
    let call = test.cloud.aws().json(account.id, service, target, body).await;
    call.unwrap_or_else(|error| panic!("{error}"));
}

/// The hub forgets to let staging read the registry; returns what it forgot.
fn stop_reading(test: &TestCloud) -> String {
    let group = json!({ "ModelPackageGroupName": WEASEL.group() });
    let answer = test.ask(HUB, "GetModelPackageGroupPolicy", &group);
    let readers = text(&answer, "ResourcePolicy").to_owned();
    put_readers(test, &readers.replace(STAGING.id, PRODUCTION.id));
    readers
}

fn put_readers(test: &TestCloud, policy: &str) {
    let put = json!({ "ModelPackageGroupName": WEASEL.group(), "ResourcePolicy": policy });
    test.ask(HUB, "PutModelPackageGroupPolicy", &put);
}

async fn wait_for_letters(test: &mut TestCloud, account: Account, function: &str) {
    let begun = std::time::Instant::now();
    while dead_letters(&test.cloud, account, function).await == 0 {
        test.poll().await;
        assert!(
            begun.elapsed() < crate::test_cloud::MAX_WAIT,
            "no dead letter of {function}\n{}",
            test.history()
        );
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

#[test]
fn a_list_shows_failures_with_reasons_and_keeps_them() {
    let result = block_on(redriven());
    assert_eq!(result.listed.code, Some(0), "{:?}", result.listed);
    let listed = result.listed.objects();
    let [letter] = listed.as_slice() else { panic!("{listed:#?}") };
    assert_eq!((text(letter, "ledger"), text(letter, "queue")), (ledger(STAGING).as_str(), "deploy"));
    assert_eq!((text(letter, "failed"), text(letter, "outcome")), ("the function failed", "listed"));
    assert!(
        text(letter, "error").starts_with("Denied: ")
            && text(letter, "error").contains("DescribeModelPackage"),
        "{letter}"
    );
    assert_eq!(letter["attempts"], json!(3));
    assert_eq!(text(&letter["event"], "detail_type"), "Deployment Requested");
    assert_eq!(result.still_there, 1);
}

#[test]
fn only_the_named_function_is_redriven() {
    let result = block_on(redriven());
    assert_eq!(
        (result.only_scale.code, result.only_scale.out.as_str()),
        (Some(0), "the dead-letter queues are empty\n")
    );
    assert_eq!(result.no_such_function.code, Some(2), "{:?}", result.no_such_function);
    let wanted = "there is no dead-letter queue of `teleport`; the queues are those of deploy, forward, \
         operate, promote, respond, scale, train\n";
    assert_eq!(result.no_such_function.error, wanted);
}

#[test]
fn an_event_whose_cause_persists_becomes_a_dead_letter_again() {
    let result = block_on(redriven());
    assert_eq!(result.refused_again.code, Some(0), "it was accepted: {:?}", result.refused_again);
    assert_eq!(result.kept, 1);
}

#[test]
fn a_redriven_event_finishes_its_plan_once() {
    let result = block_on(redriven());
    assert_eq!(result.sent.code, Some(0), "{:?}", result.sent);
    let lines: Vec<&str> = result.sent.out.lines().collect();
    assert!(lines[0].starts_with("staging=tidegate-staging deploy sent  "), "{lines:#?}");
    assert!(lines[0].contains("Deployment Requested ("), "{lines:#?}");
    assert!(lines[1].starts_with("    the function failed after 3 attempts: Denied: "), "{lines:#?}");
    assert_eq!(lines[2], "    goes to function tidegate-staging-deploy");
    let staging = result.after.endpoint(STAGING.id, &WEASEL.in_staging()).expect("staging serves");
    assert_eq!(staging.status, "InService");
    assert!(result.left.iter().all(|(_, count)| *count == 0), "{:?}", result.left);
    assert_eq!((result.none.code, result.none.out.as_str()), (Some(0), "the dead-letter queues are empty\n"));
}

#[test]
fn an_undelivered_event_reaches_the_other_account_after_a_redrive() {
    let result = block_on(redriven());
    let listed = result.forward.objects();
    let [letter] = listed.as_slice() else { panic!("{listed:#?}") };
    assert_eq!((text(letter, "ledger"), text(letter, "queue")), (ledger(HUB).as_str(), "forward"));
    assert_eq!(text(letter, "failed"), "the rule could not deliver");
    assert!(text(letter, "error").starts_with("NO_PERMISSIONS: "), "{letter}");
    let sent = result.forwarded.objects();
    assert_eq!(
        (result.forwarded.code, text(&sent[0], "outcome")),
        (Some(0), "sent"),
        "{:?}",
        result.forwarded
    );
    assert_eq!(text(&sent[0], "way"), "function tidegate-hub-promote publishes it again");
    assert_eq!(text(&result.delivered["event"], "detail_type"), "Deployment Requested");
    let idempotency_key = text(&result.delivered["event"], "idempotency_key");
    assert!(idempotency_key.ends_with(&format!("from {}", HUB.id)), "{idempotency_key}");
}

#[test]
fn an_unknown_message_stays_and_is_an_error() {
    let result = block_on(redriven());
    assert_eq!(result.unknown.code, Some(1), "{:?}", result.unknown);
    assert!(
        result.unknown.out.contains("production=tidegate-production respond kept"),
        "{}",
        result.unknown.out
    );
    assert_eq!(result.unknown.error, "1 of 1 messages could not be redriven and are still in their queues\n");
    assert_eq!(result.unknown_kept, 1);
}

#[test]
fn why_reports_the_soak_that_blocks_production() {
    let result = block_on(redriven());
    assert_eq!(result.why.code, Some(0), "{:?}", result.why);
    let message = "version 1 does not enter production yet: the version soaks until ";
    assert!(result.why.out.starts_with(message), "{}", result.why.out);
    for evidence in [
        "    live version: none, expected 1",
        "    in staging: live since ",
        "    soak in previous environment: 2h",
    ] {
        assert!(result.why.out.contains(evidence), "{evidence}: {}", result.why.out);
    }
    let answer = &result.why_json.objects()[0];
    assert_eq!((text(answer, "reason"), &answer["blocks"]), ("soaking", &json!(true)));
    let until: jiff::Timestamp = text(answer, "until").parse().expect("a time");
    let left = until.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((6_000..7_200).contains(&left), "{left}");
}

#[test]
fn status_has_a_line_for_each_place() {
    let result = block_on(redriven());
    assert_eq!(result.status.code, Some(0), "{:?}", result.status);
    let rows = result.status.objects();
    let cell = |at: usize, name: &str| rows[at][name].clone();
    let places: Vec<&str> = rows.iter().map(|row| text(row, "environment")).collect();
    assert_eq!(places, ["hub", "staging", "production"]);
    assert_eq!((cell(1, "live"), cell(1, "wanted"), cell(1, "waits_for")), (json!(1), json!(1), Value::Null));
    assert_eq!((cell(2, "live"), cell(2, "wanted")), (Value::Null, json!(1)));
    assert_eq!(text(&cell(2, "waits_for"), "reason"), "soaking");
    assert_eq!(text(&cell(0, "last_decision"), "function"), "promote");
    assert_eq!(text(&cell(1, "last_decision"), "verdict"), "succeeded");
}

#[test]
fn history_is_one_line_for_each_decision_newest_last() {
    let result = block_on(redriven());
    let lines: Vec<&str> = result.history.out.lines().collect();
    assert!(lines[0].contains("train") && lines[0].contains("start"), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("staging") && line.ends_with("(answered)")), "{lines:#?}");
    let times: Vec<&str> = lines.iter().map(|line| &line[..20]).collect();
    assert!(times.is_sorted(), "{lines:#?}");
    assert!(result.history_since.out.lines().count() < lines.len(), "{}", result.history_since.out);
}
