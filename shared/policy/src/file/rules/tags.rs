//! Rules about the tags of what Tidegate makes.

use std::collections::BTreeMap;

use super::super::problem::{Finding, under};
use super::{Environment, Policy};
use crate::owner;

const TAG: &str = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Tag.html";
const LIMITS: &str = "https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html";
const CASE: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html";

/// The most tags of a resource.
const MOST: usize = 50;
/// In characters: the longest key and the longest value.
const LONGEST: (usize, usize) = (128, 256);
/// The prefixes of keys that belong to AWS and to Tidegate.
const RESERVED: [(&str, &str); 2] = [("aws:", "AWS"), ("tidegate:", "Tidegate")];

type Tags = BTreeMap<String, String>;

pub(super) fn broken(policy: &Policy) -> Vec<Finding> {
    let mut found = each(policy, |at, tags| tags.iter().flat_map(move |tag| invalid(at, tag)).collect());
    for (at, environment) in places(policy) {
        let count = owner::tags_of_policy(policy, environment).len();
        if count > MOST {
            let own = owner::tags(policy.model.as_str(), environment.map(|e| e.name.as_str())).len();
            let message = format!(
                "found {count} tags with the {own} of Tidegate, and a resource has at most {MOST} ({LIMITS})"
            );
            found.push(Finding::new(format!("{at}tags"), message));
        }
    }
    found
}

/// Keys that differ only in upper and lower case: IAM compares them without it, so that a condition may match either.
pub(in crate::file) fn doubtful(policy: &Policy) -> Vec<Finding> {
    let mut found = Vec::new();
    for (at, environment) in places(policy) {
        let own = environment.map_or(&policy.tags, |environment| &environment.tags);
        for key in own.keys() {
            let all = policy.tags.keys().chain(own.keys());
            let mut same = all.filter(|other| *other < key || !own.contains_key(*other));
            if let Some(other) =
                same.find(|other| *other != key && other.to_lowercase() == key.to_lowercase())
            {
                let message = format!(
                    "differs from `{other}` only in upper and lower case; both tags are set, and the conditions of IAM do \
                     not tell them apart ({CASE})"
                );
                found.push(Finding::new(under(&format!("{at}tags"), key), message));
            }
        }
    }
    found
}

/// The places of tags: the hub, with the tags of the whole policy, and each environment.
fn places(policy: &Policy) -> impl Iterator<Item = (String, Option<&Environment>)> {
    let environments = policy.environments.iter().enumerate();
    let environments = environments.map(|(index, e)| (format!("environments/{index}/"), Some(e)));
    std::iter::once((String::new(), None)).chain(environments)
}

fn each(policy: &Policy, find: impl Fn(&str, &Tags) -> Vec<Finding>) -> Vec<Finding> {
    let tags = |environment: Option<&Environment>| match environment {
        Some(environment) => environment.tags.clone(),
        None => policy.tags.clone(),
    };
    places(policy).flat_map(|(at, environment)| find(&format!("{at}tags"), &tags(environment))).collect()
}

fn invalid(at: &str, (key, value): (&String, &String)) -> Vec<Finding> {
    let mut found = Vec::new();
    let (longest_key, longest_value) = LONGEST;
    let mut refuse = |message: String| found.push(Finding::new(under(at, key), message));
    if key.is_empty() || key.chars().count() > longest_key {
        refuse(format!("expected a key of 1 to {longest_key} characters ({TAG})"));
    }
    if value.chars().count() > longest_value {
        refuse(format!("the value is longer than {longest_value} characters ({TAG})"));
    }
    if !key.chars().chain(value.chars()).all(is_allowed) {
        refuse(format!("expected letters, digits, spaces and _ . : / = + - @ in keys and values ({TAG})"));
    }
    let lower = key.to_lowercase();
    if let Some((prefix, whose)) = RESERVED.iter().find(|(prefix, _)| lower.starts_with(prefix)) {
        refuse(format!("keys that begin with `{prefix}` belong to {whose}; choose another key ({LIMITS})"));
    }
    found
}

/// The characters of the pattern of the API: letters, separators, numbers and a few others.
fn is_allowed(c: char) -> bool {
    c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
}
