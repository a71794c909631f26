//! The little language of pipeline definitions: `Get`, `Std:Join`, `Std:JsonGet` and conditions.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::json::{list, text};

/// What expressions can refer to.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    pub(crate) parameters: &'a BTreeMap<String, Value>,
    /// `Execution.*`.
    pub(crate) execution: &'a Map<String, Value>,
    /// The properties of steps that ended.
    pub(crate) steps: &'a BTreeMap<String, Value>,
}

/// The only member of an object with one member.
fn single<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.as_object().filter(|object| object.len() == 1).and_then(|object| object.get(key))
}

/// A value with every expression in it replaced; what cannot be known becomes null.
pub(crate) fn resolve(value: &Value, names: &Names<'_>) -> Value {
    if let Some(Value::String(path)) = single(value, "Get") {
        return get(path, names);
    }
    if let Some(join) = single(value, "Std:Join") {
        let values: Vec<String> = list(join, "Values").iter().map(|v| plain(&resolve(v, names))).collect();
        return Value::String(values.join(text(join, "On").unwrap_or_default()));
    }
    if let Some(read) = single(value, "Std:JsonGet") {
        let file = read.get("PropertyFile").map(|file| resolve(file, names)).unwrap_or_default();
        return look_up(&file, text(read, "Path").unwrap_or_default());
    }
    match value {
        Value::Object(members) => {
            members.iter().map(|(key, member)| (key.clone(), resolve(member, names))).collect()
        }
        Value::Array(items) => items.iter().map(|item| resolve(item, names)).collect(),
        other => other.clone(),
    }
}

/// How a value reads inside a joined text.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn get(path: &str, names: &Names<'_>) -> Value {
    let (root, rest) = path.split_once('.').unwrap_or((path, ""));
    match root {
        "Parameters" => names.parameters.get(rest).cloned().unwrap_or_default(),
        "Execution" => names.execution.get(rest).cloned().unwrap_or_default(),
        "Steps" => {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, property) = rest.split_at(end);
            names.steps.get(name).map(|properties| look_up(properties, property)).unwrap_or_default()
        }
        _ => Value::Null,
    }
}

/// Follows a path such as `A.B['c'][0].D`; null where it leads nowhere.
pub(crate) fn look_up(value: &Value, path: &str) -> Value {
    let mut here = value;
    for token in path.split(['.', '[', ']']).filter(|token| !token.is_empty()) {
        let quoted = token.trim_matches(['\'', '"']);
        let next = match here {
            Value::Array(items) => match quoted.parse::<usize>() {
                Ok(at) => items.get(at),
                // Lists of named things are addressed by name.
                Err(_) => items.iter().find(|item| named(item, quoted)),
            },
            other => other.get(quoted),
        };
        match next {
            Some(next) => here = next,
            None => return Value::Null,
        }
    }
    here.clone()
}

fn named(item: &Value, name: &str) -> bool {
    let members = item.as_object().into_iter().flatten();
    members.into_iter().any(|(key, value)| key.ends_with("Name") && value.as_str() == Some(name))
}

/// Whether all conditions hold; `None` when that hangs on something unknown.
pub(crate) fn all_hold(conditions: &[Value], names: &Names<'_>) -> Option<bool> {
    let outcomes: Vec<Option<bool>> = conditions.iter().map(|c| holds(c, names)).collect();
    if outcomes.contains(&Some(false)) {
        return Some(false);
    }
    if outcomes.contains(&None) { None } else { Some(true) }
}

fn holds(condition: &Value, names: &Names<'_>) -> Option<bool> {
    let side = |key: &str| condition.get(key).map(|value| resolve(value, names)).unwrap_or_default();
    let kind = text(condition, "Type").unwrap_or_default();
    match kind {
        "Not" => {
            let inner = condition.get("Expression").or_else(|| condition.get("Condition"))?;
            holds(inner, names).map(|outcome| !outcome)
        }
        "Or" => {
            let outcomes: Vec<Option<bool>> =
                list(condition, "Conditions").iter().map(|c| holds(c, names)).collect();
            if outcomes.contains(&Some(true)) {
                return Some(true);
            }
            if outcomes.contains(&None) { None } else { Some(false) }
        }
        "In" => {
            let wanted = side("QueryValue");
            let among: Vec<Value> =
                list(condition, "Values").iter().map(|value| resolve(value, names)).collect();
            (!wanted.is_null()).then(|| among.contains(&wanted))
        }
        _ => compare(kind, &side("LeftValue"), &side("RightValue")),
    }
}

fn compare(kind: &str, left: &Value, right: &Value) -> Option<bool> {
    if left.is_null() || right.is_null() {
        return None;
    }
    let number = |value: &Value| match value {
        Value::String(text) => text.parse::<f64>().ok(),
        other => other.as_f64(),
    };
    let numbers = number(left).zip(number(right));
    if kind == "Equals" {
        return Some(left == right || numbers.is_some_and(|(l, r)| (l - r).abs() <= f64::EPSILON));
    }
    let (left, right) = numbers?;
    match kind {
        "GreaterThan" => Some(left > right),
        "GreaterThanOrEqualTo" => Some(left >= right),
        "LessThan" => Some(left < right),
        "LessThanOrEqualTo" => Some(left <= right),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(condition: &Value, mse: Value) -> Option<bool> {
        let parameters = BTreeMap::from([("Threshold".to_owned(), json!(6.0))]);
        let steps =
            BTreeMap::from([("E".to_owned(), json!({"PropertyFiles": {"R": {"mse": {"value": mse}}}}))]);
        let names = Names { parameters: &parameters, execution: &Map::new(), steps: &steps };
        all_hold(std::slice::from_ref(condition), &names)
    }

    fn below() -> Value {
        json!({
            "Type": "LessThanOrEqualTo",
            "LeftValue": {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.E.PropertyFiles.R"}, "Path": "mse.value"}},
            "RightValue": {"Get": "Parameters.Threshold"},
        })
    }

    #[test]
    fn a_condition_reads_the_report() {
        assert_eq!(check(&below(), json!(4.5)), Some(true));
        assert_eq!(check(&below(), json!(6.5)), Some(false));
        assert_eq!(check(&json!({"Type": "Not", "Expression": below()}), json!(6.5)), Some(true));
    }

    #[test]
    fn an_unknown_operand_makes_the_condition_unknown_unless_it_does_not_matter() {
        assert_eq!(check(&below(), Value::Null), None);
        let always = json!({"Type": "Equals", "LeftValue": 1, "RightValue": 1.0});
        assert_eq!(check(&json!({"Type": "Or", "Conditions": [below(), always]}), Value::Null), Some(true));
    }

    #[test]
    fn texts_are_joined_and_lists_are_addressed_by_name() {
        let parameters = BTreeMap::from([("N".to_owned(), json!(2))]);
        let outputs = json!({"Outputs": [{"OutputName": "a"}, {"OutputName": "train", "S3Uri": "s3://b/k"}]});
        let steps = BTreeMap::from([("P-1".to_owned(), outputs)]);
        let names = Names { parameters: &parameters, execution: &Map::new(), steps: &steps };
        let join = json!({"Std:Join": {"On": "/", "Values": [
            "x", {"Get": "Parameters.N"}, {"Get": "Steps.P-1.Outputs['train'].S3Uri"}]}});
        assert_eq!(resolve(&join, &names), json!("x/2/s3://b/k"));
    }
}
