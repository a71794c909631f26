//! The plan of an update: which capacity gets traffic when, and how long it bakes.

use std::time::Duration;

use serde_json::Value;

use super::{Stage, Variant};
use crate::error::ApiError;
use crate::json::{int, list, text};
use crate::pace::Pace;

/// The phase of a rollout.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Phase {
    Creating,
    Activating,
    Baking { seconds: i64 },
    Terminating,
}

/// One step of a rollout, for a part (0–1) of the new capacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step {
    pub(crate) phase: Phase,
    pub(crate) part: f64,
    /// The part that had been launched before.
    pub(crate) before: f64,
}

impl Step {
    /// How many instances of a variant this part is.
    pub(crate) fn instances(&self, variant: &Variant) -> i64 {
        ((variant.desired as f64 * self.part).round() as i64).clamp(1, variant.desired.max(1))
    }

    /// Status and message as SageMaker documents them.
    pub(crate) fn status(&self, variant: &Variant) -> (&'static str, String) {
        let count = self.instances(variant);
        let part = if count >= variant.desired { "full" } else { "canary" };
        match self.phase {
            Phase::Creating => {
                let there = (variant.desired as f64 * self.before).round() as i64;
                ("Creating", format!("Launching {} instance(s).", (count - there).max(1)))
            }
            Phase::Activating => (
                "ActivatingTraffic",
                format!("Activating traffic on {part} capacity of {count} instance(s)."),
            ),
            Phase::Baking { seconds } => (
                "Baking",
                format!(
                    "Baking for {seconds} seconds (TerminationWaitInSeconds) with traffic enabled on {part} \
                     capacity of {count} instance(s)."
                ),
            ),
            Phase::Terminating => ("Deleting", format!("Terminating {count} instance(s).")),
        }
    }
}

/// The alarms whose firing rolls an update back.
pub(crate) fn alarms(deployment: Option<&Value>) -> Vec<String> {
    deployment
        .and_then(|d| d.get("AutoRollbackConfiguration"))
        .map(|rollback| list(rollback, "Alarms"))
        .unwrap_or_default()
        .iter()
        .filter_map(|alarm| text(alarm, "AlarmName").map(str::to_owned))
        .collect()
}

/// Refuses sizes outside the documented ranges; the texts are the world's own.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrafficRoutingConfig.html>,
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RollingUpdatePolicy.html>
pub(crate) fn check(deployment: Option<&Value>, variants: &[Variant]) -> Result<(), ApiError> {
    let Some(deployment) = deployment else { return Ok(()) };
    let policy = |key: &str| deployment.get(key).filter(|policy| !policy.is_null());
    let (blue_green, rolling) = (policy("BlueGreenUpdatePolicy"), policy("RollingUpdatePolicy"));
    if blue_green.is_some() && rolling.is_some() {
        return Err(ApiError::validation(
            "Only one of BlueGreenUpdatePolicy and RollingUpdatePolicy is allowed.",
        ));
    }
    let total = variants.iter().map(|variant| variant.desired).max().unwrap_or(1);
    let traffic = blue_green.and_then(|policy| policy.get("TrafficRoutingConfiguration"));
    let of_traffic = |key: &str| traffic.and_then(|traffic| traffic.get(key));
    let sizes = [
        ("CanarySize", of_traffic("CanarySize"), 0.0),
        ("LinearStepSize", of_traffic("LinearStepSize"), 0.1),
        ("MaximumBatchSize", rolling.and_then(|policy| policy.get("MaximumBatchSize")), 0.05),
    ];
    for (name, size, least) in sizes {
        let part = size.map(|size| share(Some(size), total));
        if part.is_some_and(|part| part < least || part > 0.5) {
            return Err(ApiError::validation(format!(
                "{name} is outside its range for {total} instance(s)."
            )));
        }
    }
    Ok(())
}

/// How many instances an update starts before it ends the first old one: a fleet, or one batch.
pub(crate) fn extra_instances(deployment: Option<&Value>, wanted: i64) -> i64 {
    let batch = deployment.and_then(|d| d.get("RollingUpdatePolicy")).and_then(|p| p.get("MaximumBatchSize"));
    batch.map_or(wanted, |batch| (share(Some(batch), wanted) * wanted as f64).ceil() as i64)
}

/// The share of `total` that a `CapacitySize` means.
fn share(size: Option<&Value>, total: i64) -> f64 {
    let total = total.max(1) as f64;
    let value = size.and_then(|s| int(s, "Value")).unwrap_or(1) as f64;
    let part = match size.and_then(|s| text(s, "Type")) {
        Some("CAPACITY_PERCENT") => value / 100.0,
        _ => value / total,
    };
    part.clamp(1.0 / total, 1.0)
}

/// The parts that get traffic one after the other, each with its seconds of baking.
fn parts(deployment: Option<&Value>, total: i64) -> Vec<(f64, i64)> {
    let policy = deployment.and_then(|d| d.get("BlueGreenUpdatePolicy")).filter(|p| !p.is_null());
    let rolling = deployment.and_then(|d| d.get("RollingUpdatePolicy")).filter(|p| !p.is_null());
    let steps = |size: f64, wait: i64, last: i64| -> Vec<(f64, i64)> {
        let count = (1.0 / size).ceil().clamp(1.0, 100.0) as u32;
        (1..=count)
            .map(|n| if n == count { (1.0, last) } else { ((size * f64::from(n)).min(1.0), wait) })
            .collect()
    };
    if let Some(policy) = policy {
        let last = int(policy, "TerminationWaitInSeconds").unwrap_or(0);
        let traffic = policy.get("TrafficRoutingConfiguration");
        let wait = traffic.and_then(|t| int(t, "WaitIntervalInSeconds")).unwrap_or(0);
        return match traffic.and_then(|t| text(t, "Type")) {
            Some("CANARY") => {
                let size = share(traffic.and_then(|t| t.get("CanarySize")), total);
                if size < 1.0 { vec![(size, wait), (1.0, last)] } else { vec![(1.0, last)] }
            }
            Some("LINEAR") => {
                let size = share(traffic.and_then(|t| t.get("LinearStepSize")), total);
                steps(size, wait, last)
            }
            _ => vec![(1.0, last)],
        };
    }
    if let Some(policy) = rolling {
        let wait = int(policy, "WaitIntervalInSeconds").unwrap_or(0);
        return steps(share(policy.get("MaximumBatchSize"), total), wait, wait);
    }
    vec![(1.0, 0)]
}

/// The stages of an update, the last of which makes the new configuration the running one.
///
/// `rollback` is `Some` when the update rolls back after its first part got traffic; with the reason, if any is given.
pub(crate) fn plan(
    variants: &[Variant],
    deployment: Option<&Value>,
    pace: &Pace,
    rollback: Option<Option<String>>,
) -> Vec<(Duration, Stage)> {
    let stage = pace.endpoint_stage;
    if variants.iter().all(|v| v.serverless.is_some()) {
        let last = rollback.map_or(Stage::Switched, Stage::RolledBack);
        return vec![(stage, last)];
    }
    let total = variants.iter().map(|v| v.desired).max().unwrap_or(1);
    let mut plan = Vec::new();
    let mut wait = stage;
    let mut before = 0.0;
    for (part, seconds) in parts(deployment, total) {
        plan.push((wait, Stage::Rollout(Step { phase: Phase::Creating, part, before })));
        plan.push((stage, Stage::Rollout(Step { phase: Phase::Activating, part, before })));
        wait = stage;
        if seconds > 0 {
            plan.push((stage, Stage::Rollout(Step { phase: Phase::Baking { seconds }, part, before })));
            wait = pace.bake(seconds);
        }
        if let Some(reason) = &rollback {
            plan.extend(roll_back(wait, stage, part, reason.clone()));
            return plan;
        }
        before = part;
    }
    plan.push((wait, Stage::Switched));
    plan
}

/// Terminates the launched capacity; the old configuration stays.
pub(crate) fn roll_back(
    wait: Duration,
    stage: Duration,
    part: f64,
    reason: Option<String>,
) -> [(Duration, Stage); 2] {
    [
        (wait, Stage::Rollout(Step { phase: Phase::Terminating, part, before: part })),
        (stage, Stage::RolledBack(reason)),
    ]
}
