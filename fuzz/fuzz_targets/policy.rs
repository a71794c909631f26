//! No text makes the policy reader panic, and a policy that it accepts is one in every other respect.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tidegate_policy::file::{Checked, PolicyError, parse_applied, read, schema};
use tidegate_policy::lookup;

/// The schema that editors check policies against.
static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema = serde_json::to_value(schema()).expect("the schema is JSON");
    jsonschema::validator_for(&schema).expect("the schema is one")
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let first = read("fuzz.yaml", text);
    assert_eq!(first, read("fuzz.yaml", text), "the same text, another answer");
    match first {
        Ok(checked) => accepted(text, &checked),
        Err(error) => refused(text, &error),
    }
});

/// A policy that was accepted comes back from the ledger as it was, and is one for editors too.
fn accepted(text: &str, checked: &Checked) {
    let policy = &checked.policy;
    let json = serde_json::to_string(policy).expect("a policy can be written");
    let again = parse_applied(policy.model.as_str(), &json).expect("the ledger's policy is one");
    assert_eq!(&again, policy);
    assert_eq!(again.version(), policy.version());
    // JSON is YAML: the file that a program would write is a policy file.
    let written = read("written.json", &json).expect("a policy written anew is one");
    assert_eq!(&written.policy, policy);
    let value = serde_json::from_str(&json).expect("a policy is JSON");
    let complaint = SCHEMA.validate(&value).err().map(|error| error.to_string());
    assert_eq!(complaint, None, "the schema refuses what the reader accepts: {json}");
    for warning in &checked.warnings {
        in_text(text, warning.line);
    }
    for environment in &policy.environments {
        let _ = environment.endpoint.scalable_component();
    }
    assert!(!lookup::of(policy).is_empty());
}

fn refused(text: &str, error: &PolicyError) {
    assert!(!error.problems.is_empty(), "refused, and nothing is wrong");
    for problem in &error.problems {
        in_text(text, problem.line);
        assert!(!problem.message.is_empty());
    }
    assert!(error.to_string().starts_with("fuzz.yaml"));
}

/// A problem is on a line of the file, or right behind its end.
fn in_text(text: &str, line: u64) {
    let lines = text.split(['\n', '\r']).count() as u64;
    assert!((1..=lines + 1).contains(&line), "line {line} of {lines}");
}
