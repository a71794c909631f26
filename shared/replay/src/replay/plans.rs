//! Differences between two plans.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// A path in both plans, and the value in each.
pub(super) type Place = (String, [String; 2]);

/// Every path at which two plans differ, in their order: `update_endpoint.rollout.canary`.
pub(super) fn differing(policy: &[Value], against: &[Value]) -> Vec<Place> {
    let mut found = Vec::new();
    for index in 0..policy.len().max(against.len()) {
        let (one, other) = (policy.get(index), against.get(index));
        match (one.and_then(action), other.and_then(action)) {
            (Some(name), Some(same)) if name == same => compare(name, one, other, &mut found),
            (one, other) => {
                let shown = [one, other].map(|name| name.unwrap_or("nothing").to_owned());
                found.push((format!("action {}", index + 1), shown));
            }
        }
    }
    found
}

fn action(value: &Value) -> Option<&str> {
    value.get("action")?.as_str()
}

fn compare(place: &str, one: Option<&Value>, other: Option<&Value>, found: &mut Vec<Place>) {
    match (one, other) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            for name in names(one, other) {
                compare(&format!("{place}.{name}"), one.get(name), other.get(name), found);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                compare(&format!("{place}[{index}]"), Some(one), Some(other), found);
            }
        }
        (one, other) if one == other => {}
        (one, other) => found.push((place.to_owned(), [one, other].map(shown))),
    }
}

fn names<'m>(one: &'m Map<String, Value>, other: &'m Map<String, Value>) -> BTreeSet<&'m String> {
    one.keys().chain(other.keys()).collect()
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), Value::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(policy: &Value, against: &Value) -> Vec<String> {
        let list = |plan: &Value| plan.as_array().cloned().unwrap_or_default();
        let places = differing(&list(policy), &list(against));
        places.into_iter().map(|(place, [one, other])| format!("{place}: {one} / {other}")).collect()
    }

    #[test]
    fn only_what_differs_is_named() {
        let update = |canary: Value| json!({"action": "update_endpoint", "name": "churn", "rollout": {"canary": canary, "alarms": ["a"]}});
        let wait = json!({"action": "schedule_check", "at": "2026-03-02T09:00:00Z"});
        assert_eq!(
            said(&json!([update(json!([10, 600])), wait]), &json!([update(json!([50, 600])), wait])),
            ["update_endpoint.rollout.canary[0]: 10 / 50"]
        );
        assert_eq!(
            said(&json!([update(json!([10, 600]))]), &json!([update(Value::Null), wait])),
            ["update_endpoint.rollout.canary: [10,600] / null", "action 2: nothing / schedule_check"]
        );
        assert_eq!(
            said(&json!([wait]), &json!([update(Value::Null)])),
            ["action 1: schedule_check / update_endpoint"]
        );
        assert!(said(&json!([wait]), &json!([wait])).is_empty());
    }
}
