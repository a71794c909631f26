//! The parser, the published schemas and the examples of Tidegate's events are consistent.
//!
//! `TIDEGATE_BLESS=1 cargo test -p tidegate-events contract` writes the schemas again.

use crate::common::{files, folder, sample};
use serde_json::{Map, Value, json};
use tidegate_events::{
    ApprovalGiven, Body, CommitPushed, Contract, DeploymentFinished, DeploymentRequested, DeploymentWaiting,
    DriftObserved, EndpointHealthChanged, EventError, Field, HoldPlaced, HoldReleased, Kind,
    RetrainingFinished, RetrainingRequested, SCHEMA, parse_value, to_detail,
};

fn kebab<T: Contract>() -> String {
    T::DETAIL_TYPE.to_lowercase().replace(' ', "-")
}

fn example<T: Contract>() -> Value {
    sample(&format!("contract/{}.json", kebab::<T>()))
}

/// The JSON Schema of one field.
fn field_schema(field: &Field) -> Value {
    let mut schema = match field.kind {
        Kind::Text => json!({"type": "string", "minLength": 1}),
        Kind::Reason => json!({"type": "string", "pattern": "^[a-z][a-z0-9_]*$"}),
        Kind::Account => json!({"type": "string", "pattern": "^[0-9]{12}$"}),
        Kind::Arn => json!({"type": "string", "pattern": "^arn:[^:]*:[^:]*:[^:]*:[^:]*:.*$"}),
        Kind::Version => json!({"type": "integer", "minimum": 1}),
        Kind::Number => json!({"type": "number"}),
        Kind::Time => json!({"type": "string", "format": "date-time"}),
        Kind::Texts => json!({"type": "array", "items": {"type": "string", "minLength": 1}}),
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
    match kind {
        Kind::Text => vec![json!(7), json!("")],
        Kind::Reason => vec![json!(7), json!(""), json!("Not snake"), json!("7up"), json!("_x")],
        Kind::Account => vec![json!(111_122_223_333_u64), json!("11112222333"), json!("11112222333x")],
        Kind::Arn => vec![json!({}), json!("churn/7"), json!("arn:aws:sagemaker")],
        Kind::Version => vec![json!("7"), json!(0), json!(-1), json!(1.5)],
        Kind::Number => vec![json!("0.1"), json!([])],
        Kind::Time => {
            vec![json!(1_772_442_602_000_u64), json!("1772442602000"), json!("2026-03-02"), json!("")]
        }
        Kind::Texts => vec![json!("a"), json!([7]), json!([""])],
        Kind::OneOf(_) => vec![json!(7), json!("perhaps"), json!("")],
    }
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
        if let Kind::OneOf(words) = kind {
            for word in *words {
                let found = read(&|detail| drop(detail.insert((*name).to_owned(), json!(word))));
                assert!(found.is_ok(), "{path} = {word}: {found:?}");
            }
        }
    }
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

fn example_has_every_field_and_is_equal_after_parsing_and_serialization<T: Contract>(
    read: impl Fn(Body) -> Option<T>,
) {
    let event = example::<T>();
    let detail = event["detail"].clone();
    for field in T::FIELDS {
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
