//! The JSON Schema of `Decision Recorded`, the event in which a decision is published on the bus.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use tidegate_events::DECISION_RECORDED;

use crate::{DecisionRecord, SCHEMA};

/// The schema of the event's detail (JSON Schema 2020-12), generated from the type. Unknown fields are allowed, because
/// a later version may add fields.
#[must_use]
pub fn decision_recorded_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<DecisionRecord>();
    for (name, value) in [
        ("$id", json!(format!("urn:tidegate:event:decision-recorded:{SCHEMA}"))),
        ("title", json!(DECISION_RECORDED)),
        (
            "description",
            json!(format!(
                "The detail of an event with source tidegate and detail-type {DECISION_RECORDED}."
            )),
        ),
    ] {
        schema.insert(name.to_owned(), value);
    }
    schema.to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn read(file: &str) -> Value {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/contract").join(file);
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    /// Sorts the members, because their order depends on the features with which serde_json was built.
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

    /// `TIDEGATE_BLESS=1 cargo test -p tidegate-engine` writes the file again.
    #[test]
    fn the_committed_schema_is_current() {
        let (file, schema) = ("decision-recorded.schema.json", sorted(&decision_recorded_schema()));
        if std::env::var("TIDEGATE_BLESS").is_ok_and(|value| value == "1") {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/contract").join(file);
            std::fs::write(path, format!("{schema:#}\n")).unwrap();
        }
        assert_eq!(read(file), schema, "TIDEGATE_BLESS=1 cargo test -p tidegate-engine writes {file} again");
    }

    #[test]
    fn the_example_is_valid_and_is_equal_after_parsing_and_serialization() {
        let detail = &read("decision-recorded.json")["detail"];
        let validator = jsonschema::draft202012::new(&decision_recorded_schema()).unwrap();
        let errors: Vec<String> = validator.iter_errors(detail).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let record = DecisionRecord::read(&detail.to_string(), "example").unwrap();
        assert_eq!(serde_json::to_value(record).unwrap(), *detail);
    }

    #[test]
    fn a_record_of_a_later_schema_version_is_an_error_that_says_what_to_do() {
        let mut detail = read("decision-recorded.json")["detail"].clone();
        detail["schema"] = json!(SCHEMA + 1);
        detail.as_object_mut().unwrap().remove("message");
        let error = DecisionRecord::read(&detail.to_string(), "decision d").unwrap_err().to_string();
        assert!(error.contains("decision d") && error.contains("update Tidegate"), "{error}");
    }
}
