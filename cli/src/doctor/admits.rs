//! Evaluates whether a bus accepts the events of another account. This module is pure.

use serde_json::Value;

/// A rule of another bus, as the policy of a bus sees it.
pub(super) struct Sender<'s> {
    /// The account of the rule.
    pub(super) account: &'s str,
    /// The name of the rule's role.
    pub(super) role: &'s str,
}

/// Returns whether the policy of a bus accepts events of this detail-type from the rule of another bus. It understands the
/// statements that the templates write. Any other statement does not count as permission.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-permissions.html>
pub(super) fn admits(policy: &Value, sender: &Sender<'_>, detail_type: &str) -> bool {
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    let holds = |effect: &str, unknown: bool| {
        let of_effect = statements.iter().filter(|s| s.get("Effect").and_then(Value::as_str) == Some(effect));
        of_effect
            .filter(|s| concerns(s, sender.account))
            .any(|s| conditions_hold(s, sender, detail_type, unknown))
    };
    // A condition that is not understood does not admit, and it denies. A false warning is better than a missed problem.
    holds("Allow", false) && !holds("Deny", true)
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

/// Returns whether all conditions of a statement hold. `unknown` is the answer for a condition that is not understood.
fn conditions_hold(statement: &Value, sender: &Sender<'_>, detail_type: &str, unknown: bool) -> bool {
    let Some(conditions) = statement.get("Condition").and_then(Value::as_object) else { return true };
    conditions.iter().all(|(operator, keys)| {
        let Some(keys) = keys.as_object() else { return unknown };
        keys.iter()
            .all(|(key, values)| holds(operator, key, &texts(values), sender, detail_type).unwrap_or(unknown))
    })
}

/// Returns whether one condition holds, or `None` if it is not understood.
fn holds(operator: &str, key: &str, values: &[&str], sender: &Sender<'_>, detail_type: &str) -> Option<bool> {
    let is_role = |arn: &&str| {
        let role = arn.split_once(":role/").map(|(_, name)| name);
        role == Some(sender.role) && arn.contains(&format!(":iam::{}:", sender.account))
    };
    match (operator, key.to_lowercase().as_str()) {
        ("StringEquals", "events:source") => Some(values.contains(&tidegate_events::SOURCE)),
        ("StringEquals", "events:detail-type") => Some(values.contains(&detail_type)),
        ("ArnEquals", "aws:principalarn") => Some(values.iter().any(is_role)),
        ("ArnNotEquals" | "ArnNotLike", "aws:principalarn") => Some(!values.iter().any(is_role)),
        // It is true for an event that the rule of another bus sends.
        ("Bool" | "BoolIfExists", "events:eventbusinvocation") => Some(values.contains(&"true")),
        _ => None,
    }
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

    const HUB: Sender<'_> = Sender { account: "111122223333", role: "hub-to-staging-us-east-1" };

    fn policy(statement: Value) -> Value {
        json!({ "Version": "2012-10-17", "Statement": [statement] })
    }

    fn from_hub() -> Value {
        json!({
            "Sid": "hub", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:root" },
            "Action": "events:PutEvents", "Resource": "arn:aws:events:us-east-1:444455556666:event-bus/tidegate",
            "Condition": { "StringEquals": {
                "events:source": "tidegate", "events:detail-type": ["Deployment Requested", "Hold Placed"],
            }, "ArnEquals": { "aws:PrincipalArn": "arn:aws:iam::111122223333:role/hub-to-staging-us-east-1" } },
        })
    }

    #[test]
    fn the_templates_statement_admits_what_it_names() {
        let policy = policy(from_hub());
        assert!(admits(&policy, &HUB, "Deployment Requested") && admits(&policy, &HUB, "Hold Placed"));
        assert!(!admits(&policy, &HUB, "Deployment Finished"));
        assert!(!admits(&policy, &Sender { account: "777788889999", ..HUB }, "Deployment Requested"));
        assert!(!admits(&policy, &Sender { role: "somebody", ..HUB }, "Deployment Requested"));
    }

    #[test]
    fn what_is_not_understood_does_not_admit() {
        for (pointer, value) in [
            ("/Effect", json!("Deny")),
            ("/Action", json!("events:PutRule")),
            ("/Condition/StringEquals/events:source", json!("somebody")),
            ("/Condition/StringEquals/events:creatorAccount", json!(HUB.account)),
            ("/Condition/StringLike", json!({ "events:source": "*" })),
            ("/Principal", json!({ "Service": "events.amazonaws.com" })),
        ] {
            let mut statement = from_hub();
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            statement.pointer_mut(parent).unwrap()[key] = value;
            assert!(!admits(&policy(statement), &HUB, "Deployment Requested"), "{pointer}");
        }
        assert!(!admits(&Value::Null, &HUB, "Deployment Requested"));
    }

    #[test]
    fn a_denial_wins() {
        let mut deny = from_hub();
        deny["Effect"] = json!("Deny");
        let both = json!({ "Statement": [from_hub(), deny] });
        assert!(!admits(&both, &HUB, "Deployment Requested"));
    }

    #[test]
    fn a_denial_to_all_but_buses_does_not_concern_a_rule() {
        let denial = |condition: Value| {
            let mut deny = from_hub();
            deny["Effect"] = json!("Deny");
            deny["Principal"] = json!("*");
            deny["Condition"] = condition;
            admits(&json!({ "Statement": [from_hub(), deny] }), &HUB, "Deployment Requested")
        };
        let kind = json!({ "events:detail-type": "Deployment Requested" });
        assert!(denial(
            json!({ "StringEquals": kind, "BoolIfExists": { "events:eventBusInvocation": "false" } })
        ));
        assert!(denial(json!({ "StringEquals": { "events:detail-type": "Drift Observed" } })));
        assert!(!denial(json!({ "StringEquals": kind })));
        let other = json!({ "aws:PrincipalArn": "arn:aws:iam::111122223333:role/promote" });
        assert!(!denial(json!({ "StringEquals": kind, "ArnNotEquals": other })));
    }

    #[test]
    fn no_condition_admits_everything() {
        let mut open = from_hub();
        open.as_object_mut().unwrap().remove("Condition");
        open["Principal"] = json!("*");
        assert!(admits(&policy(open), &HUB, "Deployment Finished"));
    }
}
