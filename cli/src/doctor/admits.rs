//! Evaluates whether a bus accepts the events of another account. This module is pure.

use serde_json::Value;

/// Returns whether the policy of a bus accepts events of this detail-type from this account. It understands the
/// statements that the templates write. Any other statement does not count as permission.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-permissions.html>
pub(super) fn admits(policy: &Value, account: &str, detail_type: &str) -> bool {
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    let concerning = |effect: &str| -> Vec<&Value> {
        let has_effect = |s: &&Value| s.get("Effect").and_then(Value::as_str) == Some(effect);
        statements.iter().copied().filter(has_effect).filter(|s| concerns(s, account)).collect()
    };
    // A denial counts regardless of its conditions. A false warning is better than a missed problem.
    concerning("Allow").into_iter().any(|statement| conditions_hold(statement, detail_type))
        && concerning("Deny").is_empty()
}

fn concerns(statement: &Value, account: &str) -> bool {
    let principals = match statement.get("Principal") {
        Some(Value::Object(map)) => map.get("AWS").map(texts).unwrap_or_default(),
        Some(other) => texts(other),
        None => Vec::new(),
    };
    let root = format!(":iam::{account}:root");
    let ours = |principal: &&str| *principal == "*" || *principal == account || principal.ends_with(&root);
    let actions = statement.get("Action").map(texts).unwrap_or_default();
    let puts = |action: &&str| matches!(*action, "events:PutEvents" | "events:*" | "*");
    principals.iter().any(ours) && actions.iter().any(puts)
}

fn conditions_hold(statement: &Value, detail_type: &str) -> bool {
    let Some(conditions) = statement.get("Condition").and_then(Value::as_object) else { return true };
    conditions.iter().all(|(operator, keys)| {
        let Some(keys) = keys.as_object() else { return false };
        operator == "StringEquals"
            && keys.iter().all(|(key, values)| {
                let wanted = match key.to_lowercase().as_str() {
                    "events:source" => tidegate_events::SOURCE,
                    "events:detail-type" => detail_type,
                    _ => return false,
                };
                texts(values).contains(&wanted)
            })
    })
}

/// Returns a string or a list of strings as a list.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const HUB: &str = "111122223333";

    fn policy(statement: Value) -> Value {
        json!({ "Version": "2012-10-17", "Statement": [statement] })
    }

    fn from_hub() -> Value {
        json!({
            "Sid": "hub", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:root" },
            "Action": "events:PutEvents", "Resource": "arn:aws:events:us-east-1:444455556666:event-bus/tidegate",
            "Condition": { "StringEquals": {
                "events:source": "tidegate", "events:detail-type": ["Deployment Requested", "Hold Placed"],
            } },
        })
    }

    #[test]
    fn the_templates_statement_admits_what_it_names() {
        let policy = policy(from_hub());
        assert!(admits(&policy, HUB, "Deployment Requested") && admits(&policy, HUB, "Hold Placed"));
        assert!(!admits(&policy, HUB, "Deployment Finished"));
        assert!(!admits(&policy, "777788889999", "Deployment Requested"));
    }

    #[test]
    fn what_is_not_understood_does_not_admit() {
        for (pointer, value) in [
            ("/Effect", json!("Deny")),
            ("/Action", json!("events:PutRule")),
            ("/Condition/StringEquals/events:source", json!("somebody")),
            ("/Condition/StringEquals/events:creatorAccount", json!(HUB)),
            ("/Condition/StringLike", json!({ "events:source": "*" })),
            ("/Principal", json!({ "Service": "events.amazonaws.com" })),
        ] {
            let mut statement = from_hub();
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            statement.pointer_mut(parent).unwrap()[key] = value;
            assert!(!admits(&policy(statement), HUB, "Deployment Requested"), "{pointer}");
        }
        assert!(!admits(&Value::Null, HUB, "Deployment Requested"));
    }

    #[test]
    fn a_denial_wins() {
        let mut deny = from_hub();
        deny["Effect"] = json!("Deny");
        let both = json!({ "Statement": [from_hub(), deny] });
        assert!(!admits(&both, HUB, "Deployment Requested"));
    }

    #[test]
    fn no_condition_admits_everything() {
        let mut open = from_hub();
        open.as_object_mut().unwrap().remove("Condition");
        open["Principal"] = json!("*");
        assert!(admits(&policy(open), HUB, "Deployment Finished"));
    }
}
