//! The parser, the published schemas and the examples of Tidegate's events are consistent.
//!
//! `TIDEGATE_BLESS=1 cargo test -p tidegate-events contract` writes the schemas again.

use crate::common::{files, folder, sample};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use tidegate_events::{
    ApprovalGiven, Body, CommitPushed, Contract, DeploymentFinished, DeploymentRequested, DeploymentWaiting,
    DriftObserved, EndpointHealthChanged, Event, EventError, Field, FreezeLifted, FreezePlaced, GateReported,
    HoldPlaced, HoldReleased, Kind, LIST_LIMIT, LONG_TEXT_LIMIT, MAX_AHEAD, PATH_LIMIT, PromotionForced,
    RetrainingFinished, RetrainingRequested, RollbackRequested, SCHEMA, TEXT_LIMIT, VERSION_LIMIT,
    parse_received, parse_value, to_detail,
};

fn kebab<T: Contract>() -> String {
    T::DETAIL_TYPE.to_lowercase().replace(' ', "-")
}

fn example<T: Contract>() -> Value {
    sample(&format!("contract/{}.json", kebab::<T>()))
}

/// The JSON Schema of one field.
fn field_schema(field: &Field) -> Value {
    let text = |pattern: &str, limit: usize| json!({"type": "string", "minLength": 1, "maxLength": limit, "pattern": pattern});
    // Control characters; the parser refuses more characters that are not shown.
    let plain = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$";
    let repository = "^(codecommit:[A-Za-z0-9._-]+|github:[A-Za-z0-9._-]+/[A-Za-z0-9._-]+|gitlab:[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+)$";
    let mut schema = match field.kind {
        Kind::Text => text(plain, TEXT_LIMIT),
        Kind::LongText => text(plain, LONG_TEXT_LIMIT),
        Kind::Name => text("^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$", 32),
        Kind::Reason => text("^[a-z][a-z0-9_]*$", TEXT_LIMIT),
        Kind::Account => json!({"type": "string", "pattern": "^[0-9]{12}$"}),
        Kind::Region => text("^[a-z0-9]+(-[a-z0-9]+)+-[a-z0-9]*[0-9]$", 32),
        Kind::Arn => text("^arn:[a-z0-9-]+:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:[!-~]+$", 2_048),
        Kind::Commit => json!({"type": "string", "pattern": "^([0-9a-f]{40}|[0-9a-f]{64})$"}),
        Kind::Repository => text(repository, TEXT_LIMIT),
        Kind::Ref => text(r"^[^\u0000- ~^:?*\[\\\u007f-\u009f]+$", 512),
        Kind::Version => json!({"type": "integer", "minimum": 1, "maximum": VERSION_LIMIT}),
        Kind::Number => json!({"type": "number"}),
        Kind::Time | Kind::End => json!({"type": "string", "format": "date-time"}),
        Kind::Texts => {
            json!({"type": "array", "maxItems": LIST_LIMIT, "items": text(plain, PATH_LIMIT)})
        }
        Kind::OneOf(words) => json!({"type": "string", "enum": words}),
    };
    if !field.required {
        schema["type"] = json!([schema["type"], "null"]);
    }
    schema["description"] = json!(field.doc);
    schema
}

/// The JSON Schema of the detail of one event.
fn schema<T: Contract>() -> Value {
    let mut properties = Map::new();
    properties.insert(
        "schema".to_owned(),
        json!({"const": SCHEMA, "description": "The version of this contract."}),
    );
    properties.extend(T::FIELDS.iter().map(|field| (field.name.to_owned(), field_schema(field))));
    let required = T::FIELDS.iter().filter(|field| field.required).map(|field| field.name);
    let required: Vec<&str> = ["schema"].into_iter().chain(required).collect();
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:tidegate:event:{}:{SCHEMA}", kebab::<T>()),
        "title": T::DETAIL_TYPE,
        "description": format!("The detail of an event with source tidegate and detail-type {}.", T::DETAIL_TYPE),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    if T::DETAIL_TYPE == CommitPushed::DETAIL_TYPE {
        schema["if"] =
            json!({"properties": {"change": {"not": {"const": "deleted"}}}, "required": ["change"]});
        schema["then"] = json!({"required": ["commit"], "properties": {"commit": {"type": "string"}}});
    }
    schema
}

fn schema_is_published<T: Contract>() {
    let file = format!("contract/{}.schema.json", kebab::<T>());
    if std::env::var("TIDEGATE_BLESS").is_ok_and(|value| value == "1") {
        let text = serde_json::to_string_pretty(&schema::<T>()).unwrap();
        std::fs::write(folder().join(&file), format!("{text}\n")).unwrap();
    }
    assert_eq!(sample(&file), schema::<T>(), "{file} is outdated; see the top of this test");
}

/// Values of the wrong type, and values of the right type that the field rejects.
fn wrong(kind: Kind) -> Vec<Value> {
    let hidden = ["a\nb", "a\u{1b}[2K", "a\u{202e}b", "a\u{200b}b", "\u{feff}a", "a\rb"];
    let mut wrong: Vec<Value> = match kind {
        Kind::Text => vec!["x".repeat(TEXT_LIMIT + 1).into()],
        Kind::LongText => vec!["x".repeat(LONG_TEXT_LIMIT + 1).into()],
        Kind::Name => vec![json!("a b"), json!("-a"), json!("ä"), "a".repeat(33).into()],
        Kind::Reason => {
            vec![json!("Not snake"), json!("7up"), json!("_x"), "x".repeat(TEXT_LIMIT + 1).into()]
        }
        Kind::Account => vec![json!(111_122_223_333_u64), json!("11112222333"), json!("11112222333x")],
        Kind::Region => vec![json!("Frankfurt"), json!("us-east"), json!("us-east-1a"), json!("us--east-1")],
        Kind::Arn => vec![
            json!({}),
            json!("churn/7"),
            json!("arn:aws:sagemaker"),
            json!("arn:aws:sagemaker:us-east-1:7:model-package/churn/7"),
            json!("arn:aws:sagemaker:us-east-1:111122223333:"),
            json!("arn:aws:sagemaker:us-east-1:111122223333:model-package/\u{1f600}/7"),
            format!("arn:aws:s3:::{}", "x".repeat(2_048)).into(),
        ],
        Kind::Commit => vec![json!("main"), json!("\u{1f600}"), "A".repeat(40).into(), "a".repeat(41).into()],
        Kind::Repository => {
            vec![json!("acme/churn"), json!("github:acme"), json!("svn:a/b"), json!("codecommit:a b")]
        }
        Kind::Ref => vec![json!("a b"), json!("a..b"), json!("a:b"), json!("/a"), "x".repeat(513).into()],
        Kind::Version => {
            return vec![
                json!("7"),
                json!(0),
                json!(-1),
                json!(1.5),
                json!(VERSION_LIMIT + 1),
                json!(u64::MAX),
            ];
        }
        Kind::Number => return vec![json!("0.1"), json!([])],
        Kind::Time | Kind::End => {
            vec![json!(1_772_442_602_000_u64), json!("1772442602000"), json!("2026-03-02")]
        }
        Kind::Texts => {
            let long = vec![json!("x".repeat(PATH_LIMIT + 1))];
            return vec![
                json!("a"),
                json!([7]),
                json!([""]),
                json!(["a\nb"]),
                json!(long),
                json!(vec!["a"; LIST_LIMIT + 1]),
            ];
        }
        Kind::OneOf(_) => vec![json!("perhaps")],
    };
    wrong.extend([json!(7), json!("")]);
    wrong.extend(hidden.map(Value::from));
    wrong
}

/// The longest values that a field accepts.
fn longest(kind: Kind) -> Option<Value> {
    Some(match kind {
        Kind::Text => "ü".repeat(TEXT_LIMIT).into(),
        Kind::LongText => "ü".repeat(LONG_TEXT_LIMIT).into(),
        Kind::Name => "a".repeat(32).into(),
        Kind::Commit => "0123456789abcdef".repeat(4).into(),
        Kind::Version => json!(VERSION_LIMIT),
        Kind::Texts => json!(vec!["ü".repeat(PATH_LIMIT); LIST_LIMIT]),
        _ => return None,
    })
}

fn parser_follows_the_table<T: Contract>() {
    let read = |change: &dyn Fn(&mut Map<String, Value>)| {
        let mut event = example::<T>();
        change(event["detail"].as_object_mut().unwrap());
        parse_value(event).map(|event| event.body)
    };
    for Field { name, kind, required, .. } in T::FIELDS {
        let path = format!("detail.{name}");
        let removed = read(&|detail| drop(detail.remove(*name)));
        let nulled = read(&|detail| drop(detail.insert((*name).to_owned(), Value::Null)));
        // A push requires a commit, and a deletion does not.
        if *required || (T::DETAIL_TYPE == CommitPushed::DETAIL_TYPE && *name == "commit") {
            let error = Err(EventError::MissingField { field: path.clone() });
            assert_eq!((&removed, &nulled), (&error, &error), "{path}");
        } else {
            assert!(removed.is_ok() && removed == nulled, "{path}: {removed:?}");
        }
        for value in wrong(*kind) {
            let found = read(&|detail| drop(detail.insert((*name).to_owned(), value.clone())));
            let text = found.expect_err(&format!("{path} = {value}")).to_string();
            assert!(text.contains(&format!("field `{path}")), "{path} = {value}: {text}");
        }
        if let Some(value) = longest(*kind) {
            let found = read(&|detail| drop(detail.insert((*name).to_owned(), value.clone())));
            assert!(found.is_ok(), "{path}: {found:?}");
        }
        if let Kind::OneOf(words) = kind {
            for word in *words {
                let found = read(&|detail| drop(detail.insert((*name).to_owned(), json!(word))));
                assert!(found.is_ok(), "{path} = {word}: {found:?}");
            }
        }
    }
    future_times_are_refused::<T>();
    let stray = read(&|detail| drop(detail.insert("extra".to_owned(), json!(1))));
    assert!(
        matches!(stray, Err(EventError::UnknownField { ref field, .. }) if field == "detail.extra"),
        "{stray:?}"
    );
    assert_eq!(
        read(&|detail| drop(detail.remove("schema"))),
        Err(EventError::MissingField { field: "detail.schema".to_owned() })
    );
    let newer = read(&|detail| drop(detail.insert("schema".to_owned(), json!(2))));
    assert!(matches!(newer, Err(EventError::UnknownSchema { .. })), "{newer:?}");
}

/// A time at which something happened is not in the future.
fn future_times_are_refused<T: Contract>() {
    let sent: Timestamp = "2026-03-04T00:00:00Z".parse().unwrap();
    let event_with = |name: &str, at: Timestamp, envelope: Option<Timestamp>| {
        let mut event = example::<T>();
        match envelope {
            Some(sent) => event["time"] = json!(sent.to_string()),
            None => drop(event.as_object_mut().unwrap().remove("time")),
        }
        event["detail"][name] = json!(at.to_string());
        event
    };
    for field in T::FIELDS.iter().filter(|field| field.kind == Kind::Time) {
        let refused =
            |at| Err(EventError::InFuture { field: format!("detail.{}", field.name), value: at, sent });
        let (allowed, ahead) = (sent + MAX_AHEAD, sent + MAX_AHEAD + SignedDuration::from_millis(1));
        let body = |event: Result<Event, EventError>| event.map(|_| ());
        for at in [ahead, Timestamp::MAX] {
            let event = event_with(field.name, at, Some(sent));
            assert_eq!(body(parse_value(event.clone())), refused(at), "{}", field.name);
            // Neither an envelope without a time nor one from the future helps.
            for envelope in [None, Some(Timestamp::MAX)] {
                let event = event_with(field.name, at, envelope);
                assert_eq!(body(parse_received(event, sent)), refused(at), "{}", field.name);
            }
        }
        let event = event_with(field.name, allowed, Some(sent));
        assert_eq!(body(parse_value(event.clone())), Ok(()));
        assert_eq!(body(parse_received(event, Timestamp::MAX)), Ok(()));
    }
}

fn example_has_every_field_and_is_equal_after_parsing_and_serialization<T: Contract>(
    read: impl Fn(Body) -> Option<T>,
) {
    let event = example::<T>();
    let detail = event["detail"].clone();
    // The example is a success, which nothing has failed.
    for field in T::FIELDS.iter().filter(|field| field.name != "failed_by") {
        assert!(detail.get(field.name).is_some(), "the example of {} has no {}", T::DETAIL_TYPE, field.name);
    }
    let body = read(parse_value(event).unwrap().body).expect("the body is of its kind");
    assert_eq!(to_detail(&body), detail);
}

macro_rules! contract {
    ($($test:ident: $kind:ident),+ $(,)?) => {
        $(
            #[test]
            fn $test() {
                schema_is_published::<$kind>();
                parser_follows_the_table::<$kind>();
                example_has_every_field_and_is_equal_after_parsing_and_serialization::<$kind>(|body| match body {
                    Body::$kind(body) => Some(body),
                    _ => None,
                });
            }
        )+

        const EVENTS: &[&str] = &[$(<$kind as Contract>::DETAIL_TYPE),+];
    };
}

contract! {
    commit_pushed: CommitPushed,
    retraining_requested: RetrainingRequested,
    retraining_finished: RetrainingFinished,
    deployment_requested: DeploymentRequested,
    deployment_finished: DeploymentFinished,
    deployment_waiting: DeploymentWaiting,
    endpoint_health_changed: EndpointHealthChanged,
    drift_observed: DriftObserved,
    approval_given: ApprovalGiven,
    hold_placed: HoldPlaced,
    hold_released: HoldReleased,
    rollback_requested: RollbackRequested,
    promotion_forced: PromotionForced,
    freeze_placed: FreezePlaced,
    freeze_lifted: FreezeLifted,
    gate_reported: GateReported,
}

#[test]
fn every_event_has_a_schema_and_an_example_and_there_are_no_other_files() {
    let name = |detail_type: &str| detail_type.to_lowercase().replace(' ', "-");
    // No function parses this event. Its schema is generated from the record, in the crate of the engine.
    let mut expected: Vec<String> = EVENTS
        .iter()
        .chain([&tidegate_events::DECISION_RECORDED])
        .flat_map(|event| ["json", "schema.json"].map(|end| format!("contract/{}.{end}", name(event))))
        .collect();
    expected.sort();
    assert_eq!(files("contract"), expected);
}

#[test]
fn a_deletion_needs_no_commit() {
    let mut event = example::<CommitPushed>();
    event["detail"]["change"] = json!("deleted");
    event["detail"].as_object_mut().unwrap().remove("commit");
    assert!(parse_value(event).is_ok());
}

/// A container may say anything, and its text reaches the hub in an event of ours.
#[test]
fn a_message_is_sent_in_a_form_that_readers_accept() {
    let Body::DeploymentFinished(mut finished) = parse_value(example::<DeploymentFinished>()).unwrap().body
    else {
        panic!()
    };
    finished.detail = format!("boom\nsucceeded \u{1b}[2K{}", "ü".repeat(5_000));
    let mut event = example::<DeploymentFinished>();
    event["detail"] = to_detail(&finished);
    let Body::DeploymentFinished(read) = parse_value(event).unwrap().body else { panic!() };
    assert!(read.detail.starts_with("boom succeeded \\u{1b}[2Kü"), "{}", read.detail);
    assert_eq!(read.detail.chars().count(), LONG_TEXT_LIMIT);
}

#[test]
fn a_value_that_is_not_a_number_is_absent_and_not_zero() {
    let Body::DriftObserved(mut drift) = parse_value(example::<DriftObserved>()).unwrap().body else {
        panic!()
    };
    drift.observed = Some(f64::NAN);
    let mut event = example::<DriftObserved>();
    event["detail"] = to_detail(&drift);
    let Body::DriftObserved(read) = parse_value(event).unwrap().body else { panic!() };
    assert_eq!(read.observed, None);
}

/// A drift job that reports more than the contract has, such as the list of drifted features and a run of MLflow.
#[test]
fn a_measurement_with_fields_of_its_own_is_rejected_by_name() {
    let mut event = example::<DriftObserved>();
    event["detail"]["drifted_features"] = json!([{"name": "tenure_months", "score": 0.31}]);
    let error = parse_value(event).unwrap_err().to_string();
    assert!(error.starts_with("field `detail.drifted_features` is not part of the contract"), "{error}");
    assert!(error.contains("metric") && error.contains("observed_at"), "{error}");
}
