//! Rules about the rollout of an update.

use super::super::problem::Finding;
use super::super::words::listed;
use super::{Environment, GUARDRAIL_ALARMS, GUARDRAIL_EXCLUSIONS};
use crate::endpoint::{Batches, Component};
use crate::file::{Rolling, Rollout};

/// SageMaker waits at most an hour between two steps, and after a batch.
const LONGEST_BAKE: u32 = 3_600;
/// SageMaker's longest time for an update, in seconds.
const LONGEST_UPDATE: u64 = 28_800;
const COPY_BATCHES: &str = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentRollingUpdatePolicy.html";
const STEPS: &str = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrafficRoutingConfig.html";
const BATCHES: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RollingUpdatePolicy.html";

pub(super) fn broken(at: &str, environment: &Environment) -> Vec<Finding> {
    let rollout = &environment.rollout;
    let ways = ways(rollout);
    let mut found = bakes(at, rollout);
    let at = format!("{at}/rollout");
    if ways.len() > 1 {
        let message = format!("expected one way, found {}", listed(ways.iter().copied(), "and"));
        found.push(ways.iter().fold(Finding::new(&at, message), |f, way| f.because(format!("{at}/{way}"))));
    }
    // `allAtOnce` without a bake time has no time in which an alarm could stop it; the other strategies bake only to
    // evaluate the alarms.
    let bakes = rollout.all_at_once.as_ref().is_some_and(|all| all.bake.is_some());
    let guard = ways.iter().find(|way| **way != "allAtOnce" || bakes);
    if let Some(way) = guard.filter(|_| rollout.alarms.is_empty() && !rollout.without_alarms) {
        let message = format!(
            "nothing would make SageMaker roll back: name `alarms`, or write `withoutAlarms: true` ({GUARDRAIL_ALARMS})"
        );
        found.push(
            Finding::new(format!("{at}/{way}"), message)
                .because(format!("{at}/alarms"))
                .because(format!("{at}/withoutAlarms")),
        );
    }
    if rollout.without_alarms && (guard.is_none() || !rollout.alarms.is_empty()) {
        let message = "is only for an update that bakes and has no `alarms`";
        let finding = Finding::new(format!("{at}/withoutAlarms"), message).because(format!("{at}/alarms"));
        found.push(
            ["canary", "linear", "rolling", "allAtOnce"]
                .iter()
                .fold(finding, |f, way| f.because(format!("{at}/{way}"))),
        );
    }
    found.extend(possible(&at, environment));
    found
}

/// The rollout strategies in the policy.
fn ways(rollout: &Rollout) -> Vec<&'static str> {
    [
        (rollout.canary.is_some(), "canary"),
        (rollout.linear.is_some(), "linear"),
        (rollout.rolling.is_some(), "rolling"),
        (rollout.all_at_once.is_some(), "allAtOnce"),
    ]
    .into_iter()
    .filter_map(|(given, way)| given.then_some(way))
    .collect()
}

/// Whether the endpoint supports the rollout.
fn possible(at: &str, environment: &Environment) -> Vec<Finding> {
    let (rollout, spec) = (&environment.rollout, &environment.endpoint.spec);
    let instances = spec.instances();
    let section = at.strip_suffix("/rollout").unwrap_or(at);
    let mut found = Vec::new();
    if *rollout != Rollout::default() {
        if let Some(message) = spec.behavior().rollout_problem(rollout) {
            found.push(Finding::new(at, message).because(format!("{section}/endpoint/kind")));
        }
        if instances.is_some_and(|i| i.instance_type.as_str().starts_with("ml.inf1.")) {
            let message = format!(
                "SageMaker ignores it on Inf1 instances and updates them all at once ({GUARDRAIL_EXCLUSIONS})"
            );
            found.push(Finding::new(at, message).because(format!("{section}/endpoint/instanceType")));
        }
    }
    let component = spec.behavior().component("", "");
    if let Some(rolling) = &rollout.rolling {
        found.extend(batches(at, rolling, instances.map_or(1, |i| i.max), component.as_ref()));
    }
    if rollout.rolling.is_some() && component.is_none() && instances.is_some_and(|i| i.max < 2) {
        let message = format!(
            "needs at least 2 instances: a batch is at most half of them ({})",
            "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-rolling.html"
        );
        let finding = Finding::new(format!("{at}/rolling"), message);
        found.push(finding.because(format!("{section}/endpoint/instances")));
    }
    found
}

fn bakes(at: &str, rollout: &Rollout) -> Vec<Finding> {
    [
        ("canary", rollout.canary.as_ref().map(|c| c.bake)),
        ("linear", rollout.linear.as_ref().map(|l| l.bake)),
        ("rolling", rollout.rolling.as_ref().map(|r| r.bake)),
        ("allAtOnce", rollout.all_at_once.as_ref().and_then(|a| a.bake)),
    ]
    .into_iter()
    .filter_map(|(way, bake)| Some((way, bake.filter(|bake| bake.seconds() > LONGEST_BAKE)?)))
    .map(|(way, bake)| {
        let page = if way == "rolling" { BATCHES } else { STEPS };
        let message = format!("found {bake}, expected at most 1h ({page})");
        Finding::new(format!("{at}/rollout/{way}/bake"), message)
    })
    .collect()
}

/// The size of the batches, and the time that all of them take.
fn batches(at: &str, rolling: &Rolling, instances: u32, component: Option<&Component>) -> Vec<Finding> {
    let at = format!("{at}/rolling");
    let finding = |message: String| Finding::new(&at, message).because(format!("{at}/bake"));
    match (rolling.percent, rolling.copies) {
        (None, None) => {
            return vec![finding("missing `percent`, or `copies` of an inferenceComponent".to_owned())];
        }
        (Some(_), Some(_)) => return vec![finding("expected one of `percent` and `copies`".to_owned())],
        (None, Some(_)) if component.is_none() => {
            let message = format!("an endpoint without copies has batches of `percent` ({BATCHES})");
            return vec![Finding::new(format!("{at}/copies"), message)];
        }
        _ => {}
    }
    let capacity = component.map_or(instances, |component| component.copies);
    if let Some(copies) = rolling.copies.filter(|copies| capacity > 1 && copies.saturating_mul(2) > capacity)
    {
        let message =
            format!("found {copies}, expected at most half of the {capacity} copies ({COPY_BATCHES})");
        return vec![Finding::new(format!("{at}/copies"), message)];
    }
    let batches = Batches::of(rolling);
    let seconds = u64::from(batches.count(capacity)) * u64::from(batches.bake);
    if seconds > LONGEST_UPDATE {
        let message = format!(
            "{} batches that bake for {} take {}h; SageMaker stops an update after 8h ({BATCHES})",
            batches.count(capacity),
            rolling.bake,
            seconds / 3_600
        );
        return vec![finding(message)];
    }
    Vec::new()
}
