//! Rules between several fields, with the reason and the AWS page that explains it.

pub(super) mod component;
pub(super) mod instances;
mod people;
mod rollout;
mod settings;
mod tags;
mod target;
mod verify;

use std::path::{Component, Path};

pub(super) use settings::doubtful;
pub(super) use tags::doubtful as doubtful_tags;

use super::problem::Finding;
use crate::lookup;

use super::{Environment, Gates, MetricGate, Pipeline, Policy, Source};

const GUARDRAIL_EXCLUSIONS: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html";
const GUARDRAIL_ALARMS: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html";
const ENDPOINT: &str = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html";
const MODEL_PACKAGE: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html";
const CAPTURE: &str = "https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture.html";
const MONITOR_SCHEDULES: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-scheduling.html";
const PARAMETER: &str = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Parameter.html";

/// Every rule that a policy violates.
pub(super) fn broken(policy: &Policy) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(source(&policy.source));
    found.extend(pipeline(&policy.pipeline));
    found.extend(tags::broken(policy));
    found.extend(people::broken(policy));
    found.extend(ledger(policy));
    found.extend(neighbours(&policy.environments));
    for (index, environment) in policy.environments.iter().enumerate() {
        let at = format!("environments/{index}");
        found.extend(environment.endpoint.spec.behavior().problems(&at, environment));
        found.extend(instances::broken(&at, environment));
        found.extend(component::broken(&at, environment));
        found.extend(rollout::broken(&at, environment));
        found.extend(settings::broken(&at, environment));
        found.extend(verify::broken(&at, environment));
        found.extend(target::broken(&at, environment));
        found.extend(gates(&at, &environment.gates));
        found.extend(watched(&at, environment));
    }
    found
}

/// The largest policy that a ledger keeps: DynamoDB's 400 KB for an item, without room for the other attributes.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
const LEDGER_BYTES: usize = 396 * 1024;
/// The largest number of names with which a policy is found: all are written in one transaction of at most 100 writes.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
const LEDGER_NAMES: usize = 90;

/// What the ledger cannot keep.
fn ledger(policy: &Policy) -> Option<Finding> {
    let lookups = lookup::of(policy);
    if lookups.len() > LEDGER_NAMES {
        let (count, at) = (lookups.len(), "drift/alarms");
        let message = format!(
            "the policy names {count} repositories, pipelines, groups, endpoints, alarms and schedules; the ledger keeps at most {LEDGER_NAMES}"
        );
        return Some(Finding::new(at, message));
    }
    let json = serde_json::to_string(policy).map_or(usize::MAX, |json| json.len());
    // The key of a name begins with its kind.
    let keys: usize = lookups.iter().map(|lookup| lookup.name.len().saturating_add(32)).sum();
    let bytes = json.saturating_add(keys);
    (bytes > LEDGER_BYTES).then(|| {
        Finding::new("", format!("the policy has {bytes} bytes without comments and layout; the ledger keeps at most {LEDGER_BYTES}"))
    })
}

fn source(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, branch) in source.branches.iter().enumerate() {
        let at = format!("source/branches/{index}");
        if branch.starts_with("refs/") {
            found.push(Finding::new(at, "a branch is named without `refs/heads/`"));
        } else if let Err(error) = globset::Glob::new(branch) {
            found.push(Finding::new(at, format!("`{branch}` is not a glob: {}", error.kind())));
        }
    }
    for (index, path) in source.paths.iter().enumerate() {
        let glob = path.strip_prefix('!').unwrap_or(path);
        if let Err(error) = globset::Glob::new(glob) {
            let message = format!("`{path}` is not a glob: {}", error.kind());
            found.push(Finding::new(format!("source/paths/{index}"), message));
        }
    }
    if !source.paths.is_empty() && source.paths.iter().all(|path| path.starts_with('!')) {
        found.push(Finding::new(
            "source/paths",
            "only exclusions, so no change would ever count; add what counts",
        ));
    }
    found
}

fn pipeline(pipeline: &Pipeline) -> Vec<Finding> {
    let mut found = Vec::new();
    let definition = &pipeline.definition;
    let given = [definition.file.is_some(), definition.keep, definition.build.is_some()];
    if given.iter().filter(|given| **given).count() != 1 {
        let message = "expected exactly one of `file: PATH` and `keep: true`";
        found.push(
            Finding::new("pipeline/definition", message)
                .because("pipeline/definition/file")
                .because("pipeline/definition/keep"),
        );
    }
    if let Some(file) = &definition.file {
        let inside = Path::new(file).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || file.starts_with("./") || file.contains('\\') || file.ends_with('/') {
            let message =
                format!("`{file}` is not a path from the root of the repository, such as ml/pipeline.json");
            found.push(Finding::new("pipeline/definition/file", message));
        }
    }
    // A pipeline that keeps its definition is not updated, so neither is its role.
    let kept = definition.keep && definition.file.is_none();
    let roles = [
        (pipeline.execution_role.is_some(), "pipeline/executionRole"),
        (definition.role.is_some(), "pipeline/definition/role"),
    ];
    for (_, field) in roles.iter().filter(|(given, _)| kept && *given) {
        let message =
            "a pipeline that keeps its definition keeps its roles as well; remove it, or give a `file`";
        found.push(Finding::new(*field, message).because("pipeline/definition/keep"));
    }
    for (name, value) in &pipeline.parameters {
        let at = format!("pipeline/parameters/{name}");
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if name.is_empty() || name.len() > 256 || !plain {
            let message = format!(
                "not a parameter's name: letters, digits, hyphens and underscores, at most 256 ({PARAMETER})"
            );
            found.push(Finding::new(at.clone(), message));
        }
        if value.chars().count() > 1_024 {
            found.push(Finding::new(at, format!("longer than 1024 characters ({PARAMETER})")));
        }
    }
    found
}

/// Rules between environments.
fn neighbours(environments: &[Environment]) -> Vec<Finding> {
    let mut found = Vec::new();
    if environments.first().is_some_and(|first| first.gates.soak.is_some()) {
        let message = "no environment comes before the first one, so nothing can soak there; give the soak to the \
                       environment that follows";
        found.push(Finding::new("environments/0/gates/soak", message));
    }
    for (index, environment) in environments.iter().enumerate() {
        let at = format!("environments/{index}");
        if let Some(first) = environments.first().filter(|first| first.region != environment.region) {
            let message = format!(
                "`{}` is in {} and `{}` in {}; SageMaker deploys a model package only in the region of its registry, \
                 so all environments must be in the region of the hub ({MODEL_PACKAGE})",
                first.name, first.region, environment.name, environment.region
            );
            found.push(Finding::new(format!("{at}/region"), message).because("environments/0/region"));
        }
        let mut earlier = environments.iter().take(index).enumerate();
        if let Some((other, _)) = earlier.clone().find(|(_, e)| e.name == environment.name) {
            let message = format!("two are named `{}`; names must differ", environment.name);
            found.push(
                Finding::new(format!("{at}/name"), message).because(format!("environments/{other}/name")),
            );
        }
        let same = |e: &Environment| {
            e.endpoint.name.as_str().eq_ignore_ascii_case(environment.endpoint.name.as_str())
                && (&e.account, &e.region) == (&environment.account, &environment.region)
        };
        if let Some((other, _)) = earlier.find(|(_, e)| same(e)) {
            let message = format!(
                "two share the endpoint `{}` of one account and region, whatever its case; each needs its own ({ENDPOINT})",
                environment.endpoint.name
            );
            let mut finding = Finding::new(format!("{at}/endpoint/name"), message);
            for place in [&at, &format!("environments/{other}")] {
                for field in ["endpoint/name", "account", "region"] {
                    finding = finding.because(format!("{place}/{field}"));
                }
            }
            found.push(finding);
        }
    }
    found
}

fn gates(at: &str, gates: &Gates) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, window) in gates.windows.iter().flatten().enumerate() {
        if window.from >= window.to {
            let at = format!("{at}/gates/windows/{index}");
            let message = format!(
                "the window closes at {} but opens at {}; one over midnight is two windows, up to 24:00 and from 00:00",
                window.to, window.from
            );
            found.push(Finding::new(format!("{at}/to"), message).because(format!("{at}/from")));
        }
    }
    found.extend(metrics(at, gates));
    for (index, freeze) in gates.freeze.iter().enumerate() {
        let zone = freeze.time_zone.as_str();
        if freeze.from.begins(zone) >= freeze.to.ends(zone) {
            let at = format!("{at}/gates/freeze/{index}");
            let message = format!("the freeze ends on {} but begins on {}", freeze.to, freeze.from);
            found.push(Finding::new(format!("{at}/to"), message).because(format!("{at}/from")));
        }
    }
    found
}

/// Each metric has a condition, and its numbers are numbers.
fn metrics(at: &str, gates: &Gates) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, metric) in gates.metrics.iter().enumerate() {
        let at = format!("{at}/gates/metrics/{index}");
        let MetricGate { at_least, at_most, better_than_live: better, not_worse_than_live: worse, .. } =
            metric;
        if at_least.is_none() && at_most.is_none() && better.is_none() && worse.is_none() {
            let message = "nothing is asked of this metric; write `atLeast`, `atMost`, `betterThanLive` or \
                           `notWorseThanLive`";
            found.push(Finding::new(&at, message));
        }
        if let Some((least, most)) = at_least.zip(*at_most).filter(|(least, most)| least > most) {
            let message = format!("no value is at least {least} and at most {most}");
            found.push(Finding::new(format!("{at}/atLeast"), message).because(format!("{at}/atMost")));
        }
    }
    found
}

/// Rules about capture, monitoring and scaling.
fn watched(at: &str, environment: &Environment) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(monitor) = &environment.monitor {
        let seconds = monitor.every.seconds();
        if seconds % 3_600 != 0 || seconds > 86_400 {
            let message = format!("expected whole hours, from 1h to 24h ({MONITOR_SCHEDULES})");
            found.push(Finding::new(format!("{at}/monitor/every"), message));
        }
        if environment.capture.is_none() && environment.endpoint.spec.behavior().has_data_capture() {
            let message = format!("there is nothing to look at without `capture` ({CAPTURE})");
            found.push(Finding::new(format!("{at}/monitor"), message).because(format!("{at}/capture")));
        }
    }
    if let Some(target) = environment.scale.target.as_ref().filter(|target| target.min > target.max) {
        let message = format!("the least, {}, is more than the most, {}", target.min, target.max);
        let at = format!("{at}/scale/target");
        found.push(Finding::new(format!("{at}/min"), message).because(format!("{at}/max")));
    }
    found
}
