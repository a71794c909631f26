//! The difference between two policies, field by field. This module is pure.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use tidegate_policy::file::Policy;

/// A field that differs between two policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    /// The path of the field, as the errors of policy files write it: `environments.staging.gates.soak`.
    pub(crate) path: String,
    /// The old value, or `None` if the field was absent.
    pub(crate) before: Option<String>,
    /// The new value, or `None` if the field is absent now.
    pub(crate) after: Option<String>,
}

/// Returns the fields that differ, sorted by path.
pub(crate) fn between(before: &Policy, after: &Policy) -> Vec<Difference> {
    let (before, after) = (fields(before), fields(after));
    let mut paths: Vec<&String> = before.keys().chain(after.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    let one = |path: &String| {
        let (was, is) = (before.get(path), after.get(path));
        (was != is).then(|| Difference { path: path.clone(), before: was.cloned(), after: is.cloned() })
    };
    paths.into_iter().filter_map(one).collect()
}

/// Returns every field that has a value, by its path.
fn fields(policy: &Policy) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    // The serialization of these types cannot fail, because every key is a string.
    let value = serde_json::to_value(policy).unwrap_or_default();
    collect("", &value, &mut found);
    found
}

fn collect(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => collect_map(path, map, found),
        Value::Array(list) => match names(list) {
            Some(names) => {
                // Promotion follows the order of the environments, which the fields of an environment do not contain.
                found.insert(format!("{path} (order)"), names.join(", "));
                for (name, entry) in names.iter().zip(list) {
                    collect(&format!("{path}.{name}"), entry, found);
                }
            }
            None => {
                found.insert(path.to_owned(), value.to_string());
            }
        },
        // A null field counts as absent.
        Value::Null => {}
        Value::String(text) => {
            found.insert(path.to_owned(), text.clone());
        }
        Value::Bool(_) | Value::Number(_) => {
            found.insert(path.to_owned(), value.to_string());
        }
    }
}

fn collect_map(path: &str, map: &Map<String, Value>, found: &mut BTreeMap<String, String>) {
    for (name, value) in map {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        collect(&path, value, found);
    }
}

/// The names of a list's entries, if all of them have one. The entries are then matched by name and not by position.
fn names(list: &[Value]) -> Option<Vec<String>> {
    let names: Option<Vec<String>> =
        list.iter().map(|entry| entry.get("name").and_then(Value::as_str).map(str::to_owned)).collect();
    names.filter(|names| !names.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_policy::file::parse;

    fn text() -> String {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../events/policies/churn.yaml");
        std::fs::read_to_string(path).unwrap()
    }

    fn policy(text: &str) -> Policy {
        parse("churn.yaml", text).unwrap()
    }

    /// The differences that result from a replacement in the text.
    fn changed(from: &str, to: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let after = text().replace(from, to);
        assert_ne!(after, text(), "the change is one");
        let found = between(&policy(&text()), &policy(&after));
        found.into_iter().map(|d| (d.path, d.before, d.after)).collect()
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn equal_policies_differ_in_nothing() {
        assert_eq!(between(&policy(&text()), &policy(&text())), []);
    }

    #[test]
    fn a_value_is_named_by_its_environment_not_by_its_place() {
        assert_eq!(
            changed("soak: 30m", "soak: 1h"),
            [("environments.production.gates.soak".to_owned(), some("30m"), some("1h"))]
        );
    }

    #[test]
    fn what_is_new_and_what_is_gone_are_told_apart() {
        assert_eq!(
            changed("  escalateAfter: 2\n", ""),
            [("drift.escalateAfter".to_owned(), some("2"), None)]
        );
        let back = text().replace("  escalateAfter: 2\n", "");
        let found = between(&policy(&back), &policy(&text()));
        assert_eq!(found[0].before, None);
        assert_eq!(found[0].after, some("2"));
    }

    #[test]
    fn a_list_of_values_is_one_value() {
        assert_eq!(
            changed("[main, \"release/*\"]", "[main]"),
            [("source.branches".to_owned(), some("[\"main\",\"release/*\"]"), some("[\"main\"]"))]
        );
    }

    #[test]
    fn an_environment_that_is_renamed_is_another_and_the_order_counts() {
        let found = changed("name: staging\n", "name: test\n");
        assert!(found.contains(&(
            "environments (order)".to_owned(),
            some("staging, production"),
            some("test, production")
        )));
        assert!(found.contains(&("environments.staging.region".to_owned(), some("us-east-1"), None)));
        assert!(found.contains(&("environments.test.region".to_owned(), None, some("us-east-1"))));
        let mut swapped = policy(&text());
        swapped.environments.reverse();
        let found = between(&policy(&text()), &swapped);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].path, "environments (order)");
    }
}
