//! The JSON Schema matches the types, is committed, and agrees with the reader.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{schema, words};
use super::CHURN;

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tidegate.schema.json")
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

/// Sorts the members, so that the order does not depend on the build features of serde_json.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut keys: Vec<&String> = members.keys().collect();
            keys.sort();
            keys.into_iter().map(|key| (key.clone(), sorted(&members[key]))).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// `TIDEGATE_BLESS=1 cargo test -p tidegate-policy` writes the file again.
#[test]
fn the_committed_schema_is_current() {
    let schema = sorted(&schema());
    if std::env::var("TIDEGATE_BLESS").is_ok_and(|value| value == "1") {
        std::fs::write(file(), format!("{schema:#}\n")).unwrap();
    }
    let committed: Value = serde_json::from_str(&std::fs::read_to_string(file()).unwrap()).unwrap();
    assert_eq!(
        committed, schema,
        "docs/tidegate.schema.json is not current; write it with TIDEGATE_BLESS=1 cargo test -p tidegate-policy"
    );
}

/// Calls `visit` for every schema inside a schema, with the names that lead to it.
fn walk<'v>(at: &str, value: &'v Value, visit: &mut dyn FnMut(&str, &'v Value)) {
    visit(at, value);
    for group in ["properties", "$defs"] {
        for (name, inner) in value.get(group).and_then(Value::as_object).into_iter().flatten() {
            walk(&format!("{at}/{name}"), inner, visit);
        }
    }
    if let Some(items) = value.get("items") {
        walk(&format!("{at}/items"), items, visit);
    }
}

#[test]
fn nothing_unknown_is_allowed_and_everything_is_described() {
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let mut sections = 0;
    walk("", &schema, &mut |at, value| {
        if value.get("type") == Some(&json!("object"))
            && !at.ends_with("/parameters")
            && !at.ends_with("/tags")
            && !at.ends_with("/groups")
            && !at.ends_with("/Endpoint/environment")
        {
            assert_eq!(value.get("additionalProperties"), Some(&json!(false)), "{at}");
            sections += 1;
        }
        assert!(at.ends_with("/items") || value.get("description").is_some(), "{at} has no description");
        assert!(value.get("anyOf").is_none() && !value.to_string().contains("\"null\""), "{at}: {value}");
    });
    assert!(sections > 20, "{sections}");
}

#[test]
fn every_text_with_a_pattern_has_its_rule_and_keeps_it() {
    let schema = schema();
    for (name, def) in schema["$defs"].as_object().unwrap() {
        let Some(pattern) = def.get("pattern") else {
            assert!(words::rule(name).is_none(), "{name} has a rule but no pattern");
            continue;
        };
        let (fits, _) = words::rule(name).unwrap_or_else(|| panic!("{name} has no rule"));
        for example in def["examples"].as_array().unwrap() {
            assert!(fits(example.as_str().unwrap()), "{name}: {example} against {pattern}");
        }
    }
}

/// Texts that are names, almost names, or entirely different.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9-]{0,70}",
        "[0-9]{10,14}",
        "[a-z]{2}(-[a-z0-9]{0,5}){1,4}",
        "(ml|m)\\.[a-zA-Z0-9-]{0,6}\\.(medium|large|[0-9]{0,2}x?large)",
        "(codecommit|github|gitlab|svn):[a-z._/ -]{0,20}",
        "s3:/{1,2}[a-zA-Z.-]{0,6}[a-z0-9]{0,70}(/[ -~]{0,10})?",
        "[0-2]?[0-9]:[0-6]?[0-9]",
        "arn:aws[a-z-]{0,3}:iam::[0-9]{12}:(user|role|group)/[a-zA-Z/_@ .-]{0,70}",
        "sso:[0-9]{11,13}:[a-zA-Z_]{0,34}/?[a-z@. ]{0,10}",
        "[0-9]{1,6}[smhdw]",
        "\\PC{0,12}",
    ]
}

proptest! {
    /// An editor and the reader agree about every text. (Only the reader knows the existing time zones, the days of a month and the
    /// maximum duration.)
    #[test]
    fn patterns_and_rules_agree(text in texts()) {
        let schema = schema();
        for (name, def) in schema["$defs"].as_object().unwrap() {
            let Some((fits, _)) = words::rule(name) else { continue };
            let valid = jsonschema::is_valid(def, &json!(text));
            let known = !["TimeZoneName", "Duration", "LocalDate"].contains(&name.as_str());
            let agree = if known { valid == fits(&text) } else { valid || !fits(&text) };
            prop_assert!(agree, "{name}: {text:?}");
        }
    }
}

#[test]
fn an_editor_accepts_the_examples_and_refuses_what_the_reader_refuses() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    for text in [
        CHURN,
        include_str!("../../../../../events/policies/minimal.yaml"),
        include_str!("../../../../../events/policies/everything.yaml"),
    ] {
        let errors: Vec<String> = validator.iter_errors(&yaml(text)).map(|e| format!("{e}")).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    for (from, to) in [
        ("tidegate/v1", "tidegate/v2"),
        ("registry:", "registri:"),
        ("soak: 30m", "soak: -1m"),
        ("soak: 30m", "soak: "),
        ("kind: serverless", "kind: lambda"),
        ("\"444455556666\"", "[444455556666]"),
        ("retrainings: 4", "retrainings: 0"),
        ("model: churn", "model: churn_model"),
    ] {
        assert!(!validator.is_valid(&yaml(&super::changed(from, to))), "{to}");
    }
}
