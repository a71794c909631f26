//! The JSON Schema of the policy file: for editors, and for the check of a file.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::Policy;

/// The schema of a policy file, JSON Schema 2020-12, generated from the types.
#[must_use]
pub fn schema() -> Value {
    TABLE.clone()
}

/// The schema, generated once.
pub(super) static TABLE: LazyLock<Value> = LazyLock::new(|| {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Policy>();
    RecursiveTransform(plain).transform(&mut schema);
    schema.insert("title".to_owned(), json!("Tidegate policy"));
    schema.to_value()
});

/// Removes what is specific to Rust: nullable fields (a field without a value is an error, not an absent field),
/// number formats and line breaks inside a sentence.
fn plain(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    object.remove("format");
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = text.split("\n\n").map(|p| p.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
    }
    if let Some(Value::Array(types)) = object.get("type") {
        let real: Vec<Value> = types.iter().filter(|t| *t != "null").cloned().collect();
        if let [only] = real.as_slice() {
            object.insert("type".to_owned(), only.clone());
        }
    }
    if let Some(Value::Array(choices)) = object.get("anyOf") {
        let real: Vec<Value> = choices.iter().filter(|c| **c != json!({ "type": "null" })).cloned().collect();
        if let [Value::Object(only)] = real.as_slice() {
            object.remove("anyOf");
            object.extend(only.clone());
        }
    }
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
}

/// Follows the reference of a schema: returns the name of the type, if it has one, and its schema.
pub(super) fn resolve<'s>(root: &'s Value, schema: &'s Value) -> (Option<&'s str>, &'s Value) {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/$defs/"));
    match name.and_then(|name| Some((name, root.get("$defs")?.get(name)?))) {
        Some((name, found)) => (Some(name), found),
        None => (None, schema),
    }
}

/// The fields of a section by name. (The order in JSON depends on the build features of serde_json.)
pub(super) fn fields(schema: &Value) -> Option<BTreeMap<&str, &Value>> {
    let fields = schema.get("properties")?.as_object()?;
    Some(fields.iter().map(|(name, field)| (name.as_str(), field)).collect())
}

/// The values of an enumeration; empty for any other schema.
pub(super) fn words(schema: &Value) -> Vec<&str> {
    let one = |schema: &'_ Value| schema.get("const").and_then(Value::as_str).is_some();
    let choices = schema.get("oneOf").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let listed = schema.get("enum").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut words: Vec<&str> = listed.iter().filter_map(Value::as_str).collect();
    for choice in choices.iter().chain(one(schema).then_some(schema)) {
        words.extend(choice.get("const").and_then(Value::as_str));
        words.extend(
            choice.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str),
        );
    }
    words
}

/// A value that a schema allows, as a replacement for an invalid one: the rules can then check the rest.
pub(super) fn sample(root: &Value, schema: &Value) -> Value {
    let (_, schema) = resolve(root, schema);
    if let Some(word) = words(schema).first() {
        return json!(word);
    }
    if let Some(example) = schema.get("examples").and_then(|e| e.get(0)) {
        return example.clone();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => {
            let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
            let properties = fields(schema).unwrap_or_default();
            let field = |name: &str| Some((name.to_owned(), sample(root, properties.get(name)?)));
            Value::Object(required.filter_map(Value::as_str).filter_map(field).collect())
        }
        Some("array") => json!([]),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(false),
        Some("string") => json!("text"),
        _ => json!(true),
    }
}

/// The first URL in a description, which explains the reason.
pub(super) fn reference(schema: &Value) -> Option<&str> {
    let text = schema.get("description").and_then(Value::as_str)?;
    let (_, rest) = text.split_once("<http")?;
    let (address, _) = rest.split_once('>')?;
    let start = text.len().checked_sub(rest.len() + "http".len())?;
    text.get(start..start + "http".len() + address.len())
}
