//! The texts of the ledger that `tidegate forget` reads and replaces.

use serde_json::json;

use super::cloud::{cloud, ok, refusal};

fn state() -> serde_json::Value {
    json!({ "pk": { "S": "MODEL#churn" }, "sk": { "S": "STATE#promote" }, "value": { "S": "{}" }, "revision": { "N": "7" } })
}

fn record() -> serde_json::Value {
    json!({ "pk": { "S": "MODEL#churn" }, "sk": { "S": "DECISION#2026#d" }, "record": { "S": "{}" } })
}

#[tokio::test]
async fn all_pages_are_scanned() {
    let next = json!({ "pk": { "S": "MODEL#churn" }, "sk": { "S": "STATE#promote" } });
    let (aws, wire) = cloud(vec![
        ok(json!({ "Items": [state()], "LastEvaluatedKey": next })),
        ok(json!({ "Items": [record()] })),
    ]);
    let ledger = aws.ledger("ledger");
    let first = ledger.texts(None).await.unwrap();
    let second = ledger.texts(first.next.clone()).await.unwrap();
    assert_eq!((first.texts.len(), second.texts.len(), second.next), (1, 1, None));
    let sent = wire.done();
    assert_eq!(sent[1].json()["ExclusiveStartKey"], next);
    assert_eq!(sent[0].json()["ConsistentRead"], json!(true));
}

#[tokio::test]
async fn a_state_gets_a_new_revision_and_a_record_has_none() {
    let lost = refusal(400, "ConditionalCheckFailedException", "no");
    let (aws, wire) =
        cloud(vec![ok(json!({ "Items": [state(), record()] })), ok(json!({})), ok(json!({})), lost]);
    let ledger = aws.ledger("ledger");
    let page = ledger.texts(None).await.unwrap();
    assert!(ledger.replace_text(&page.texts[0], "new").await.unwrap());
    assert!(ledger.replace_text(&page.texts[1], "new").await.unwrap());
    assert!(!ledger.replace_text(&page.texts[1], "new").await.unwrap(), "another invocation was first");
    let sent = wire.done();
    let (state, record) = (sent[1].json(), sent[2].json());
    assert_eq!(state["ConditionExpression"], "#text = :old AND revision = :seen");
    assert_eq!(state["ExpressionAttributeValues"][":next"], json!({ "N": "8" }));
    assert_eq!(record["UpdateExpression"], "SET #text = :new");
    assert_eq!(record["ExpressionAttributeNames"], json!({ "#text": "record" }));
}
