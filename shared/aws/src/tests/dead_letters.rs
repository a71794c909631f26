//! Dead-letter queues.

use serde_json::{Value, json};
use tidegate_engine::Class;

use super::cloud::{Answer, cloud, ok, refusal};
use crate::operate::Letter;

const QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/444455556666/tidegate-staging-deploy-dlq";

fn message(id: &str, sent: &str) -> Value {
    json!({
        "MessageId": id, "ReceiptHandle": format!("receipt-{id}"), "Body": "{}",
        "Attributes": { "SentTimestamp": sent },
        "MessageAttributes": { "ERROR_CODE": { "DataType": "String", "StringValue": "NO_PERMISSIONS" } },
    })
}

fn messages<const N: usize>(all: [&Value; N]) -> Answer {
    ok(json!({ "Messages": all.as_slice() }))
}

#[tokio::test]
async fn a_queue_is_read_until_it_is_empty_and_each_message_is_returned_once() {
    let (late, early) = (message("late", "1772443000000"), message("early", "1772442603000"));
    let (aws, wire) = cloud([messages([&late]), messages([&late, &early]), ok(json!({}))]);
    let letters = aws.dead_letters().take_all(QUEUE, 600).await.unwrap();
    let ids: Vec<&str> = letters.iter().map(|letter| letter.id.as_str()).collect();
    assert_eq!(ids, ["early", "late"], "oldest first");
    let first = &letters[0];
    assert_eq!(first.sent_at, Some("2026-03-02T09:10:03Z".parse().unwrap()));
    assert_eq!(first.attributes["ERROR_CODE"], "NO_PERMISSIONS");
    let sent = wire.done();
    assert_eq!(
        sent[0].json(),
        json!({
            "QueueUrl": QUEUE, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1, "VisibilityTimeout": 600,
            "MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["SentTimestamp"],
        })
    );
}

#[tokio::test]
async fn reading_ends_when_only_known_messages_arrive() {
    let same = message("one", "1772442603000");
    let (aws, wire) = cloud([messages([&same]), messages([&same])]);
    assert_eq!(aws.dead_letters().take_all(QUEUE, 600).await.unwrap().len(), 1);
    assert_eq!(wire.done().len(), 2);
}

#[tokio::test]
async fn a_message_is_deleted_or_released_by_its_receipt_handle() {
    let (aws, wire) = cloud([ok(json!({})), ok(json!({}))]);
    let letter = Letter { receipt: "receipt-1".to_owned(), ..Letter::default() };
    aws.dead_letters().remove(QUEUE, &letter).await.unwrap();
    aws.dead_letters().put_back(QUEUE, &letter).await.unwrap();
    let sent = wire.done();
    assert_eq!(sent[0].target, "DeleteMessage");
    assert_eq!(sent[0].json(), json!({ "QueueUrl": QUEUE, "ReceiptHandle": "receipt-1" }));
    assert_eq!(sent[1].target, "ChangeMessageVisibility");
    assert_eq!(
        sent[1].json(),
        json!({ "QueueUrl": QUEUE, "ReceiptHandle": "receipt-1", "VisibilityTimeout": 0 })
    );
}

#[tokio::test]
async fn the_count_includes_invisible_messages() {
    let (aws, wire) = cloud([
        ok(json!({ "Attributes": {
            "ApproximateNumberOfMessages": "2", "ApproximateNumberOfMessagesNotVisible": "3",
        } })),
        ok(json!({ "Attributes": {} })),
        refusal(400, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."),
    ]);
    let letters = aws.dead_letters();
    assert_eq!(letters.count(QUEUE).await.unwrap(), 5);
    assert!(letters.count(QUEUE).await.is_err(), "no number is not zero");
    assert_eq!(letters.count(QUEUE).await.unwrap_err().class, Class::Permanent);
    assert_eq!(
        wire.done()[0].json()["AttributeNames"],
        json!(["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"])
    );
}
