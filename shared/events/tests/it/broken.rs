//! Invalid input leads to an error that names the field and the fix.

use crate::common::sample;
use serde_json::{Value, json};
use tidegate_events::{Body, EventError, MAX_BYTES, parse, parse_value};

/// A sample in which the value at a JSON pointer is replaced or removed.
fn broken(file: &str, pointer: &str, new: Option<Value>) -> Result<Body, EventError> {
    let mut value = sample(file);
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match new {
        Some(new) => parent.insert(name.to_owned(), new),
        None => parent.remove(name),
    };
    parse_value(value).map(|event| event.body)
}

fn missing(field: &str) -> EventError {
    EventError::MissingField { field: field.to_owned() }
}

#[test]
fn bytes_that_are_not_an_event_are_an_error() {
    let at = |bytes: &[u8]| match parse(bytes) {
        Err(EventError::NotJson { line, column, .. }) => (line, column),
        other => panic!("{other:?}"),
    };
    assert_eq!(at(b""), (1, 0));
    assert_eq!(at(b"{\n  \"id\": none\n}"), (2, 10));
    assert_eq!(at(b"\xff\xfe"), (1, 1));
    assert_eq!(at("[".repeat(100_000).as_bytes()).0, 1);
    assert_eq!(parse(b"[{}]"), Err(EventError::NotAnObject { found: "a list" }));
    assert_eq!(parse(b"null"), Err(EventError::NotAnObject { found: "null" }));
    assert_eq!(parse(b"{}"), Err(missing("detail-type")));
    assert_eq!(parse(b"{\"detail-type\":\"x\"}"), Err(missing("source")));
}

#[test]
fn an_event_of_one_megabyte_is_parsed_and_a_larger_one_is_an_error() {
    let mut value = sample("sagemaker/endpoint.failed.json");
    value["detail"]["FailureReason"] = json!("x".repeat(1024 * 1024));
    let whole = 1024 * 1024;
    let over = serde_json::to_vec(&value).unwrap().len() - whole;
    value["detail"]["FailureReason"] = json!("x".repeat(whole - over));
    let bytes = serde_json::to_vec(&value).unwrap();
    assert_eq!(bytes.len(), whole);
    let event = parse(&bytes).unwrap();
    assert!(event.idempotency_key().len() <= 512);
    let large = vec![b' '; MAX_BYTES + 1];
    assert_eq!(parse(&large), Err(EventError::TooLarge { bytes: MAX_BYTES + 1, limit: MAX_BYTES }));
}

#[test]
fn a_byte_order_mark_and_a_repeated_source_are_accepted() {
    let text = sample("sagemaker/model-package.approved.json").to_string();
    let marked = format!("\u{feff}{text}");
    let twice = text.replacen('{', "{\"source\":\"aws.sagemaker\",", 1).replacen(
        "\"source\":\"aws.sagemaker\",\"time\"",
        "\"source\":[\"aws.sagemaker\"],\"time\"",
        1,
    );
    assert!(twice.contains("[\"aws.sagemaker\"]"));
    // The kept original differs, so it is not compared.
    let said = |bytes: &[u8]| parse(bytes).map(|event| (event.envelope, event.body));
    let expected = said(text.as_bytes());
    assert!(expected.is_ok());
    assert_eq!(said(marked.as_bytes()), expected);
    assert_eq!(said(twice.as_bytes()), expected);
}

#[test]
fn a_missing_required_field_of_an_aws_event_is_an_error() {
    for (file, pointer) in [
        ("codecommit/reference-updated.branch-push.json", "event"),
        ("codecommit/reference-updated.branch-push.json", "repositoryName"),
        ("codecommit/reference-updated.branch-push.json", "commitId"),
        ("sagemaker/model-package.approved.json", "ModelPackageArn"),
        ("sagemaker/pipeline-execution.failed.json", "pipelineExecutionArn"),
        ("sagemaker/pipeline-execution.failed.json", "currentPipelineExecutionStatus"),
        ("sagemaker/endpoint.in-service.json", "EndpointName"),
        ("sagemaker/endpoint.in-service.json", "EndpointStatus"),
        ("cloudwatch/alarm.drift.alarm.json", "alarmName"),
        ("cloudwatch/alarm.drift.alarm.json", "state"),
        ("cloudwatch/alarm.drift.alarm.json", "state/value"),
        ("s3/object-created.statistics.json", "bucket/name"),
        ("s3/object-created.statistics.json", "object/key"),
    ] {
        let error = missing(&format!("detail.{}", pointer.replace('/', ".")));
        assert_eq!(broken(file, &format!("/detail/{pointer}"), None), Err(error.clone()), "{file}");
        assert_eq!(broken(file, &format!("/detail/{pointer}"), Some(Value::Null)), Err(error), "{file}");
        let odd = broken(file, &format!("/detail/{pointer}"), Some(json!([7])));
        assert!(matches!(odd, Err(EventError::WrongType { .. })), "{file}: {odd:?}");
    }
    for field in ["id", "account", "region", "source", "detail-type", "detail"] {
        let file = "sagemaker/model-package.approved.json";
        assert_eq!(broken(file, &format!("/{field}"), None), Err(missing(field)));
    }
}

#[test]
fn invalid_values_are_errors() {
    let package = "sagemaker/model-package.approved.json";
    for (file, pointer, new) in [
        (package, "/detail/ModelPackageArn", json!("churn/7")),
        (
            package,
            "/detail/ModelPackageArn",
            json!("arn:aws:sagemaker:us-east-1:111122223333:endpoint/churn"),
        ),
        (
            package,
            "/detail/ModelPackageArn",
            json!("arn:aws:sagemaker:us-east-1:111122223333:model-package/"),
        ),
        (package, "/detail/ModelPackageVersion", json!(8)),
        (
            "sagemaker/pipeline-execution.failed.json",
            "/detail/pipelineExecutionArn",
            json!("arn:aws:sagemaker:us-east-1:111122223333:pipeline/churn-train"),
        ),
        ("codecommit/reference-updated.branch-push.json", "/detail/referenceFullName", json!("refs/heads/")),
        ("sagemaker/endpoint.in-service.json", "/detail/EndpointName", json!("")),
        ("schedule/scheduled-check.soak.json", "/subject", json!("")),
        ("schedule/scheduled-check.soak.json", "/tidegate", json!("dance")),
    ] {
        let found = broken(file, pointer, Some(new.clone()));
        assert!(matches!(found, Err(EventError::BadValue { .. })), "{file} {pointer} {new}: {found:?}");
    }
    let late = broken(package, "/detail/LastModifiedTime", Some(json!("soon")));
    assert_eq!(
        late,
        Err(EventError::BadTime { field: "detail.LastModifiedTime".to_owned(), value: "soon".to_owned() })
    );
    let stray = broken("schedule/reconcile.json", "/modell", Some(json!("churn")));
    assert!(matches!(stray, Err(EventError::UnknownField { .. })), "{stray:?}");
}

#[test]
fn optional_fields_of_aws_events_may_be_absent() {
    let alarm = "cloudwatch/alarm.drift.alarm.json";
    let garbage = json!("no JSON {");
    for (file, pointer, new) in [
        (alarm, "/detail/previousState", None),
        (alarm, "/detail/configuration", None),
        (alarm, "/detail/state/reasonData", Some(garbage)),
        (alarm, "/resources", Some(Value::Null)),
        (alarm, "/time", None),
        ("sagemaker/endpoint.in-service.json", "/detail/Tags", Some(json!([{"Key": "a", "Value": "b"}]))),
        ("sagemaker/pipeline-execution.executing.json", "/detail/executionEndTime", Some(json!(""))),
        ("codecommit/reference-updated.branch-push.json", "/detail/referenceFullName", None),
    ] {
        let found = broken(file, pointer, new);
        assert!(found.is_ok(), "{file} {pointer}: {found:?}");
    }
}

#[test]
fn the_full_name_of_a_reference_is_found_in_each_field() {
    let file = "codecommit/reference-updated.branch-push.json";
    let expected = parse_value(sample(file)).unwrap().body;
    let mut value = sample(file);
    value["detail"]["referenceName"] = json!("refs/heads/main");
    assert_eq!(parse_value(value.clone()).unwrap().body, expected);
    value["detail"].as_object_mut().unwrap().remove("referenceFullName");
    assert_eq!(parse_value(value).unwrap().body, expected);
    let trial = broken(file, "/detail/event", Some(json!("unreferencedMergeCommitCreated")));
    assert_eq!(trial, Ok(Body::Other));
}

#[test]
fn the_same_detail_type_from_another_source_is_not_parsed() {
    let file = "sagemaker/model-package.approved.json";
    assert_eq!(broken(file, "/source", Some(json!("com.example"))), Ok(Body::Other));
    let decision =
        broken("contract/hold-placed.json", "/detail-type", Some(json!(tidegate_events::DECISION_RECORDED)));
    assert_eq!(decision, Ok(Body::Other));
}

#[test]
fn messages_name_the_field_and_the_fix() {
    for (error, part) in [
        (parse(b"{\"tidegate\":1}").unwrap_err(), "field `tidegate` is a number, expected a string"),
        (parse(b"7").unwrap_err(), "send one EventBridge event"),
        (missing("detail.ModelPackageArn"), "field `detail.ModelPackageArn` is missing; add it"),
    ] {
        assert!(error.to_string().contains(part), "{error}");
    }
    let huge = format!("{{\"tidegate\":\"{}\"}}", "x".repeat(100_000));
    assert!(parse(huge.as_bytes()).unwrap_err().to_string().len() < 400);
}

const CHURN_7: &str = "arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/7";

/// What has a form is held to it in the events of AWS and GitHub as well: the head of a branch stays in the state.
#[test]
fn texts_of_another_form_are_refused_by_name() {
    let push = "codecommit/reference-updated.branch-push.json";
    let github = "github/eventbridge.push.branch-main.json";
    let package = "sagemaker/model-package.approved.json";
    for (file, pointer, value) in [
        (push, "/detail/commitId", "\u{1f600}".repeat(10)),
        (push, "/detail/oldCommitId", "main".to_owned()),
        (push, "/detail/repositoryName", "a b".to_owned()),
        (push, "/detail/referenceFullName", "refs/heads/a\u{1b}[2K".to_owned()),
        (github, "/detail/after", "z".repeat(40)),
        (github, "/detail/before", "0".repeat(39)),
        (github, "/detail/repository/full_name", "acme/ml/churn".to_owned()),
        (github, "/detail/ref", "refs/heads/a b".to_owned()),
        (
            package,
            "/detail/ModelPackageArn",
            "arn:aws:sagemaker:us-east-1:x:model-package/churn/7".to_owned(),
        ),
        (package, "/detail/ModelPackageArn", format!("{CHURN_7}{CHURN_7}")),
        (package, "/detail/ModelPackageArn", CHURN_7.replace("/7", "/0")),
        (package, "/detail/ModelPackageArn", CHURN_7.replace("/7", "/99999999999")),
        (package, "/detail/ModelPackageGroupName", "upsell".to_owned()),
        (package, "/detail/ModelPackageGroupName", "x".repeat(3_000)),
        (package, "/account", "1111".to_owned()),
        (package, "/region", "Oregon".to_owned()),
        ("cloudwatch/alarm.drift.lambda-direct-action.json", "/accountId", "me".to_owned()),
    ] {
        let mut event = sample(file);
        *event.pointer_mut(pointer).unwrap() = value.clone().into();
        let error = parse_value(event).map(|event| event.body).unwrap_err();
        let field = pointer.trim_start_matches('/').replace('/', ".");
        let EventError::BadValue { field: named, .. } = &error else { panic!("{pointer}: {error}") };
        assert_eq!(*named, field, "{error}");
    }
}
