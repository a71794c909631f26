//! The reader accepts the examples and the page about the language.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::{Policy, parse, parse_applied, read, schema, warnings};
use super::{CHURN, refused};
use crate::file::schema as table;

const MINIMAL: &str = include_str!("../../../../../events/policies/minimal.yaml");
const EVERYTHING: &str = include_str!("../../../../../events/policies/everything.yaml");
const PAGE: &str = include_str!("../../../../../docs/policy.md");

#[test]
fn the_examples_are_accepted_without_a_warning_and_survive_the_ledger() {
    for (file, text) in [("minimal.yaml", MINIMAL), ("churn.yaml", CHURN), ("everything.yaml", EVERYTHING)] {
        let checked = read(file, text).unwrap_or_else(|error| panic!("{error}"));
        // Its repository is at GitHub, whose pushes somebody must report.
        let known = file == "minimal.yaml";
        let warned: Vec<&str> = checked.warnings.iter().map(|warning| warning.path.as_str()).collect();
        assert_eq!(warned, if known { vec!["source.repository"] } else { vec![] }, "{file}");
        let stored = serde_json::to_string(&checked.policy).unwrap();
        assert_eq!(parse_applied("churn", &stored).unwrap(), checked.policy);
        assert_eq!(parse_applied("churn", &stored).unwrap().version(), checked.policy.version());
    }
    assert!(MINIMAL.lines().count() < 15);
}

#[test]
fn a_policy_keeps_its_version_when_the_language_grows() {
    // Ledgers and decision records identify policies by this fingerprint.
    for (text, version) in [(MINIMAL, "f6e226202291"), (CHURN, "b23017cb855c")] {
        assert_eq!(parse("policy.yaml", text).unwrap().version(), version);
    }
}

#[test]
fn branches_are_names_or_globs() {
    let policy = parse("churn.yaml", CHURN).unwrap();
    assert!(policy.watches("main") && policy.watches("release/1.2"));
    assert!(!policy.watches("release/1/2") && !policy.watches("feature/x"));
    assert_eq!(policy.plain_branches().collect::<Vec<_>>(), ["main"]);
}

/// The features that this version rejects, as sections that the type allows.
const NOT_YET: [&str; 5] =
    ["Source.paths", "Definition.build", "Gates.windows", "Environment.monitor", "Window"];

/// The fields that a document uses, as `Type.field`.
fn used(root: &Value, schema: &Value, owner: &str, value: &Value, seen: &mut BTreeSet<String>) {
    let (name, schema) = table::resolve(root, schema);
    let owner = name.unwrap_or(owner);
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                if let Some(field) =
                    table::fields(schema).and_then(|fields| fields.get(key.as_str()).copied())
                {
                    seen.insert(format!("{owner}.{key}"));
                    used(root, field, owner, value, seen);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| used(root, &schema["items"], owner, item, seen)),
        Value::String(word) if table::words(schema).contains(&word.as_str()) => {
            seen.insert(format!("{owner}={word}"));
        }
        _ => {}
    }
}

#[test]
fn the_examples_use_every_word_that_is_supported() {
    let schema = schema();
    let mut seen = BTreeSet::new();
    for text in [MINIMAL, EVERYTHING] {
        used(&schema, &schema, "Policy", &serde_saphyr::from_str(text).unwrap(), &mut seen);
    }
    let mut all = BTreeSet::new();
    let policy = ("Policy", &schema);
    for (owner, def) in
        schema["$defs"].as_object().unwrap().iter().map(|(n, d)| (n.as_str(), d)).chain([policy])
    {
        all.extend(table::fields(def).into_iter().flatten().map(|(field, _)| format!("{owner}.{field}")));
    }
    let skipped = |word: &str| {
        NOT_YET.iter().any(|skip| word == *skip || word.starts_with(&format!("{skip}.")))
            || ["Linear.", "Rolling.", "Monitor."].iter().any(|t| word.starts_with(t))
    };
    let missing: Vec<&String> = all.iter().filter(|word| !seen.contains(*word) && !skipped(word)).collect();
    assert!(missing.is_empty(), "no example has {missing:#?}");
    for kind in ["serverless", "realTime", "inferenceComponent", "async"] {
        assert!(seen.contains(&format!("EndpointKind={kind}")), "{kind}");
    }
}

/// The code blocks of a language on the page.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    PAGE.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// Merges a section into a policy: objects are merged, everything else is replaced.
fn lay(over: &mut Value, section: Value) {
    match (over, section) {
        (Value::Object(members), Value::Object(section)) => {
            for (key, value) in section {
                lay(members.entry(key).or_insert(Value::Null), value);
            }
        }
        (over, section) => *over = section,
    }
}

/// A block as a whole policy: a partial block is merged into the example, into its last environment if it belongs to
/// one.
fn whole(block: &str) -> String {
    let part: Value = serde_saphyr::from_str(block).unwrap_or_else(|error| panic!("{error}\n{block}"));
    if part.get("apiVersion").is_some() {
        return block.to_owned();
    }
    let mut policy: Value = serde_saphyr::from_str(CHURN).unwrap();
    let schema = schema();
    let of_policy = part.as_object().unwrap().keys().all(|key| schema["properties"].get(key).is_some());
    if of_policy {
        lay(&mut policy, part);
    } else {
        let environment = &mut policy["environments"][1];
        if let Some(endpoint) = part.get("endpoint") {
            // Another kind has other fields.
            environment["endpoint"] = json!({});
            environment.as_object_mut().unwrap().remove("scale");
            assert!(endpoint.get("name").is_some(), "{block}");
        }
        if part.get("rollout").is_some() && part.get("endpoint").is_none() {
            environment["endpoint"] =
                json!({ "name": "churn", "kind": "realTime", "instanceType": "ml.m5.large", "instances": 4 });
            environment.as_object_mut().unwrap().remove("scale");
        }
        lay(environment, part);
    }
    // JSON is YAML.
    policy.to_string()
}

#[test]
fn every_block_of_the_page_is_accepted_or_refused_as_it_says() {
    let blocks = blocks("yaml");
    assert!(blocks.len() >= 8, "{}", blocks.len());
    for block in blocks {
        let text = whole(block);
        if block.starts_with("# not yet") {
            let error = refused(&text);
            let only = error.problems.iter().all(|p| p.message.contains("not supported by this version"));
            assert!(only, "{error}\n{block}");
        } else if let Err(error) = parse("docs/policy.md", &text) {
            panic!("{error}\n{block}");
        }
    }
}

#[test]
fn the_page_shows_the_examples_as_they_are() {
    for example in [MINIMAL, CHURN, EVERYTHING] {
        assert!(blocks("yaml").contains(&example), "docs/policy.md shows an old\n{example}");
    }
}

#[test]
fn the_page_names_every_field() {
    let schema = schema();
    let defs = schema["$defs"].as_object().unwrap();
    for (owner, def) in defs.iter().chain([(&"Policy".to_owned(), &schema)]) {
        for field in table::fields(def).into_iter().flatten().map(|(field, _)| field) {
            let ways = [format!("`{field}`"), format!(".{field}`"), format!("`{field}.")];
            assert!(
                ways.iter().any(|way| PAGE.contains(way)),
                "docs/policy.md does not explain {owner}.{field}"
            );
        }
        for word in table::words(def) {
            assert!(PAGE.contains(&format!("`{word}`")), "docs/policy.md does not explain {word} of {owner}");
        }
    }
}

#[test]
fn warnings_are_told_with_and_without_a_place() {
    let text = CHURN
        .replace(
            "kind: inferenceComponent, instanceType: ml.m5.large, instances: 2, memoryMb: 1024",
            "kind: serverless, memoryMb: 1024, maxConcurrency: 5",
        )
        .replace("grace: 24h", "grace: 1h");
    let checked = read("churn.yaml", &text).unwrap();
    let told: Vec<String> = checked.warnings.iter().map(ToString::to_string).collect();
    let [zero, grace] = told.as_slice() else { panic!("{told:#?}") };
    assert!(
        zero.starts_with("29:7: environments.production.scale.toZero: a serverless endpoint costs nothing"),
        "{zero}"
    );
    assert!(
        grace.starts_with("29:34: environments.production.scale.toZero.grace: the grace of 1h"),
        "{grace}"
    );
    let bare: Vec<String> = warnings(&checked.policy).iter().map(ToString::to_string).collect();
    assert_eq!(bare, told.iter().map(|t| t.split_once(": ").unwrap().1.to_owned()).collect::<Vec<_>>());

    let mut policy: Policy = checked.policy;
    policy.environments[0].scale = policy.environments[1].scale.clone();
    policy.environments[0].verify = Default::default();
    policy.drift.as_mut().unwrap().budget.as_mut().unwrap().retrainings = 30;
    let bare = warnings(&policy).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for part in ["costs nothing while idle", "never answered", "limits nothing"] {
        assert!(bare.contains(part), "{part} not in {bare}");
    }
}
