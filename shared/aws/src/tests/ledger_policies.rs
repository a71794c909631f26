//! The ledger's policies and lookups.

use serde_json::{Value, json};
use tidegate_engine::ports::Ledger;
use tidegate_engine::{Class, EngineError};
use tidegate_policy::file::{Policy, parse};
use tidegate_policy::lookup::{Lookup, LookupKind};

use super::cloud::{Answer, Sent, cloud, ok, refusal_with};

const NOW: &str = "2026-03-02T09:00:00Z";

fn policy() -> Policy {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/policies/churn.yaml");
    parse("churn.yaml", &std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The lookups of [`policy`], in the order in which they are written.
const LOOKUPS: [&str; 5] = [
    "LOOKUP#endpoint#churn",
    "LOOKUP#endpoint#churn-staging",
    "LOOKUP#package_group#churn",
    "LOOKUP#pipeline#churn-train",
    "LOOKUP#repository#codecommit:churn-model",
];

fn stored(lookups: &[&str]) -> Value {
    let lookups: Vec<Value> = lookups.iter().map(|pk| json!({ "S": pk })).collect();
    json!({
        "pk": { "S": "MODEL#churn" }, "sk": { "S": "POLICY" }, "applied_at": { "S": "2026-01-01T00:00:00Z" },
        "version": { "S": "old" }, "policy": { "S": serde_json::to_string(&policy()).unwrap() },
        "lookups": { "L": lookups },
    })
}

async fn apply(policy: &Policy, answers: Vec<Answer>) -> (Result<(), EngineError>, Vec<Sent>) {
    let (aws, wire) = cloud(answers);
    let told = aws.ledger("ledger").apply(policy, NOW.parse().unwrap()).await;
    (told, wire.done())
}

#[tokio::test]
async fn a_policy_is_applied_with_its_lookups() {
    let (told, sent) = apply(&policy(), vec![ok(json!({})), ok(json!({}))]).await;
    told.unwrap();
    let items = sent[1].json()["TransactItems"].clone();
    assert_eq!(items[0]["Put"]["ConditionExpression"], "attribute_not_exists(pk)");
    let item = &items[0]["Put"]["Item"];
    assert_eq!(item["pk"], json!({ "S": "MODEL#churn" }));
    assert_eq!(item["sk"], json!({ "S": "POLICY" }));
    assert_eq!(item["version"], json!({ "S": policy().version() }));
    assert_eq!(item["applied_at"], json!({ "S": NOW }));
    assert_eq!(item["lookups"], stored(&LOOKUPS)["lookups"]);
    assert_eq!(item["policy"], stored(&[])["policy"]);
    assert_eq!(items[1]["Put"]["Item"], json!({ "pk": { "S": "MODELS" }, "sk": { "S": "churn" } }));
    for (at, pk) in LOOKUPS.iter().enumerate() {
        assert_eq!(items[at + 2]["Put"]["Item"], json!({ "pk": { "S": pk }, "sk": { "S": "MODEL#churn" } }));
    }
    assert_eq!(items.as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn lookups_that_the_policy_no_longer_has_are_removed() {
    let before = stored(&["LOOKUP#endpoint#churn", "LOOKUP#alarm#old"]);
    let (told, sent) = apply(&policy(), vec![ok(json!({ "Item": before })), ok(json!({}))]).await;
    told.unwrap();
    let items = sent[1].json()["TransactItems"].clone();
    assert_eq!(items[0]["Put"]["ConditionExpression"], "applied_at = :seen AND version = :version");
    assert_eq!(
        items[0]["Put"]["ExpressionAttributeValues"],
        json!({ ":seen": { "S": "2026-01-01T00:00:00Z" }, ":version": { "S": "old" } })
    );
    let deleted: Vec<&Value> =
        items.as_array().unwrap().iter().filter(|item| item.get("Delete").is_some()).collect();
    assert_eq!(
        deleted,
        [&json!({ "Delete": {
            "TableName": "ledger", "Key": { "pk": { "S": "LOOKUP#alarm#old" }, "sk": { "S": "MODEL#churn" } },
        } })]
    );
}

#[tokio::test]
async fn one_of_two_concurrent_applies_is_an_error() {
    let reasons = json!({ "message": "x", "CancellationReasons": [{ "Code": "ConditionalCheckFailed" }] });
    let lost = refusal_with(400, "TransactionCanceledException", reasons);
    let (told, _) = apply(&policy(), vec![ok(json!({})), lost]).await;
    let Err(EngineError::Call(error)) = told else { panic!("an error") };
    assert_eq!(error.class, Class::Conflict);
    assert!(error.message.contains("apply it again"), "{}", error.message);
}

#[tokio::test]
async fn a_policy_with_too_many_lookups_is_rejected_before_a_write() {
    let mut large = policy();
    large.drift.as_mut().unwrap().alarms = (0..90).map(|n| format!("alarm-{n}")).collect();
    let (told, sent) = apply(&large, Vec::new()).await;
    assert!(matches!(told, Err(EngineError::Call(error)) if error.message.contains("95")));
    assert!(sent.is_empty());

    large.drift.as_mut().unwrap().alarms.truncate(80);
    let gone: Vec<String> = (0..20).map(|n| format!("LOOKUP#alarm#old-{n}")).collect();
    let before = stored(&gone.iter().map(String::as_str).collect::<Vec<_>>());
    let (told, sent) = apply(&large, vec![ok(json!({ "Item": before }))]).await;
    assert!(matches!(told, Err(EngineError::Call(error)) if error.message.contains("107")));
    assert_eq!(sent.len(), 1);
}

#[tokio::test]
async fn an_applied_policy_is_read() {
    let mut broken = stored(&LOOKUPS);
    broken["policy"] = json!({ "S": "{}" });
    let (aws, wire) =
        cloud([ok(json!({ "Item": stored(&LOOKUPS) })), ok(json!({})), ok(json!({ "Item": broken }))]);
    let ledger = aws.ledger("ledger");
    let applied = ledger.policy("churn").await.unwrap().unwrap();
    assert_eq!((&*applied.policy, applied.version.as_str()), (&policy(), "old"));
    assert_eq!(ledger.policy("churn").await.unwrap(), None);
    assert!(matches!(ledger.policy("churn").await, Err(EngineError::Stored { .. })));
    assert_eq!(
        wire.done()[0].json()["Key"],
        json!({ "pk": { "S": "MODEL#churn" }, "sk": { "S": "POLICY" } })
    );
}

#[tokio::test]
async fn an_event_finds_its_models_and_a_sweep_finds_all() {
    let cursor = json!({ "pk": { "S": "MODELS" }, "sk": { "S": "a" } });
    let (aws, wire) = cloud([
        ok(json!({ "Items": [{ "pk": { "S": "x" }, "sk": { "S": "MODEL#churn" } }] })),
        ok(json!({ "Items": [{ "pk": { "S": "MODELS" }, "sk": { "S": "a" } }], "LastEvaluatedKey": cursor })),
        ok(json!({ "Items": [{ "pk": { "S": "MODELS" }, "sk": { "S": "b" } }] })),
    ]);
    let ledger = aws.ledger("ledger");
    let lookup = Lookup { kind: LookupKind::PackageGroup, name: "Churn".to_owned() };
    assert_eq!(ledger.models_for(&lookup).await.unwrap(), ["churn"]);
    assert_eq!(ledger.models().await.unwrap(), ["a", "b"]);
    let sent = wire.done();
    assert_eq!(
        sent[0].json()["ExpressionAttributeValues"],
        json!({ ":pk": { "S": "LOOKUP#package_group#churn" } })
    );
    assert_eq!(sent[2].json()["ExclusiveStartKey"], cursor);
}
