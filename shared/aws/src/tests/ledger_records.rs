//! The ledger's decisions and state.

use serde_json::{Value, json};
use tidegate_engine::ports::{Entry, Ledger, Recorded, StateKey, StateWrite, Versioned};
use tidegate_engine::{ActionOutcome, Class, DecisionRecord, EngineError, EventRef, SCHEMA};

use super::cloud::{Answer, Sent, cloud, ok, refusal, refusal_with};

pub(super) fn record() -> DecisionRecord {
    DecisionRecord {
        schema: SCHEMA,
        id: "d1".to_owned(),
        at: "2026-03-02T09:00:00.5Z".parse().unwrap(),
        account: "111122223333".to_owned(),
        environment: "hub".to_owned(),
        function: "train".to_owned(),
        function_version: "0.1.0".to_owned(),
        model: "churn".to_owned(),
        verdict: "start".to_owned(),
        reason: "commit".to_owned(),
        message: "a commit".to_owned(),
        evidence: Vec::new(),
        plan: vec![json!({ "action": "start" })],
        policy_version: "p1".to_owned(),
        event: EventRef {
            id: "e1".to_owned(),
            source: "aws.codecommit".to_owned(),
            detail_type: "x".to_owned(),
            idempotency_key: "m".to_owned(),
            received: None,
        },
        caused_by: None,
        sequence: 0,
        outcomes: Vec::new(),
    }
}

pub(super) fn record_item(record: &DecisionRecord) -> Value {
    json!({ "pk": { "S": "MODEL#churn" }, "record": { "S": serde_json::to_string(record).unwrap() } })
}

fn key() -> StateKey {
    StateKey { function: "train".to_owned(), model: "churn".to_owned() }
}

fn entry(state: Option<u64>) -> Entry {
    let write = |replaces| StateWrite { key: key(), replaces, value: r#"{"n":1}"#.into() };
    let state = state.map(write);
    Entry { record: record(), claim: "k".to_owned(), owner: "me".to_owned(), state, follows: None }
}

fn cancelled(codes: &[&str]) -> Answer {
    let reasons: Vec<Value> = codes.iter().map(|code| json!({ "Code": code, "Message": "no" })).collect();
    refusal_with(
        400,
        "TransactionCanceledException",
        json!({ "message": "cancelled", "CancellationReasons": reasons }),
    )
}

async fn write(entry: Entry, answer: Answer) -> (Result<Recorded, EngineError>, Sent) {
    let (aws, wire) = cloud([answer]);
    let told = aws.ledger("ledger").record(&entry).await;
    (told, wire.only())
}

#[tokio::test]
async fn a_decision_its_claim_and_its_state_are_one_transaction() {
    let (told, sent) = write(entry(Some(4)), ok(json!({}))).await;
    assert_eq!(told.unwrap(), Recorded::Written);
    assert_eq!(sent.target, "TransactWriteItems");
    let body = sent.json();
    // The token makes a retry of the SDK harmless.
    assert!(body["ClientRequestToken"].is_string());
    let sk = "DECISION#2026-03-02T09:00:00.500Z#d1";
    assert_eq!(
        body["TransactItems"],
        json!([
            { "Put": {
                "TableName": "ledger", "ConditionExpression": "attribute_not_exists(pk)",
                "Item": {
                    "pk": { "S": "MODEL#churn" }, "sk": { "S": sk }, "record": record_item(&record())["record"],
                    "function": { "S": "train" }, "verdict": { "S": "start" }, "reason": { "S": "commit" },
                    // Four hundred days, in seconds.
                    "expires_at": { "N": "1807002000" },
                },
            } },
            { "Update": {
                "TableName": "ledger", "Key": { "pk": { "S": "CLAIM#k" }, "sk": { "S": "CLAIM" } },
                "UpdateExpression": "SET #status = :decided, decision_pk = :pk, decision_sk = :sk, decision_id = :id \
                    REMOVE outcomes",
                "ConditionExpression": "#owner = :owner AND #status = :open",
                "ExpressionAttributeNames": { "#owner": "owner", "#status": "status" },
                "ExpressionAttributeValues": {
                    ":decided": { "S": "decided" }, ":open": { "S": "open" }, ":owner": { "S": "me" },
                    ":pk": { "S": "MODEL#churn" }, ":sk": { "S": sk }, ":id": { "S": "d1" },
                },
            } },
            { "Put": {
                "TableName": "ledger", "ConditionExpression": "revision = :seen",
                "ExpressionAttributeValues": { ":seen": { "N": "4" } },
                "Item": {
                    "pk": { "S": "MODEL#churn" }, "sk": { "S": "STATE#train" }, "revision": { "N": "5" },
                    "value": { "S": "{\"n\":1}" },
                },
            } },
        ])
    );
}

#[tokio::test]
async fn the_claim_refers_to_the_decision_that_follows_another() {
    let before = DecisionRecord { outcomes: vec![ActionOutcome::superseded()], ..record() };
    let next = DecisionRecord { id: "d2".to_owned(), caused_by: Some("d1".to_owned()), ..record() };
    let entry = Entry { record: next, follows: Some(before.clone()), ..entry(Some(4)) };
    let (told, sent) = write(entry, ok(json!({}))).await;
    assert_eq!(told.unwrap(), Recorded::Written);
    let items = sent.json()["TransactItems"].clone();
    let claim = &items[1]["Update"];
    assert_eq!(
        claim["ConditionExpression"],
        "#owner = :owner AND #status = :decided AND decision_id = :before"
    );
    let values = &claim["ExpressionAttributeValues"];
    assert_eq!((&values[":before"]["S"], &values[":id"]["S"]), (&json!("d1"), &json!("d2")));
    assert_eq!(items[3]["Update"]["Key"]["sk"]["S"], "DECISION#2026-03-02T09:00:00.500Z#d1");
    assert_eq!(items[3]["Update"]["ExpressionAttributeValues"][":record"], record_item(&before)["record"]);
}

#[tokio::test]
async fn the_progress_of_a_plan_is_recorded_by_its_owner() {
    let (aws, wire) = cloud([
        ok(json!({})),
        refusal(400, "ConditionalCheckFailedException", "no"),
        refusal(400, "AccessDeniedException", "no"),
    ]);
    let (ledger, outcomes) = (aws.ledger("ledger"), [ActionOutcome::done("started".to_owned())]);
    assert!(ledger.progress("k", "me", "d1", &outcomes).await.unwrap());
    assert!(!ledger.progress("k", "me", "d1", &outcomes).await.unwrap());
    assert!(ledger.progress("k", "me", "d1", &outcomes).await.is_err());
    assert_eq!(
        wire.done()[0].json(),
        json!({
            "TableName": "ledger", "Key": { "pk": { "S": "CLAIM#k" }, "sk": { "S": "CLAIM" } },
            "UpdateExpression": "SET outcomes = :outcomes",
            "ConditionExpression": "#owner = :owner AND decision_id = :id AND #status = :decided",
            "ExpressionAttributeNames": { "#owner": "owner", "#status": "status" },
            "ExpressionAttributeValues": {
                ":owner": { "S": "me" }, ":id": { "S": "d1" }, ":decided": { "S": "decided" },
                ":outcomes": { "S": "[{\"detail\":\"started\"}]" },
            },
        })
    );
}

#[tokio::test]
async fn the_first_state_is_written_only_if_there_is_none() {
    let (_, sent) = write(entry(Some(0)), ok(json!({}))).await;
    let put = &sent.json()["TransactItems"][2]["Put"];
    assert_eq!(put["ConditionExpression"], "attribute_not_exists(pk)");
    assert_eq!(put["Item"]["revision"], json!({ "N": "1" }));
    let (_, sent) = write(entry(None), ok(json!({}))).await;
    assert_eq!(sent.json()["TransactItems"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_changed_state_is_a_conflict_and_a_changed_claim_is_a_lost_lease() {
    for (codes, recorded) in [
        (["ConditionalCheckFailed", "None", "None"], Recorded::Conflict),
        (["None", "None", "ConditionalCheckFailed"], Recorded::Conflict),
        (["None", "None", "TransactionConflict"], Recorded::Conflict),
        (["None", "TransactionConflict", "None"], Recorded::Conflict),
        (["None", "ConditionalCheckFailed", "None"], Recorded::LeaseLost),
        (["None", "ConditionalCheckFailed", "ConditionalCheckFailed"], Recorded::LeaseLost),
    ] {
        assert_eq!(write(entry(Some(4)), cancelled(&codes)).await.0.unwrap(), recorded, "{codes:?}");
    }
}

#[tokio::test]
async fn any_other_failure_of_a_transaction_is_an_error() {
    for (answer, class) in [
        (cancelled(&["None", "ThrottlingError"]), Class::Throttled),
        (cancelled(&["ProvisionedThroughputExceeded", "None"]), Class::Throttled),
        (cancelled(&["ValidationError", "None"]), Class::Permanent),
        (cancelled(&[]), Class::Permanent),
        (refusal(400, "TransactionInProgressException", "no"), Class::Retryable),
        (refusal(400, "AccessDeniedException", "no"), Class::Denied),
        (Answer::Timeout, Class::Retryable),
    ] {
        let (told, _) = write(entry(Some(4)), answer).await;
        let Err(EngineError::Call(error)) = told else { panic!("an error") };
        assert_eq!((error.class, error.operation), (class, "TransactWriteItems"));
    }
}

#[tokio::test]
async fn an_item_that_is_too_large_is_an_error_before_the_call() {
    let (aws, wire) = cloud([]);
    let large = DecisionRecord { message: "x".repeat(410 * 1024), ..record() };
    let told = aws.ledger("ledger").record(&Entry { record: large, ..entry(None) }).await;
    let Err(EngineError::Call(error)) = told else { panic!("an error") };
    assert_eq!(error.class, Class::Permanent);
    assert!(error.message.contains("record of decision d1"), "{}", error.message);
    assert!(wire.done().is_empty());
}

#[tokio::test]
async fn the_end_of_a_plan_is_recorded() {
    let outcomes = vec![ActionOutcome::done("started".to_owned())];
    let finished = DecisionRecord { outcomes, ..record() };
    let (aws, wire) = cloud([
        ok(json!({})),
        cancelled(&["None", "TransactionConflict"]),
        cancelled(&["None", "ConditionalCheckFailed"]),
    ]);
    let ledger = aws.ledger("ledger");
    ledger.finish(&finished, "k").await.unwrap();
    for class in [Class::Retryable, Class::Conflict] {
        let Err(EngineError::Call(error)) = ledger.finish(&finished, "k").await else { panic!("an error") };
        assert_eq!(error.class, class);
    }
    let sent = wire.done();
    let items = sent[0].json()["TransactItems"].clone();
    assert_eq!(items[0]["Update"]["ExpressionAttributeValues"][":record"], record_item(&finished)["record"]);
    assert_eq!(items[0]["Update"]["ConditionExpression"], "attribute_exists(pk)");
    assert_eq!(items[0]["Update"]["Key"]["sk"], json!({ "S": "DECISION#2026-03-02T09:00:00.500Z#d1" }));
    assert_eq!(items[1]["Update"]["Key"]["pk"], json!({ "S": "CLAIM#k" }));
    assert_eq!(items[1]["Update"]["UpdateExpression"], "SET #status = :done REMOVE outcomes");
    assert_eq!(items[1]["Update"]["ConditionExpression"], "decision_id = :id");
    assert_eq!(
        items[1]["Update"]["ExpressionAttributeValues"],
        json!({ ":done": { "S": "done" }, ":id": { "S": "d1" } })
    );
}

#[tokio::test]
async fn a_state_has_its_revision() {
    let (aws, wire) = cloud([
        ok(json!({ "Item": { "revision": { "N": "4" }, "value": { "S": "{\"n\":1}" } } })),
        ok(json!({})),
        ok(json!({ "Item": { "revision": { "N": "4" }, "value": { "S": "{" } } })),
        ok(json!({ "Item": { "value": { "S": "{}" } } })),
    ]);
    let ledger = aws.ledger("ledger");
    assert_eq!(
        ledger.state(&key()).await.unwrap(),
        Versioned { revision: 4, value: Some(r#"{"n":1}"#.into()) }
    );
    assert_eq!(ledger.state(&key()).await.unwrap(), Versioned { revision: 0, value: None });
    assert!(matches!(ledger.state(&key()).await, Err(EngineError::Stored { .. })));
    assert!(matches!(ledger.state(&key()).await, Err(EngineError::Stored { .. })));
    assert_eq!(
        wire.done()[0].json(),
        json!({
            "TableName": "ledger", "ConsistentRead": true,
            "Key": { "pk": { "S": "MODEL#churn" }, "sk": { "S": "STATE#train" } },
        })
    );
}

#[tokio::test]
async fn decisions_are_returned_newest_first_up_to_the_limit() {
    let older = DecisionRecord { id: "d0".to_owned(), ..record() };
    let cursor = json!({ "pk": { "S": "MODEL#churn" }, "sk": { "S": "DECISION#x" } });
    let (aws, wire) = cloud([
        ok(json!({ "Items": [record_item(&record())], "LastEvaluatedKey": cursor })),
        ok(json!({ "Items": [record_item(&older)], "LastEvaluatedKey": cursor })),
    ]);
    let found = aws.ledger("ledger").decisions("churn", 2).await.unwrap();
    assert_eq!(found.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [record(), older]);
    let sent = wire.done();
    assert_eq!(
        sent[0].json(),
        json!({
            "TableName": "ledger", "KeyConditionExpression": "pk = :pk AND begins_with(sk, :sk)", "ConsistentRead": true,
            "ScanIndexForward": false, "Limit": 2,
            "ExpressionAttributeValues": { ":pk": { "S": "MODEL#churn" }, ":sk": { "S": "DECISION#" } },
        })
    );
    assert_eq!((&sent[1].json()["Limit"], &sent[1].json()["ExclusiveStartKey"]), (&json!(1), &cursor));
}

#[tokio::test]
async fn one_decision_that_cannot_be_read_does_not_hide_the_others() {
    let item = |record: &str| json!({ "pk": { "S": "MODEL#churn" }, "sk": { "S": "DECISION#t#d" }, "record": { "S": record } });
    let later = DecisionRecord { schema: SCHEMA + 1, ..record() };
    let items = [item("{}"), item(&serde_json::to_string(&later).unwrap()), record_item(&record())];
    let (aws, _) = cloud([ok(json!({ "Items": items }))]);
    let found = aws.ledger("ledger").decisions("churn", 3).await.unwrap();
    let [damaged, later, good] = found.as_slice() else { panic!("{found:?}") };
    for (broken, part) in [(damaged, "at t#d"), (later, "update Tidegate")] {
        let error = broken.as_ref().unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(good.as_ref().unwrap(), &record());
}
