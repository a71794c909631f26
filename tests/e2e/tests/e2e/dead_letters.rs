//! Events that cannot be handled: three attempts, a dead letter, an alert, and a redrive that finishes the plan.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_sandbox::{Account, HUB, PRODUCTION, REGION, STAGING};
use tidegate_world::{ApiCall, Snapshot};

use crate::model::Model;
use crate::shared_run::{SharedRun, block_on};
use crate::test_cloud::{TestCloud, queue_url, text};

const SABLE: Model = Model::plain("sable");

/// For each function the kind of event it knows, without what makes it that kind.
const UNREADABLE: [(Account, &str, &str, &str, &str); 5] = [
    (
        HUB,
        "train",
        "aws.codecommit",
        "CodeCommit Repository State Change",
        r#"{"event": "referenceUpdated"}"#,
    ),
    (HUB, "promote", "aws.sagemaker", "SageMaker Model Package State Change", r#"{"ModelPackageName": 7}"#),
    (STAGING, "deploy", "aws.sagemaker", "SageMaker Endpoint State Change", r#"{"EndpointName": "sable"}"#),
    (STAGING, "respond", "aws.cloudwatch", "CloudWatch Alarm State Change", r#"{"alarmName": "odd"}"#),
    (
        STAGING,
        "scale",
        "aws.cloudwatch",
        "CloudWatch Alarm State Change",
        r#"{"configuration": {"metrics": [{"id": "m", "metricStat": {"metric": {"name": "NoCapacityInvocationFailures"}}}]}}"#,
    ),
];

pub(crate) struct DeadLetters {
    unreadable: Vec<(&'static str, Value, String)>,
    refused: Value,
    refused_alert: String,
    while_refused: Snapshot,
    after: Snapshot,
    calls: Vec<ApiCall>,
    pub(crate) permissions: Value,
}

static DEAD_LETTERS: SharedRun<DeadLetters> = SharedRun::new();

pub(crate) async fn dead_letters() -> Arc<DeadLetters> {
    DEAD_LETTERS.get_or_run(scenario).await
}

async fn scenario() -> DeadLetters {
    let mut test = TestCloud::new().await;
    let unreadable = unreadable_events(&mut test).await;
    test.introduce(&SABLE).await;
    let package = test.train(&SABLE, 1).await;
    // The hub forgets to let staging read the registry.
    let group = json!({ "ModelPackageGroupName": SABLE.group() });
    let readers = test.ask(HUB, "GetModelPackageGroupPolicy", &group);
    let only_production = text(&readers, "ResourcePolicy").replace(STAGING.id, PRODUCTION.id);
    put_readers(&test, &only_production);
    test.approve(&package);
    let refused = test.dead_letter(STAGING, "deploy").await;
    let refused_alert = told_of(&mut test, STAGING, "deploy").await;
    let while_refused = test.snapshot();
    // Somebody reads the alert, mends the policy, and sends the event again.
    put_readers(&test, text(&readers, "ResourcePolicy"));
    test.later(STAGING, "deploy", &refused["requestPayload"]).await;
    test.wait_for_decision(&SABLE, STAGING, "deploy", "succeeded", "answered").await;
    test.wait_for_decision(&SABLE, HUB, "promote", "complete", "last_environment").await;
    DeadLetters {
        unreadable,
        refused,
        refused_alert,
        while_refused,
        after: test.snapshot(),
        calls: test.world().calls(),
        permissions: test.permissions().await,
    }
}

/// Sends each function an event that it cannot read; returns what its queue kept and the alert.
async fn unreadable_events(test: &mut TestCloud) -> Vec<(&'static str, Value, String)> {
    for (account, _, source, detail_type, detail) in UNREADABLE {
        let entry = json!({ "Source": source, "DetailType": detail_type, "Detail": detail });
        let body = json!({ "account": account.id, "region": REGION, "entries": [entry] });
        let put = test.cloud.aws().door("/_tidegate/events", &body).await;
        put.unwrap_or_else(|error| panic!("{error}"));
    }
    let mut kept = Vec::new();
    for (account, function, ..) in UNREADABLE {
        let alert = told_of(test, account, function).await;
        kept.push((function, test.dead_letter(account, function).await, alert));
    }
    kept
}

async fn told_of(test: &mut TestCloud, account: Account, function: &str) -> String {
    let alarm = format!("{}/{function}/dead-letters", account.stack);
    test.wait_for_alert(&alarm, |subject, message| format!("{subject} {message}").contains(&alarm)).await
}

fn put_readers(test: &TestCloud, policy: &str) {
    let put = json!({ "ModelPackageGroupName": SABLE.group(), "ResourcePolicy": policy });
    test.ask(HUB, "PutModelPackageGroupPolicy", &put);
}

impl TestCloud {
    /// Waits for a message in a function's dead-letter queue and takes it out, as a person who redrives does.
    pub(crate) async fn dead_letter(&mut self, account: Account, function: &str) -> Value {
        let begun = std::time::Instant::now();
        let (aws, queue) = (self.cloud.aws(), queue_url(account, function));
        loop {
            let ask = json!({ "QueueUrl": queue });
            let answer = aws.json(account.id, "sqs", "AmazonSQS.ReceiveMessage", ask).await;
            let answer = answer.unwrap_or_else(|error| panic!("{error}"));
            if let Some(message) = answer.pointer("/Messages/0") {
                let delete = json!({ "QueueUrl": queue, "ReceiptHandle": text(message, "ReceiptHandle") });
                let deleted = aws.json(account.id, "sqs", "AmazonSQS.DeleteMessage", delete).await;
                deleted.unwrap_or_else(|error| panic!("{error}"));
                return serde_json::from_str(text(message, "Body")).expect("a dead letter is JSON");
            }
            self.poll().await;
            let patience = crate::test_cloud::MAX_WAIT;
            assert!(begun.elapsed() < patience, "no dead letter of {function}\n{}", self.history());
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
}

#[test]
fn an_event_that_cannot_be_read_is_kept_whole_with_the_reason() {
    let result = block_on(dead_letters());
    for (function, letter, _) in &result.unreadable {
        let (_, _, source, detail_type, detail) =
            UNREADABLE.into_iter().find(|(_, f, ..)| f == function).expect("it was sent");
        let event = &letter["requestPayload"];
        assert_eq!((text(event, "source"), text(event, "detail-type")), (source, detail_type));
        assert_eq!(event["detail"].to_string(), detail.replace(": ", ":").replace(", ", ","), "{function}");
        let error = &letter["responsePayload"];
        assert_eq!(text(error, "errorType"), "UnreadableEvent", "{function}: {letter}");
        assert!(text(error, "errorMessage").contains("field `detail."), "{function}: {letter}");
    }
}

#[test]
fn every_dead_letter_raises_an_alert() {
    let result = block_on(dead_letters());
    assert_eq!(result.unreadable.len(), 5);
    for (function, _, alert) in &result.unreadable {
        assert!(alert.contains("ALARM"), "{function}: {alert}");
    }
    assert!(result.refused_alert.starts_with(STAGING.id), "{}", result.refused_alert);
}

#[test]
fn a_denied_call_is_tried_three_times_and_changes_nothing() {
    let result = block_on(dead_letters());
    let denied = |call: &&ApiCall| {
        call.account == STAGING.id && call.operation == "DescribeModelPackage" && call.outcome != "ok"
    };
    let denied: Vec<_> = result.calls.iter().filter(denied).collect();
    assert_eq!(denied.len(), 3, "{denied:?}");
    assert_eq!(text(&result.refused["responsePayload"], "errorType"), "Denied", "{}", result.refused);
    assert_eq!(result.while_refused.endpoints, [], "nothing was made");
}

#[test]
fn a_redriven_event_finishes_its_plan() {
    let result = block_on(dead_letters());
    let staging = result.after.endpoint(STAGING.id, &SABLE.in_staging()).expect("staging serves");
    assert_eq!(staging.status, "InService");
    let production =
        result.after.component(PRODUCTION.id, &SABLE.in_production()).expect("production serves");
    assert_eq!((production.status.as_str(), production.current), ("InService", 1));
}
