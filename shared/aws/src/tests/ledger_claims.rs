//! The ledger's claims.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate_engine::ports::{Claim, Ledger};
use tidegate_engine::{ActionOutcome, EngineError};

use super::cloud::{Answer, Sent, cloud, ok, refusal, refusal_with};
use super::ledger_records::{record, record_item};

const NOW: &str = "2026-03-02T09:00:00Z";
const LEASE: SignedDuration = SignedDuration::from_secs(60);

fn millis(text: &str) -> String {
    text.parse::<Timestamp>().unwrap().as_millisecond().to_string()
}

/// A claim's item as DynamoDB returns it.
fn item(owner: &str, lease_until: &str, status: &str) -> Value {
    let mut item = json!({
        "pk": { "S": "CLAIM#k" }, "sk": { "S": "CLAIM" }, "owner": { "S": owner },
        "lease_until": { "N": millis(lease_until) }, "status": { "S": status },
    });
    if status != "open" {
        item["decision_pk"] = json!({ "S": "MODEL#churn" });
        item["decision_sk"] = json!({ "S": "DECISION#x" });
        item["decision_id"] = json!({ "S": "d1" });
    }
    item
}

fn taken(item: Value) -> Answer {
    refusal_with(
        400,
        "ConditionalCheckFailedException",
        json!({ "message": "The conditional request failed", "Item": item }),
    )
}

fn condition() -> Answer {
    refusal(400, "ConditionalCheckFailedException", "The conditional request failed")
}

async fn claim(answers: Vec<Answer>) -> (Result<Claim, EngineError>, Vec<Sent>) {
    let (aws, wire) = cloud(answers);
    let told = aws.ledger("ledger").claim("k", "me", NOW.parse().unwrap(), LEASE).await;
    (told, wire.done())
}

#[tokio::test]
async fn a_new_event_is_claimed() {
    let (told, sent) = claim(vec![ok(json!({}))]).await;
    assert_eq!(told.unwrap(), Claim::Fresh);
    assert_eq!(sent[0].target, "PutItem");
    assert_eq!(
        sent[0].json(),
        json!({
            "TableName": "ledger",
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            "Item": {
                "pk": { "S": "CLAIM#k" }, "sk": { "S": "CLAIM" }, "owner": { "S": "me" }, "status": { "S": "open" },
                "lease_until": { "N": millis("2026-03-02T09:01:00Z") },
                // Fourteen days, in seconds.
                "expires_at": { "N": "1774256400" },
            },
        })
    );
}

#[tokio::test]
async fn a_claim_that_is_done_returns_its_record() {
    let done = || taken(item("other", "2026-03-02T08:00:00Z", "done"));
    let (told, sent) = claim(vec![done(), ok(json!({ "Item": record_item(&record()) }))]).await;
    assert_eq!(told.unwrap(), Claim::Done { decision: "d1".to_owned(), record: Some(Box::new(record())) });
    assert_eq!(sent.len(), 2);
    let (told, _) = claim(vec![done(), ok(json!({}))]).await;
    let aged_out = Claim::Done { decision: "d1".to_owned(), record: None };
    assert_eq!(told.unwrap(), aged_out);
}

#[tokio::test]
async fn a_claim_of_another_invocation_is_leased() {
    let (told, _) = claim(vec![taken(item("other", "2026-03-02T09:00:30Z", "open"))]).await;
    assert_eq!(told.unwrap(), Claim::Leased { until: "2026-03-02T09:00:30Z".parse().unwrap() });
}

#[tokio::test]
async fn an_expired_lease_is_taken_over_if_it_has_not_changed() {
    let (told, sent) = claim(vec![taken(item("other", "2026-03-02T08:59:00Z", "open")), ok(json!({}))]).await;
    assert_eq!(told.unwrap(), Claim::Fresh);
    assert_eq!(sent[1].target, "UpdateItem");
    let body = sent[1].json();
    assert_eq!(body["Key"], json!({ "pk": { "S": "CLAIM#k" }, "sk": { "S": "CLAIM" } }));
    assert_eq!(
        body["ConditionExpression"],
        "#owner = :seen AND lease_until = :seen_lease AND #status = :seen_status"
    );
    assert_eq!(
        body["ExpressionAttributeValues"],
        json!({
            ":owner": { "S": "me" }, ":until": { "N": millis("2026-03-02T09:01:00Z") }, ":seen": { "S": "other" },
            ":seen_lease": { "N": millis("2026-03-02T08:59:00Z") }, ":seen_status": { "S": "open" },
            ":expires": { "N": "1774256400" },
        })
    );
}

#[tokio::test]
async fn the_same_owner_does_not_wait_for_the_lease() {
    let (told, _) = claim(vec![taken(item("me", "2026-03-02T09:00:30Z", "open")), ok(json!({}))]).await;
    assert_eq!(told.unwrap(), Claim::Fresh);
}

#[tokio::test]
async fn only_one_of_two_invocations_takes_a_claim_over() {
    let (told, _) = claim(vec![taken(item("other", "2026-03-02T08:59:00Z", "open")), condition()]).await;
    assert_eq!(told.unwrap(), Claim::Leased { until: "2026-03-02T09:01:00Z".parse().unwrap() });
}

#[tokio::test]
async fn a_plan_is_resumed_after_its_last_outcome() {
    let mut half = item("other", "2026-03-02T08:59:00Z", "decided");
    half["outcomes"] = json!({ "S": "[{\"detail\":\"started\"}]" });
    let found = ok(json!({ "Item": record_item(&record()) }));
    let (told, _) = claim(vec![taken(half.clone()), ok(json!({})), found]).await;
    let Claim::Resume(resumed) = told.unwrap() else { panic!("a plan to resume") };
    assert_eq!(resumed.outcomes, [ActionOutcome::done("started".to_owned())]);
    half["outcomes"] = json!({ "S": "[" });
    assert!(matches!(claim(vec![taken(half)]).await.0, Err(EngineError::Stored { .. })));
}

#[tokio::test]
async fn a_recorded_decision_is_resumed() {
    let answers = vec![
        taken(item("other", "2026-03-02T08:59:00Z", "decided")),
        ok(json!({})),
        ok(json!({ "Item": record_item(&record()) })),
    ];
    let (told, sent) = claim(answers).await;
    assert_eq!(told.unwrap(), Claim::Resume(Box::new(record())));
    assert_eq!(
        sent[2].json(),
        json!({
            "TableName": "ledger", "ConsistentRead": true,
            "Key": { "pk": { "S": "MODEL#churn" }, "sk": { "S": "DECISION#x" } },
        })
    );
    let answers = vec![taken(item("other", "2026-03-02T08:59:00Z", "decided")), ok(json!({})), ok(json!({}))];
    assert!(matches!(claim(answers).await.0, Err(EngineError::Stored { .. })));
}

#[tokio::test]
async fn the_item_is_read_if_the_failed_put_does_not_return_it() {
    let found = ok(json!({ "Item": item("other", "2026-03-02T08:00:00Z", "done") }));
    let (told, sent) = claim(vec![condition(), found, ok(json!({}))]).await;
    assert_eq!(told.unwrap(), Claim::Done { decision: "d1".to_owned(), record: None });
    assert_eq!(sent[1].json()["ConsistentRead"], true);
    let (told, _) = claim(vec![condition(), ok(json!({}))]).await;
    assert_eq!(told.unwrap(), Claim::Leased { until: NOW.parse().unwrap() });
}

#[tokio::test]
async fn an_invalid_claim_is_an_error() {
    let (told, _) = claim(vec![taken(json!({ "pk": { "S": "CLAIM#k" }, "owner": { "S": "me" } }))]).await;
    assert!(matches!(told, Err(EngineError::Stored { .. })));
}

#[tokio::test]
async fn a_claim_is_released() {
    let (aws, wire) =
        cloud([ok(json!({})), condition(), refusal(400, "ResourceNotFoundException", "no table")]);
    let ledger = aws.ledger("ledger");
    ledger.release("k", "me").await.unwrap();
    ledger.release("k", "me").await.unwrap();
    assert!(ledger.release("k", "me").await.is_err());
    let body = wire.done()[0].json();
    assert_eq!(body["UpdateExpression"], "SET lease_until = :now");
    assert_eq!(body["ConditionExpression"], "#owner = :owner AND #status <> :done");
    assert_eq!(
        body["ExpressionAttributeValues"],
        json!({ ":now": { "N": "0" }, ":owner": { "S": "me" }, ":done": { "S": "done" } })
    );
}
