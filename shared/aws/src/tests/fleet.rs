//! What a sweep over a large fleet reads: batches of the ledger, and lists of what changed.

use serde_json::{Value, json};
use tidegate_engine::ports::{Alarms, Endpoints, Ledger, Registry, StateKey, SweepCursor};
use tidegate_engine::{Class, EngineError};

use super::cloud::{cloud, ok, ok_cbor};

fn key(model: &str) -> StateKey {
    StateKey { function: "promote".to_owned(), model: model.to_owned() }
}

fn stored(model: &str) -> Value {
    json!({ "pk": { "S": format!("MODEL#{model}") }, "sk": { "S": "STATE#promote" }, "revision": { "N": "3" },
        "value": { "S": "{}" } })
}

fn keys_of(sent: &Value) -> Vec<&str> {
    let keys = sent["RequestItems"]["ledger"]["Keys"].as_array().unwrap();
    keys.iter().map(|key| key["pk"]["S"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn keys_that_dynamodb_did_not_answer_are_read_again_and_the_order_is_kept() {
    let rest =
        json!({ "ledger": { "Keys": [{ "pk": { "S": "MODEL#b" }, "sk": { "S": "STATE#promote" } }] } });
    let (aws, wire) = cloud([
        ok(json!({ "Responses": { "ledger": [stored("c"), stored("a")] }, "UnprocessedKeys": rest })),
        ok(json!({ "Responses": { "ledger": [stored("b")] }, "UnprocessedKeys": {} })),
    ]);
    let keys = [key("c"), key("b"), key("none"), key("a")];
    let found = aws.ledger("ledger").states(&keys).await.unwrap();
    let revisions: Vec<u64> = found.into_iter().map(|state| state.unwrap().revision).collect();
    assert_eq!(revisions, [3, 3, 0, 3]);
    let sent = wire.done();
    assert_eq!(sent[0].target, "BatchGetItem");
    assert_eq!(sent[0].json()["RequestItems"]["ledger"]["ConsistentRead"], true);
    assert_eq!(keys_of(&sent[0].json()), ["MODEL#a", "MODEL#b", "MODEL#c", "MODEL#none"]);
    assert_eq!(keys_of(&sent[1].json()), ["MODEL#b"]);
}

#[tokio::test]
async fn a_batch_of_which_nothing_is_answered_is_throttled() {
    let all = json!({ "ledger": { "Keys": [{ "pk": { "S": "MODEL#a" }, "sk": { "S": "STATE#promote" } }] } });
    let (aws, _) = cloud([ok(json!({ "Responses": { "ledger": [] }, "UnprocessedKeys": all }))]);
    let Err(EngineError::Call(error)) = aws.ledger("ledger").states(&[key("a")]).await else {
        panic!("it is not answered")
    };
    assert_eq!(error.class, Class::Throttled);
}

#[tokio::test]
async fn an_item_that_cannot_be_read_does_not_hide_the_others() {
    let broken = json!({ "pk": { "S": "MODEL#a" }, "sk": { "S": "STATE#promote" }, "revision": { "N": "3" },
        "value": { "S": "{" } });
    let (aws, _) = cloud([ok(json!({ "Responses": { "ledger": [broken, stored("b")] } }))]);
    let found = aws.ledger("ledger").states(&[key("a"), key("b")]).await.unwrap();
    assert!(found[0].is_err() && found[1].is_ok());
}

#[tokio::test]
async fn the_cursor_of_the_sweeps_is_one_item_of_each_function() {
    let (aws, wire) = cloud([ok(json!({})), ok(json!({}))]);
    let ledger = aws.ledger("ledger");
    assert_eq!(ledger.cursor("promote").await.unwrap(), SweepCursor::default());
    let cursor = SweepCursor { after: "churn".to_owned(), ..SweepCursor::default() };
    ledger.put_cursor("promote", &cursor).await.unwrap();
    let sent = wire.done();
    let key = json!({ "pk": { "S": "SWEEP#promote" }, "sk": { "S": "CURSOR" } });
    assert_eq!(sent[0].json()["Key"], key);
    let written = json!({ "pk": { "S": "SWEEP#promote" }, "sk": { "S": "CURSOR" },
        "cursor": { "S": "{\"after\":\"churn\"}" } });
    assert_eq!(sent[1].json()["Item"], written);
}

#[tokio::test]
async fn the_groups_with_a_changed_package_are_found_by_a_search() {
    let record = |group: &str| json!({ "ModelPackage": { "ModelPackageGroupName": group } });
    let (aws, wire) = cloud([
        ok(json!({ "Results": [record("churn"), record("churn")], "NextToken": "t" })),
        ok(json!({ "Results": [record("fraud")] })),
    ]);
    let since = "2026-03-02T09:10:04.5Z".parse().unwrap();
    assert_eq!(aws.registry().groups_changed_since(since).await.unwrap(), ["churn", "fraud"]);
    let sent = wire.done();
    assert_eq!(
        sent[0].json(),
        json!({
            "Resource": "ModelPackage", "MaxResults": 100,
            "SearchExpression": { "Filters": [{ "Name": "LastModifiedTime", "Operator": "GreaterThanOrEqualTo",
                "Value": "2026-03-02T09:10:04" }] },
        })
    );
    assert_eq!(sent[1].json()["NextToken"], "t");
}

#[tokio::test]
async fn endpoints_and_components_that_changed_are_listed() {
    let (aws, wire) = cloud([
        ok(json!({ "Endpoints": [{ "EndpointName": "churn" }], "NextToken": "t" })),
        ok(json!({ "Endpoints": [{ "EndpointName": "fraud" }] })),
        ok(json!({ "InferenceComponents": [{ "InferenceComponentName": "churn-eu" }] })),
    ]);
    let since = "2026-03-02T09:10:04Z".parse().unwrap();
    let endpoints = aws.endpoints("role", Vec::new());
    assert_eq!(endpoints.changed_since(since).await.unwrap(), ["churn", "fraud", "churn-eu"]);
    let sent = wire.done();
    let targets: Vec<&str> = sent.iter().map(|sent| sent.target.as_str()).collect();
    assert_eq!(targets, ["ListEndpoints", "ListEndpoints", "ListInferenceComponents"]);
    for sent in [&sent[0], &sent[2]] {
        assert_eq!(sent.json(), json!({ "LastModifiedTimeAfter": 1_772_442_604, "MaxResults": 100 }));
    }
}

#[tokio::test]
async fn alarms_in_alarm_are_listed_without_their_names() {
    let alarm = |name: &str| json!({ "AlarmName": name });
    let (aws, wire) =
        cloud([ok_cbor(json!({ "MetricAlarms": [alarm("a")], "CompositeAlarms": [alarm("b")] }))]);
    assert_eq!(aws.alarms().all_in_alarm().await.unwrap(), ["a", "b"]);
    let sent = wire.only();
    assert_eq!(
        sent.cbor(),
        json!({ "AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "StateValue": "ALARM", "MaxRecords": 100 })
    );
}
