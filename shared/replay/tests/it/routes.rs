//! `wanted_by` says which functions hear an event. The templates decide it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tidegate_events::{Body, Wake, read};
use tidegate_replay::{Function, wanted_by};

const TEMPLATES: [&str; 2] =
    [include_str!("../../../../infra/hub.yaml"), include_str!("../../../../infra/environment.yaml")];

#[test]
fn every_sample_reaches_the_functions_that_the_templates_hand_it_to() {
    let rules: Vec<(Function, Value)> = TEMPLATES.into_iter().flat_map(rules).collect();
    assert!(rules.len() >= 9, "{}", rules.len());
    let mut reached = BTreeSet::new();
    for file in samples(Path::new("../../events")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let Ok(sample) = serde_json::from_str::<Value>(&text) else { continue };
        let Ok(event) = read(&sample) else { continue };
        if matches!(event.body, Body::Tick(_) | Body::Scheduled(_)) || sample.get("detail-type").is_none() {
            continue;
        }
        let mut routed: Vec<Function> = rules
            .iter()
            .filter(|(_, pattern)| matches(pattern, &sample, ""))
            .map(|(function, _)| *function)
            .collect();
        routed.sort();
        // Functions of the two templates that hear the same event are one list here.
        let mut wanted = wanted_by(&event).to_vec();
        wanted.sort();
        // What no function could read is handed on as well: the function says so.
        if event.body != Body::Other {
            assert_eq!(routed, wanted, "{}", file.display());
        }
        reached.extend(routed);
    }
    assert_eq!(reached.len(), Function::ALL.len(), "{reached:?}");
}

#[test]
fn every_function_is_swept() {
    let event = read(&serde_json::json!({"tidegate": "reconcile"})).unwrap();
    assert_eq!(event.body, Body::Scheduled(Scheduled::Reconcile));
    let swept: BTreeSet<Function> = TEMPLATES
        .into_iter()
        .flat_map(|template| functions(&parse(template)))
        .filter(|(_, events)| events.values().any(|event| event["Type"] == "ScheduleV2"))
        .map(|(function, _)| function)
        .collect();
    assert_eq!(swept.into_iter().collect::<Vec<_>>(), wanted_by(&event));
}

/// The functions of a template with what they are called by.
fn functions(template: &Value) -> Vec<(Function, Map<String, Value>)> {
    let resources = template["Resources"].as_object().unwrap();
    let named = |name: &str| Function::named(&name.strip_suffix("Function")?.to_lowercase());
    let events = |resource: &Value| resource["Properties"]["Events"].as_object().cloned();
    resources.iter().filter_map(|(name, resource)| named(name).zip(events(resource))).collect()
}

fn rules(template: &'static str) -> Vec<(Function, Value)> {
    let of = |(function, events): (Function, Map<String, Value>)| {
        let rules = events.into_iter().filter(|(_, event)| event["Type"] == "EventBridgeRule");
        rules.map(|(_, rule)| (function, rule["Properties"]["Pattern"].clone())).collect::<Vec<_>>()
    };
    functions(&parse(template)).into_iter().flat_map(of).collect()
}

/// CloudFormation's short functions become their arguments: no pattern rests on one, but for accounts and own names.
fn parse(template: &str) -> Value {
    let without_tags = |line: &str| {
        let word = |word: &str| match word.split_once('!') {
            Some((before, _)) if before.chars().all(|c| c == '[') => before.to_owned(),
            _ => word.to_owned(),
        };
        line.split(' ').map(word).collect::<Vec<_>>().join(" ")
    };
    let plain: Vec<String> = template.lines().map(without_tags).collect();
    serde_saphyr::from_str(&plain.join("\n")).unwrap()
}

/// Whether an event fits a pattern of Amazon EventBridge, as far as the templates use its language.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html>
fn matches(pattern: &Value, event: &Value, path: &str) -> bool {
    pattern.as_object().unwrap().iter().all(|(name, wanted)| {
        let below = format!("{path}/{name}");
        match wanted {
            // Whose account it is, the deployed stacks say.
            _ if name == "account" => true,
            Value::Array(any) if name == "$or" => any.iter().any(|one| matches(one, event, path)),
            Value::Array(any) => {
                let found = leaves(event, &below);
                any.iter().any(|one| fits(one, &found))
            }
            Value::Object(_) => matches(wanted, event, &below),
            other => panic!("{below} is {other}"),
        }
    })
}

fn fits(wanted: &Value, found: &[&str]) -> bool {
    let Value::Object(test) = wanted else { return found.contains(&wanted.as_str().unwrap()) };
    let (name, argument) = test.iter().next().unwrap();
    let text = argument.as_str().unwrap_or_default();
    match (name.as_str(), argument) {
        ("prefix", _) => found.iter().any(|found| found.starts_with(text)),
        ("suffix", _) => found.iter().any(|found| found.ends_with(text)),
        ("exists", exists) => exists.as_bool() == Some(!found.is_empty()),
        ("anything-but", Value::Array(list)) => {
            found.iter().any(|found| list.iter().all(|one| one.as_str() != Some(found)))
        }
        ("anything-but", one) => found.iter().any(|found| !fits(one, &[found])),
        (other, _) => panic!("the test does not know {other}"),
    }
}

/// The texts at a path, which leads through every entry of a list.
fn leaves<'e>(value: &'e Value, path: &str) -> Vec<&'e str> {
    match (value, path.strip_prefix('/')) {
        (Value::Array(list), _) => list.iter().flat_map(|one| leaves(one, path)).collect(),
        (Value::Object(map), Some(path)) => {
            let (name, rest) = path.find('/').map_or((path, ""), |at| path.split_at(at));
            map.get(name).map(|inner| leaves(inner, rest)).unwrap_or_default()
        }
        (Value::String(text), None) => vec![text],
        _ => Vec::new(),
    }
}

fn samples(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| {
        if path.is_dir() {
            samples(&path)
        } else {
            path.extension().is_some_and(|ending| ending == "json").then_some(path).into_iter().collect()
        }
    };
    entries.flat_map(below).collect()
}
