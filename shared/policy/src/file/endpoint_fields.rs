//! Compares the fields of each `endpoint` section with those of its kind. A missing field is replaced by a sample and
//! a field of another kind is removed, so that the section can be read and the rules can check the rest.

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::check::Outcome;
use super::problem::{Finding, under};
use super::schema;
use crate::endpoint::{EndpointKind, FieldRules};

/// Changes every `endpoint` section into one that its kind accepts, and returns the problems found.
pub(super) fn complete(outcome: &mut Outcome, root: &Json) -> Vec<Finding> {
    let (mut found, mut samples) = (Vec::new(), Vec::new());
    let environments = outcome.value.get_mut("environments").and_then(Json::as_array_mut);
    for (index, environment) in environments.into_iter().flatten().enumerate() {
        let Some(Json::Object(section)) = environment.get_mut("endpoint") else { continue };
        let Some(Ok(kind)) = section.get("kind").map(EndpointKind::deserialize) else { continue };
        let at = format!("environments/{index}/endpoint");
        found.extend(add_missing(section, kind.fields(), root, &at, &mut samples));
        found.extend(remove_foreign(section, kind.fields(), &at));
    }
    found.retain(|finding| finding.stands(&outcome.replaced));
    outcome.replaced.extend(samples);
    found
}

fn add_missing(
    section: &mut Map<String, Json>,
    rules: &FieldRules,
    root: &Json,
    at: &str,
    samples: &mut Vec<String>,
) -> Vec<Finding> {
    let schemas = root.pointer("/$defs/Endpoint").and_then(schema::fields).unwrap_or_default();
    let mut found = Vec::new();
    for name in rules.required {
        let Some(schema) = schemas.get(name).filter(|_| !section.contains_key(*name)) else { continue };
        section.insert((*name).to_owned(), schema::sample(root, schema));
        samples.push(under(at, name));
        found.push(of_kind(at, name, rules.missing()));
    }
    found
}

fn remove_foreign(section: &mut Map<String, Json>, rules: &FieldRules, at: &str) -> Vec<Finding> {
    let foreign: Vec<String> = section.keys().filter(|name| !rules.allows(name)).cloned().collect();
    section.retain(|name, _| rules.allows(name));
    foreign.iter().map(|name| of_kind(at, name, rules.refuse(name))).collect()
}

fn of_kind(at: &str, field: &str, message: String) -> Finding {
    Finding::new(under(at, field), message).because(under(at, "kind"))
}
