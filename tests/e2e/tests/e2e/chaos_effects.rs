//! What was done to the world, in a form in which two days can be compared.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_world::{ApiCall, Emission};

use crate::chaos_ledger::without_chance;
use crate::test_cloud::{is_tidegates, is_write, text};

/// What carries the name of what a write is about.
const NAMES: [&str; 9] = [
    "PipelineName",
    "ModelName",
    "EndpointConfigName",
    "EndpointName",
    "InferenceComponentName",
    "ModelPackageArn",
    "ResourceId",
    "AlarmName",
    "repositoryName",
];

/// Account, operation, and what it was about.
pub(crate) type About = (String, String, String);

/// For everything that was written to, the writes that were answered, in order. A write that only repeats the one before
/// it, word for word, has no effect of its own: SageMaker and Application Auto Scaling take it for the same.
pub(crate) fn writes(calls: &[ApiCall]) -> BTreeMap<About, Vec<Value>> {
    let mut all: BTreeMap<About, Vec<Value>> = BTreeMap::new();
    for call in calls.iter().filter(|call| is_tidegates(call) && is_write(call) && call.outcome == "ok") {
        let name = NAMES.iter().map(|name| text(&call.request, name)).find(|name| !name.is_empty());
        let about = (call.account.clone(), call.operation.clone(), name.unwrap_or_default().to_owned());
        let of_this = all.entry(about).or_default();
        if of_this.last() != Some(&call.request) {
            of_this.push(call.request.clone());
        }
    }
    let plain = |requests: Vec<Value>| requests.iter().map(without_chance).collect();
    all.into_iter()
        .map(|((account, operation, name), requests)| {
            let name = without_chance(&Value::String(name));
            ((account, operation, name.as_str().unwrap_or_default().to_owned()), plain(requests))
        })
        .collect()
}

/// How often each endpoint, pipeline and job was in each status: a second update or run would show here.
pub(crate) fn lives(emissions: &[Emission]) -> BTreeMap<(String, String, String), usize> {
    const LIVING: [&str; 4] = ["Endpoint", "Pipeline", "Training", "Processing"];
    let mut counts = BTreeMap::new();
    for emission in emissions {
        let Emission::Event(event) = emission else { continue };
        if !LIVING.iter().any(|kind| event.detail_type.contains(kind)) {
            continue;
        }
        let key = (event.account.clone(), event.detail_type.clone(), status(&event.detail));
        *counts.entry(key).or_default() += 1;
    }
    counts
}

/// Every member that says where something stands.
fn status(detail: &Value) -> String {
    let members = detail.as_object().into_iter().flatten();
    let said = members.filter(|(name, _)| name.ends_with("Status") || name.ends_with("Name"));
    let said: Vec<String> = said.map(|(name, value)| format!("{name}={}", without_chance(value))).collect();
    said.join(" ")
}
