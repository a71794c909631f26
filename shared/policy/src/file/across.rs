//! Rules between the policies of several models: no two may name the same resource by accident.

use super::{Environment, Policy};
use crate::endpoint::EndpointSpec;

const COMPONENTS: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateInferenceComponent.html";

/// Two policies that name the same resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The model of the second policy, in which the problem is reported.
    pub model: String,
    /// The field of the second policy, such as `environments.staging.endpoint.name`.
    pub path: String,
    /// The model of the first policy.
    pub other_model: String,
    /// The field of the first policy.
    pub other_path: String,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Every resource that two of these policies name, other than on purpose. Two policies of one model are not compared: one
/// replaces the other.
#[must_use]
pub fn conflicts(policies: &[&Policy]) -> Vec<Conflict> {
    let mut found = Vec::new();
    for (index, policy) in policies.iter().enumerate() {
        let earlier = policies.iter().take(index).filter(|other| other.model != policy.model);
        for other in earlier {
            let conflict = |path: String, other_path: String, message: String| Conflict {
                model: policy.model.to_string(),
                path,
                other_model: other.model.to_string(),
                other_path,
                message,
            };
            found
                .extend(pipeline(policy, other).map(|message| {
                    conflict("pipeline.name".to_owned(), "pipeline.name".to_owned(), message)
                }));
            found.extend(
                environments(policy, other).map(|(path, other, message)| conflict(path, other, message)),
            );
        }
    }
    found
}

/// A pipeline has one definition: two policies may start one that they keep, and neither may define the other's.
fn pipeline(policy: &Policy, other: &Policy) -> Option<String> {
    let same = policy.pipeline.name.as_str().eq_ignore_ascii_case(other.pipeline.name.as_str());
    let defines = |policy: &Policy| !policy.pipeline.definition.keep;
    (same && (defines(policy) || defines(other))).then(|| {
        format!("the pipeline `{}` is named by both; each model needs its own", policy.pipeline.name)
    })
}

fn environments<'p>(
    policy: &'p Policy,
    other: &'p Policy,
) -> impl Iterator<Item = (String, String, String)> + 'p {
    policy.environments.iter().flat_map(move |environment| {
        let here = other.environments.iter().filter(move |other| {
            (&other.account, &other.region) == (&environment.account, &environment.region)
        });
        here.filter_map(move |other| {
            let (field, message) = shared(environment, other)?;
            let at = |of: &Environment| format!("environments.{}.endpoint.{field}", of.name);
            Some((at(environment), at(other), message))
        })
    })
}

/// The field in which two environments of one account and region conflict.
fn shared(one: &Environment, other: &Environment) -> Option<(&'static str, String)> {
    let (endpoint, of_other) = (&one.endpoint, &other.endpoint);
    let same_endpoint = endpoint.name.as_str().eq_ignore_ascii_case(of_other.name.as_str());
    let (served, other_served) = (endpoint.served_name(), of_other.served_name());
    if same_endpoint && !(endpoint.is_shared() && of_other.is_shared()) {
        let message = format!(
            "the endpoint `{}` is named by both; give each its own, or share it on purpose: kind inferenceComponent \
             with a `component` of its own in both policies",
            endpoint.name
        );
        return Some(("name", message));
    }
    let is_component = |spec: &EndpointSpec| matches!(spec, EndpointSpec::InferenceComponent(_));
    let components = is_component(&endpoint.spec) && is_component(&of_other.spec);
    if components && served.eq_ignore_ascii_case(other_served) {
        let message = format!(
            "the component `{served}` is named by both; a component's name is unique in its account and region ({COMPONENTS})"
        );
        return Some((if endpoint.is_shared() { "component" } else { "name" }, message));
    }
    let instances = |spec: &EndpointSpec| spec.instances().map(|i| (i.instance_type.to_string(), i.max));
    let (of_one, of_other) = (instances(&endpoint.spec), instances(&of_other.spec));
    (same_endpoint && of_one != of_other).then(|| {
        let message = format!(
            "the endpoint `{}` is shared, and the policies do not agree on `instanceType` and `instances`",
            endpoint.name
        );
        ("instances", message)
    })
}
