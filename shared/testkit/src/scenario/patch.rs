//! Changes of single fields of a sample, and the comparison of a part with a whole.

use serde_json::Value;

/// Sets, or with `null` removes, the field at a path such as `detail.ModelApprovalStatus` or
/// `environments.staging.endpoint.kind`. In a list, a path segment is the `name` of an entry, or its index.
///
/// # Errors
/// If a part of the path does not exist.
pub fn set(value: &mut Value, path: &str, new: Value) -> Result<(), String> {
    let (parents, last) = match path.rsplit_once('.') {
        Some((parents, last)) => (Some(parents), last),
        None => (None, path),
    };
    let mut place = value;
    for part in parents.into_iter().flat_map(|parents| parents.split('.')) {
        place = step(place, part).ok_or_else(|| format!("{path}: there is no {part}"))?;
    }
    match place {
        Value::Object(members) if new.is_null() => {
            members.remove(last);
        }
        Value::Object(members) => {
            members.insert(last.to_owned(), new);
        }
        other => match step(other, last) {
            Some(place) => *place = new,
            None => return Err(format!("{path}: there is no {last}")),
        },
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

/// Whether `whole` contains everything in `part`: all members of its objects; lists are compared entry by entry.
#[must_use]
pub fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, wanted)| whole.get(key).is_some_and(|found| contains(found, wanted)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(found, wanted)| contains(found, wanted))
        }
        (whole, part) => whole == part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_leads_through_objects_and_named_entries() {
        let mut value = json!({"a": {"b": 1}, "list": [{"name": "x", "y": 1}, {"name": "z"}]});
        set(&mut value, "a.b", json!(2)).unwrap();
        set(&mut value, "list.x.y", json!(3)).unwrap();
        set(&mut value, "list.1.new", json!([])).unwrap();
        set(&mut value, "a.b", Value::Null).unwrap();
        assert_eq!(value, json!({"a": {}, "list": [{"name": "x", "y": 3}, {"name": "z", "new": []}]}));
        assert_eq!(set(&mut value, "a.q.r", json!(1)).unwrap_err(), "a.q.r: there is no q");
        assert_eq!(set(&mut value, "list.w", json!(1)).unwrap_err(), "list.w: there is no w");
    }

    #[test]
    fn a_part_is_contained() {
        let whole = json!({"a": [{"b": 1, "c": 2}], "d": null});
        assert!(contains(&whole, &json!({"a": [{"b": 1}]})));
        assert!(contains(&whole, &json!({"d": null})));
        assert!(!contains(&whole, &json!({"a": []})));
        assert!(!contains(&whole, &json!({"e": null})));
        assert!(!contains(&whole, &json!({"a": [{"b": 2}]})));
    }
}
