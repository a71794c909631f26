//! All events of one change have the same idempotency key, and events of different changes have different keys.

use std::collections::BTreeMap;

use crate::common::{files, sample};
use serde_json::{Value, json};
use tidegate_events::{Body, Scheduled, parse_value, to_detail};

fn idempotency_key(value: Value) -> String {
    let key = parse_value(value).unwrap().idempotency_key();
    assert!(key.len() <= 512, "{key}");
    key
}

fn of(file: &str) -> String {
    idempotency_key(sample(file))
}

/// A sample in which one field of the detail is replaced.
fn with(file: &str, field: &str, new: Value) -> Value {
    let mut value = sample(file);
    value["detail"][field] = new;
    value
}

#[test]
fn keys_are_readable() {
    assert_eq!(
        of("sagemaker/model-package.approved.json"),
        "model_package_changed|arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/7|Approved|1772442602000|approval"
    );
    assert_eq!(
        of("codecommit/reference-updated.branch-push.json"),
        "commit_pushed|codecommit:churn-model|refs/heads/main|9f1d3c5b7a8e6042c1d4f3a2b5968770e1f2a3c4|from 0b4c1f6a7d2e9835a1c04e7fb96d2853e7f0a1b2"
    );
    assert_eq!(
        of("sagemaker/endpoint.in-service.json"),
        "endpoint_changed|444455556666|us-east-1|churn-staging|InService|churn-staging-7|1772442942000"
    );
    assert_eq!(
        of("cloudwatch/alarm.drift.alarm.json"),
        "alarm_changed|444455556666|us-east-1|churn-staging-feature-drift-tenure_months|ALARM|1772525704707"
    );
    assert_eq!(
        of("contract/deployment-requested.json"),
        "deployment_requested|churn|staging|deploy-churn-staging-7-3f9a|1772442604000"
    );
}

#[test]
fn two_events_of_one_change_have_the_same_key() {
    for group in [
        vec![
            "sagemaker/model-package.approved.json",
            "sagemaker/model-package.approved.duplicate-different-id.json",
            "sagemaker/model-package.approved.iso-times.json",
            "sagemaker/model-package.approved.cross-account-forwarded.json",
            "delivery/archive-replay.json",
        ],
        vec![
            "sagemaker/endpoint.in-service.json",
            "sagemaker/endpoint.in-service.api-casing.json",
            "sagemaker/endpoint.in-service.nulls-observed.json",
            "sagemaker/endpoint.in-service.envelope-time-epoch-string.json",
        ],
        vec![
            "codecommit/reference-updated.branch-merge.json",
            "codecommit/reference-updated.doc-minimal-no-caller.json",
        ],
        vec!["cloudwatch/alarm.drift.alarm.json", "cloudwatch/alarm.drift.lambda-direct-action.json"],
    ] {
        let keys: Vec<String> = group.iter().map(|file| of(file)).collect();
        assert!(keys.windows(2).all(|pair| pair[0] == pair[1]), "{keys:#?}");
    }
}

#[test]
fn the_id_and_the_envelope_time_do_not_change_the_key() {
    let kinds =
        ["codecommit/", "sagemaker/model-package.", "sagemaker/pipeline-execution.", "sagemaker/endpoint"];
    for folder in ["codecommit", "sagemaker", "cloudwatch", "s3", "contract"] {
        for file in files(folder) {
            let known =
                kinds.iter().any(|kind| file.starts_with(kind)) || file.starts_with("cloudwatch/alarm.");
            let known = known || file.starts_with("s3/") || file.starts_with("contract/");
            let silent = ["decision-recorded.", "endpoint-config.", "schema.json", "lambda-direct-action"];
            if !known || silent.iter().any(|part| file.contains(part)) {
                continue;
            }
            let mut again = sample(&file);
            again["id"] = json!("0c7d2a52-2222-4d19-9f0e-6a1c6f0e0001");
            again["time"] = json!("2026-03-09T00:00:00Z");
            assert_eq!(idempotency_key(again), of(&file), "{file}");
        }
    }
}

#[test]
fn the_case_of_arns_and_endpoint_names_does_not_change_the_key() {
    for (file, field, other) in [
        (
            "sagemaker/model-package.approved.json",
            "ModelPackageArn",
            "arn:aws:sagemaker:us-east-1:111122223333:model-package/Churn/7",
        ),
        (
            "sagemaker/pipeline-execution.failed.json",
            "pipelineExecutionArn",
            "arn:aws:sagemaker:us-east-1:111122223333:pipeline/Churn-Train/execution/z8m4c6t2w5de",
        ),
        ("sagemaker/endpoint.in-service.json", "EndpointName", "Churn-Staging"),
    ] {
        assert_eq!(idempotency_key(with(file, field, json!(other))), of(file), "{file}");
    }
}

#[test]
fn different_changes_have_different_keys() {
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in ["codecommit", "sagemaker", "cloudwatch", "s3", "schedule", "ssm", "contract"]
        .iter()
        .flat_map(|f| files(f))
    {
        if let (false, Ok(event)) = (file.ends_with(".schema.json"), parse_value(sample(&file))) {
            seen.entry(event.idempotency_key()).or_default().push(file);
        }
    }
    // Only these samples report the same change in several ways.
    let expected = [
        "sagemaker/model-package.approved.",
        "sagemaker/endpoint.in-service.",
        "codecommit/reference-updated.",
        "cloudwatch/alarm.drift.",
        "cloudwatch/alarm.invocations-idle.",
    ];
    for (key, files) in seen.into_iter().filter(|(_, files)| files.len() > 1) {
        let one = expected.iter().any(|prefix| files.iter().all(|file| file.starts_with(prefix)));
        assert!(one, "{key}: {files:?}");
    }
    // A suppressed alarm may be reported again when the suppression ends. That event must not be a duplicate.
    assert_ne!(of("cloudwatch/alarm.drift.alarm.json"), of("cloudwatch/alarm.drift.alarm.muted.json"));
}

#[test]
fn the_changed_content_is_part_of_the_key() {
    let approved = "sagemaker/model-package.approved.json";
    let stamped = with(approved, "UpdatedModelPackageFields", json!(["CustomerMetadataProperties"]));
    assert_ne!(idempotency_key(stamped), of(approved), "a stamp in the same moment hides the approval");
    let report = "s3/object-created.constraint-violations.json";
    let mut again = sample(report);
    again["detail"]["object"]["sequencer"] = json!("0069A63E22D8731E68");
    assert_ne!(idempotency_key(again), of(report), "the same content written again is a new observation");
    let pushed = "codecommit/reference-updated.branch-push.json";
    let gone = with(pushed, "event", json!("referenceDeleted"));
    assert_ne!(idempotency_key(gone), of(pushed));
}

#[test]
fn parts_are_escaped_and_long_parts_are_hashed() {
    let check = |model: &str, environment: &str, subject: &str| {
        idempotency_key(json!({"tidegate": "scheduled_check", "function": "promote", "model": model,
            "environment": environment, "subject": subject}))
    };
    assert_ne!(check("a|b", "c", "7"), check("a", "b|c", "7"));

    let long = |end: &str| check("churn", "staging", &format!("{}{end}", "é".repeat(2_000)));
    assert_ne!(long("1"), long("2"));
    assert_eq!(long("1"), long("1"));
    assert!(
        long("1").starts_with("scheduled|scheduled_check|promote|churn|staging|éééééééééééé~"),
        "{}",
        long("1")
    );
}

#[test]
fn two_checks_of_one_subject_at_different_times_are_two_events() {
    let soak = json!({"tidegate": "scheduled_check", "function": "promote", "model": "churn",
        "environment": "staging", "subject": "7"});
    let mut later = soak.clone();
    later["at"] = json!("2026-03-02T10:00:00Z");
    assert_eq!(idempotency_key(soak), "scheduled|scheduled_check|promote|churn|staging|7");
    let key = "scheduled|scheduled_check|promote|churn|staging|7|1772445600000";
    assert_eq!(idempotency_key(later.clone()), key);
    let event = parse_value(later.clone()).unwrap();
    let Body::Scheduled(Scheduled::Check(check)) = &event.body else { panic!("{event:?}") };
    assert_eq!(check.input("2026-03-02T10:00:00Z".parse().unwrap()), later);
}

#[test]
fn a_sent_check_is_parsed_to_the_same_check() {
    let event = parse_value(sample("contract/hold-placed.json")).unwrap();
    let tidegate_events::Body::HoldPlaced(hold) = &event.body else { panic!("{event:?}") };
    assert_eq!(to_detail(hold), sample("contract/hold-placed.json")["detail"]);
}
