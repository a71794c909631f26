//! Small changes to a JSON value, by path.

use serde_json::Value;

/// Sets, or with `null` removes, the field at a path such as `detail.ModelApprovalStatus` or
/// `environments.staging.endpoint.kind`. In a list, the entry with that `name` is meant, or the one at that index.
///
/// # Errors
/// If the path leads through something that is not there.
pub(super) fn set(value: &mut Value, path: &str, new: Value) -> Result<(), String> {
    let mut parts: Vec<&str> = path.split('.').collect();
    let last = parts.pop().unwrap_or_default();
    let mut place = value;
    for part in parts {
        place = step(place, part).ok_or_else(|| format!("{path}: there is no {part}"))?;
    }
    match place {
        Value::Object(members) if new.is_null() => {
            members.remove(last);
        }
        Value::Object(members) => {
            members.insert(last.to_owned(), new);
        }
        list => *step(list, last).ok_or_else(|| format!("{path}: there is no {last}"))? = new,
    }
    Ok(())
}

fn step<'v>(value: &'v mut Value, part: &str) -> Option<&'v mut Value> {
    match value {
        Value::Object(members) => members.get_mut(part),
        Value::Array(list) => {
            let named = list.iter().position(|entry| entry.get("name").and_then(Value::as_str) == Some(part));
            list.get_mut(named.or_else(|| part.parse().ok())?)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_leads_through_objects_and_lists() {
        let mut value = json!({"a": {"b": 1}, "list": [{"name": "x", "y": 1}, {"name": "z"}]});
        set(&mut value, "a.b", json!(2)).unwrap();
        set(&mut value, "list.x.y", json!(3)).unwrap();
        set(&mut value, "list.1", json!("w")).unwrap();
        set(&mut value, "a.b", Value::Null).unwrap();
        assert_eq!(value, json!({"a": {}, "list": [{"name": "x", "y": 3}, "w"]}));
        assert_eq!(set(&mut value, "a.q.r", json!(1)).unwrap_err(), "a.q.r: there is no q");
        assert_eq!(set(&mut value, "list.v", json!(1)).unwrap_err(), "list.v: there is no v");
    }
}
