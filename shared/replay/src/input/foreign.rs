//! Recognizes JSON that is not an event, so that an error message can explain what it is and where it belongs.

use serde_json::{Map, Value};

/// Describes the JSON, if it is known not to be an event.
#[must_use]
pub fn name_of_foreign(value: &Value) -> Option<&'static str> {
    match value {
        Value::Object(map) => of_object(map),
        Value::Array(list) => of_list(list.first()?),
        _ => None,
    }
}

fn of_object(map: &Map<String, Value>) -> Option<&'static str> {
    let has = |names: &[&str]| names.iter().all(|name| map.contains_key(*name));
    let any = |ending: &str| map.keys().any(|name| name.ends_with(ending));
    Some(if has(&["$schema"]) {
        "a JSON Schema: it says what an event may hold and is none itself"
    } else if has(&["headers", "body"]) {
        "a request to a webhook: a repository's pushes reach Tidegate as `Commit Pushed`"
    } else if has(&["secret", "x-hub-signature-256"]) {
        "a test vector for the signature of webhooks"
    } else if has(&["repository", "sender"]) {
        "the body of a GitHub webhook: a repository's pushes reach Tidegate as `Commit Pushed`"
    } else if has(&["object_kind"]) {
        "the body of a GitLab webhook: a repository's pushes reach Tidegate as `Commit Pushed`"
    } else if has(&["Version", "Steps"]) {
        "a pipeline definition: a commit that has it starts the pipeline"
    } else if has(&["violations"]) {
        "a report of Model Monitor: the event is the `Object Created` that tells of it"
    } else if has(&["captureData"]) {
        "a captured request of an endpoint"
    } else if has(&["groundTruthData"]) || has(&["SageMakerInferenceId"]) {
        "data for Model Monitor"
    } else if has(&["features"]) || has(&["dataset"]) || any("_constraints") || any("_metrics") {
        "a baseline or statistics of Model Monitor"
    } else {
        return None;
    })
}

fn of_list(first: &Value) -> Option<&'static str> {
    let map = first.as_object()?;
    if map.contains_key("file") {
        Some("an index of sample files")
    } else if map.contains_key("prefix") {
        Some("a manifest of captured data")
    } else {
        None
    }
}
