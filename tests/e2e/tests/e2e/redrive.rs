//! An operator sees what waits and why, finds the dead letters, and lets them go on.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_sandbox::{Account, HUB, PRODUCTION, STAGING};
use tidegate_world::Snapshot;

use crate::model::Model;
use crate::operator::{Operator, Said, ledger};
use crate::shared::sample;
use crate::stage::{Stage, dead_letters, queue_url, text};
use crate::tale::{Tale, play};

const WEASEL: Model = Model { production_more: "    gates: { soak: 2h }", ..Model::plain("weasel") };

pub(crate) struct Redriven {
    listed: Said,
    still_there: usize,
    only_scale: Said,
    no_such_function: Said,
    refused_again: Said,
    kept: usize,
    sent: Said,
    none: Said,
    left: Vec<(String, usize)>,
    after: Snapshot,
    forward: Said,
    forwarded: Said,
    delivered: Value,
    unknown: Said,
    unknown_kept: usize,
    why: Said,
    why_json: Said,
    status: Said,
    history: Said,
    history_since: Said,
}

static REDRIVEN: Tale<Redriven> = Tale::untold();

pub(crate) async fn redriven() -> Arc<Redriven> {
    REDRIVEN.told_by(story).await
}

async fn story() -> Redriven {
    let mut stage = Stage::new().await;
    let operator = Operator::new(&stage.cloud);
    stage.introduce(&WEASEL).await;
    let package = stage.train(&WEASEL, 1).await;
    let readers = stop_reading(&stage);
    stage.approve(&package);
    wait_for_letters(&mut stage, STAGING, "deploy").await;

    let listed = operator.run(&["redrive", "--list", "--json"]);
    let still_there = dead_letters(&stage.cloud, STAGING, "deploy").await;
    let only_scale = operator.run(&["redrive", "--function", "scale"]);
    let no_such_function = operator.run(&["redrive", "--function", "teleport"]);
    // Nothing was mended: the event fails again, and is there again.
    let refused_again = operator.run(&["redrive"]);
    wait_for_letters(&mut stage, STAGING, "deploy").await;
    let kept = dead_letters(&stage.cloud, STAGING, "deploy").await;

    put_readers(&stage, &readers);
    let sent = operator.run(&["redrive", "--function", "deploy"]);
    stage.hear(&WEASEL, STAGING, "deploy", "succeeded", "answered").await;
    stage.hear(&WEASEL, HUB, "promote", "wait", "soaking").await;
    let none = operator.run(&["redrive"]);
    let (left, after) = (stage.all_dead_letters().await, stage.snapshot());

    let why = operator.run(&["why", WEASEL.name, "production"]);
    let why_json = operator.run(&["why", WEASEL.name, "production", "--json"]);
    let status = operator.run(&["status", "--json"]);
    let history = operator.run(&["history", WEASEL.name]);
    let history_since = operator.run(&["history", WEASEL.name, "--since", "1s"]);

    let (forward, forwarded, delivered) = undelivered(&mut stage, &operator).await;
    let message = json!({ "QueueUrl": queue_url(PRODUCTION, "respond"), "MessageBody": "who wrote this?" });
    ask(&stage, PRODUCTION, "sqs", "AmazonSQS.SendMessage", message).await;
    let unknown = operator.run(&["redrive"]);
    let unknown_kept = dead_letters(&stage.cloud, PRODUCTION, "respond").await;
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
async fn undelivered(stage: &mut Stage, operator: &Operator) -> (Said, Said, Value) {
    let mut bus = json!({ "EventBusName": STAGING.stack, "StatementId": "hub" });
    ask(stage, STAGING, "events", "AWSEvents.RemovePermission", bus.clone()).await;
    let mut request = sample("contract/deployment-requested.json")["detail"].clone();
    request["model"] = json!(WEASEL.name);
    request["environment_account"] = json!(STAGING.id);
    stage.put_event(HUB, "Deployment Requested", &request).await;
    wait_for_letters(stage, HUB, "forward").await;
    let forward = operator.run(&["redrive", "--list", "--json"]);
    bus["Principal"] = json!({ "AWS": format!("arn:aws:iam::{}:root", HUB.id) });
    ask(stage, STAGING, "events", "AWSEvents.PutPermission", bus).await;
    let forwarded = operator.run(&["redrive", "--function", "forward", "--json"]);
    let id = text(&request, "request_id");
    let about =
        |decision: &&Value| text(decision, "account") == STAGING.id && decision.to_string().contains(id);
    let begun = std::time::Instant::now();
    let delivered = loop {
        if let Some(found) = stage.decisions().iter().find(about) {
            break found.clone();
        }
        stage.listen().await;
        assert!(begun.elapsed() < crate::stage::PATIENCE, "nothing was delivered\n{}", stage.history());
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };
    (forward, forwarded, delivered)
}

async fn ask(stage: &Stage, account: Account, service: &str, target: &str, body: Value) {
    let call = stage.cloud.aws().json(account.id, service, target, body).await;
    call.unwrap_or_else(|error| panic!("{error}"));
}

/// The hub forgets to let staging read the registry; returns what it forgot.
fn stop_reading(stage: &Stage) -> String {
    let group = json!({ "ModelPackageGroupName": WEASEL.group() });
    let answer = stage.ask(HUB, "GetModelPackageGroupPolicy", &group);
    let readers = text(&answer, "ResourcePolicy").to_owned();
    put_readers(stage, &readers.replace(STAGING.id, PRODUCTION.id));
    readers
}

fn put_readers(stage: &Stage, policy: &str) {
    let put = json!({ "ModelPackageGroupName": WEASEL.group(), "ResourcePolicy": policy });
    stage.ask(HUB, "PutModelPackageGroupPolicy", &put);
}

async fn wait_for_letters(stage: &mut Stage, account: Account, function: &str) {
    let begun = std::time::Instant::now();
    while dead_letters(&stage.cloud, account, function).await == 0 {
        stage.listen().await;
        assert!(
            begun.elapsed() < crate::stage::PATIENCE,
            "no dead letter of {function}\n{}",
            stage.history()
        );
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

#[test]
fn a_list_says_what_failed_and_why_and_leaves_it_there() {
    let told = play(redriven());
    assert_eq!(told.listed.code, Some(0), "{:?}", told.listed);
    let listed = told.listed.objects();
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
    assert_eq!(told.still_there, 1);
}

#[test]
fn only_the_function_that_was_named_is_looked_at() {
    let told = play(redriven());
    assert_eq!(
        (told.only_scale.code, told.only_scale.out.as_str()),
        (Some(0), "there are no dead letters\n")
    );
    assert_eq!(told.no_such_function.code, Some(2), "{:?}", told.no_such_function);
    let wanted = "there is no dead-letter queue of `teleport`; there are those of deploy, forward, \
         promote, respond, scale, train\n";
    assert_eq!(told.no_such_function.error, wanted);
}

#[test]
fn an_event_whose_cause_is_not_gone_comes_back() {
    let told = play(redriven());
    assert_eq!(told.refused_again.code, Some(0), "it was accepted: {:?}", told.refused_again);
    assert_eq!(told.kept, 1);
}

#[test]
fn a_redriven_event_finishes_what_it_began_once() {
    let told = play(redriven());
    assert_eq!(told.sent.code, Some(0), "{:?}", told.sent);
    let lines: Vec<&str> = told.sent.out.lines().collect();
    assert!(lines[0].starts_with("staging=tidegate-staging deploy sent  "), "{lines:#?}");
    assert!(lines[0].contains("Deployment Requested ("), "{lines:#?}");
    assert!(lines[1].starts_with("    the function failed after 3 attempts: Denied: "), "{lines:#?}");
    assert_eq!(lines[2], "    goes to function tidegate-staging-deploy");
    let staging = told.after.endpoint(STAGING.id, &WEASEL.in_staging()).expect("staging serves");
    assert_eq!(staging.status, "InService");
    assert!(told.left.iter().all(|(_, count)| *count == 0), "{:?}", told.left);
    assert_eq!((told.none.code, told.none.out.as_str()), (Some(0), "there are no dead letters\n"));
}

#[test]
fn an_event_that_could_not_reach_the_other_account_does_after_all() {
    let told = play(redriven());
    let listed = told.forward.objects();
    let [letter] = listed.as_slice() else { panic!("{listed:#?}") };
    assert_eq!((text(letter, "ledger"), text(letter, "queue")), (ledger(HUB).as_str(), "forward"));
    assert_eq!(text(letter, "failed"), "the rule could not deliver");
    assert!(text(letter, "error").starts_with("NO_PERMISSIONS: "), "{letter}");
    let sent = told.forwarded.objects();
    assert_eq!((told.forwarded.code, text(&sent[0], "outcome")), (Some(0), "sent"), "{:?}", told.forwarded);
    assert_eq!(text(&sent[0], "way"), "goes on bus tidegate-hub");
    assert_eq!(text(&told.delivered["event"], "detail_type"), "Deployment Requested");
    // deploy finds that the package is another model's. What counts is that it heard the hub's request.
    let idempotency_key = text(&told.delivered["event"], "idempotency_key");
    assert!(idempotency_key.ends_with(&format!("from {}", HUB.id)), "{idempotency_key}");
}

#[test]
fn a_message_that_nobody_knows_stays_and_is_a_failure() {
    let told = play(redriven());
    assert_eq!(told.unknown.code, Some(1), "{:?}", told.unknown);
    assert!(told.unknown.out.contains("production=tidegate-production respond kept"), "{}", told.unknown.out);
    assert_eq!(told.unknown.error, "1 of 1 dead letters could not be sent back and are still there\n");
    assert_eq!(told.unknown_kept, 1);
}

#[test]
fn a_soak_is_why_production_has_not_got_it() {
    let told = play(redriven());
    assert_eq!(told.why.code, Some(0), "{:?}", told.why);
    let message = "version 1 does not enter production yet: the version soaks until ";
    assert!(told.why.out.starts_with(message), "{}", told.why.out);
    for evidence in
        ["    live version: none, expected 1", "    in staging: live since ", "    soak before it: 2h"]
    {
        assert!(told.why.out.contains(evidence), "{evidence}: {}", told.why.out);
    }
    let answer = &told.why_json.objects()[0];
    assert_eq!((text(answer, "reason"), &answer["blocks"]), ("soaking", &json!(true)));
    let until: jiff::Timestamp = text(answer, "until").parse().expect("a time");
    let left = until.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((6_000..7_200).contains(&left), "{left}");
}

#[test]
fn status_has_a_line_for_each_place() {
    let told = play(redriven());
    assert_eq!(told.status.code, Some(0), "{:?}", told.status);
    let rows = told.status.objects();
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
    let told = play(redriven());
    let lines: Vec<&str> = told.history.out.lines().collect();
    assert!(lines[0].contains("train") && lines[0].contains("start"), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("staging") && line.ends_with("(answered)")), "{lines:#?}");
    let times: Vec<&str> = lines.iter().map(|line| &line[..20]).collect();
    assert!(times.is_sorted(), "{lines:#?}");
    assert!(told.history_since.out.lines().count() < lines.len(), "{}", told.history_since.out);
}
