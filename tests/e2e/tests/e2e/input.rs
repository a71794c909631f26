//! What may arrive at a function: everything. Each gets a named outcome or a clear error, and the next event is served.

use serde_json::{Value, json};
use tidegate_sandbox::{HUB, STAGING, workspace};

use crate::model::Model;
use crate::people::outcomes;
use crate::shared::{FUNCTIONS, apply, cloud, invoke, sample};
use crate::shared_run::block_on;
use crate::test_cloud::text;

/// A model that is managed, but about which nothing is known in SageMaker.
const LYNX: Model = Model::plain("lynx");

/// The folders with samples of what EventBridge, schedules and queues hand to functions.
const FOLDERS: [&str; 10] = [
    "application-autoscaling",
    "cloudtrail",
    "cloudwatch",
    "codecommit",
    "contract",
    "delivery",
    "s3",
    "sagemaker",
    "schedule",
    "ssm",
];

/// Not those that are no event: a schema, what a queue or a destination holds, another team's schedule.
fn is_an_event(path: &str) -> bool {
    !path.ends_with(".schema.json")
        && !path.ends_with("scheduler-custom-input.json")
        && (!path.contains("delivery/") || path.ends_with("archive-replay.json"))
}

fn samples() -> Vec<String> {
    let mut all = Vec::new();
    for folder in FOLDERS {
        let files = std::fs::read_dir(workspace().join("events").join(folder)).expect("the folder is there");
        let names =
            files.map(|file| file.expect("it can be read").file_name().to_string_lossy().into_owned());
        all.extend(names.map(|name| format!("{folder}/{name}")).filter(|path| is_an_event(path)));
    }
    all.sort();
    assert!(all.len() > 100, "only {} samples", all.len());
    all
}

#[test]
fn every_sample_event_has_a_named_outcome_in_every_function() {
    block_on(async {
        for path in samples() {
            let event = sample(&path);
            for (account, function) in FUNCTIONS {
                let answer = invoke(account, function, &event).await;
                assert_eq!(text(&answer, "errorType"), "", "{path} in {function}: {answer}");
                let found = outcomes(&answer);
                assert!(!found.is_empty(), "{path} in {function}: {answer}");
                for (decision, reason) in found {
                    // No sample is about a model that is managed here.
                    let harmless = matches!(decision.as_str(), "" | "ignore" | "reject");
                    assert!(harmless && !reason.is_empty(), "{path} in {function}: {answer}");
                }
            }
        }
    });
}

#[test]
fn an_invalid_event_is_a_named_error_and_the_next_event_is_processed() {
    let mut pushed = sample("codecommit/reference-updated.branch-push.json");
    pushed["detail"]["repositoryName"] = json!(7);
    let mut requested = sample("contract/deployment-requested.json");
    requested["detail"]["version"] = json!("seven");
    let mut future = sample("contract/retraining-requested.json");
    future["detail"]["schema"] = json!(2);
    let mut misspelt = sample("contract/retraining-requested.json");
    misspelt["detail"]["modle"] = json!("churn");
    let mut timeless = sample("sagemaker/model-package.approved.json");
    timeless["detail"]["LastModifiedTime"] = json!("yesterday");
    let refused = [
        (json!(null), "the payload is null"),
        (json!([]), "the payload is a list"),
        (json!("event"), "the payload is a string"),
        (json!(7), "the payload is a number"),
        (json!({}), "field `detail-type` is missing"),
        (json!({ "detail-type": "Object Created" }), "field `source` is missing"),
        (sample("schedule/scheduler-custom-input.json"), "field `detail-type` is missing"),
        (json!({ "tidegate": "dance" }), "field `tidegate` is `dance`"),
        (pushed, "field `detail.repositoryName`"),
        (requested, "field `detail.version`"),
        (future, "has schema 2"),
        (misspelt, "field `detail.modle`"),
        (timeless, "field `detail.LastModifiedTime`"),
    ];
    block_on(async {
        for (account, function) in FUNCTIONS {
            for (payload, why) in &refused {
                let answer = invoke(account, function, payload).await;
                assert_eq!(text(&answer, "errorType"), "UnreadableEvent", "{function} {payload}: {answer}");
                assert!(text(&answer, "errorMessage").contains(why), "{function} {payload}: {answer}");
                let answer = invoke(account, function, &sample("s3/object-created.statistics.json")).await;
                outcomes(&answer);
            }
        }
    });
}

#[test]
fn bytes_that_are_no_json_do_not_end_the_worker() {
    block_on(async {
        let cloud = cloud().await;
        for (account, function) in FUNCTIONS {
            for bytes in [&b"{\"source\": "[..], b"not json", b"{} {}"] {
                let name = account.function(function);
                match cloud.aws().invoke_with(account.id, &name, bytes.to_vec()).await {
                    // Lambda itself refuses such a payload.
                    Err(error) => assert!(error.to_string().contains("InvalidRequestContent"), "{error}"),
                    Ok(answer) => assert_ne!(text(&answer, "errorMessage"), "", "{answer}"),
                }
                outcomes(&invoke(account, function, &sample("s3/object-created.statistics.json")).await);
            }
        }
    });
}

#[test]
fn a_megabyte_is_read_and_an_error_about_it_is_short() {
    let long = "x".repeat(1_000_000);
    let mut unknown = sample("s3/object-created.statistics.json");
    unknown["detail-type"] = json!("Object Somersaulted");
    unknown["detail"]["padding"] = json!(long);
    let mut ours = sample("contract/retraining-requested.json");
    ours["detail"]["schema"] = json!(long);
    block_on(async {
        for (account, function) in FUNCTIONS {
            let answer = invoke(account, function, &unknown).await;
            assert_eq!(outcomes(&answer), [(String::new(), "unsupported_event".to_owned())], "{function}");
            let answer = invoke(account, function, &ours).await;
            assert_eq!(text(&answer, "errorType"), "UnreadableEvent");
            assert!(
                text(&answer, "errorMessage").len() < 1_000,
                "{function}: {} bytes",
                answer.to_string().len()
            );
        }
    });
}

fn approval_of(arn: &str, at: Value) -> Value {
    let mut event = sample("sagemaker/model-package.approved.json");
    event["detail"]["ModelPackageArn"] = json!(arn);
    event["detail"]["ModelPackageName"] = json!(arn);
    event["detail"]["ModelPackageGroupName"] = json!(LYNX.group());
    event["detail"]["ModelPackageVersion"] = json!(1);
    event["detail"]["LastModifiedTime"] = at;
    event
}

#[test]
fn one_instant_in_all_of_awss_spellings_is_one_event() {
    block_on(async {
        apply(&LYNX).await;
        let arn = format!("arn:aws:sagemaker:us-east-1:{}:model-package/{}/1", HUB.id, LYNX.group());
        let spellings = [
            json!(1_772_442_602_000_i64),
            json!(1_772_442_602_000.0),
            json!("1772442602000"),
            json!("2026-03-02T09:10:02Z"),
            json!("2026-03-02T09:10:02.000+0000"),
            json!("2026-03-02T10:10:02+01:00"),
        ];
        let mut result = Vec::new();
        for at in spellings {
            let answer = invoke(HUB, "promote", &approval_of(&arn, at.clone())).await;
            result.push((at, text(&answer["outcomes"][0], "outcome").to_owned()));
        }
        let (first, copies) = result.split_first().expect("there are six");
        assert_eq!(first.1, "decided");
        assert!(copies.iter().all(|(_, outcome)| outcome == "duplicate"), "{copies:?}");
    });
}

#[test]
fn an_arn_of_elsewhere_is_not_acted_on() {
    block_on(async {
        apply(&LYNX).await;
        let group = LYNX.group();
        let elsewhere = [
            "aws:sagemaker:us-east-1:123456789012",
            "aws-cn:sagemaker:us-east-1:111122223333",
            "aws:sagemaker:eu-west-1:111122223333",
        ];
        for place in elsewhere {
            let arn = format!("arn:{place}:model-package/{group}/1");
            let answer = invoke(HUB, "promote", &approval_of(&arn, json!("2026-03-02T09:10:02Z"))).await;
            assert_eq!(outcomes(&answer), [("ignore".to_owned(), "foreign_arn".to_owned())], "{arn}");
        }
        for (number, place) in elsewhere.into_iter().enumerate() {
            let mut event = sample("contract/deployment-requested.json");
            event["detail"]["model"] = json!(LYNX.name);
            event["detail"]["request_id"] = json!(format!("lynx-{number}"));
            event["detail"]["package_arn"] = json!(format!("arn:{place}:model-package/{group}/7"));
            let answer = invoke(STAGING, "deploy", &event).await;
            assert_eq!(outcomes(&answer), [("reject".to_owned(), "foreign_arn".to_owned())], "{place}");
        }
    });
}
