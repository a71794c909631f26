//! The updates of inference components: blue/green or in batches, and rolled back by alarms.

use jiff::Timestamp;
use serde_json::Value;

use super::endpoints::rollout::alarms;
use crate::account::AccountRegion;
use crate::json::{int, text};
use crate::world::World;

/// How many copies run beside the old ones while a component is updated: all of them without a policy, which AWS calls
/// blue/green, or one batch.
/// <https://aws.amazon.com/blogs/machine-learning/enhance-deployment-guardrails-with-inference-component-rolling-updates-for-amazon-sagemaker-ai-inference/>
pub(super) fn extra_copies(deployment: Option<&Value>, copies: i64) -> i64 {
    let batch = deployment
        .and_then(|deployment| deployment.get("RollingUpdatePolicy"))
        .and_then(|policy| policy.get("MaximumBatchSize"));
    let Some(batch) = batch else { return copies };
    let value = int(batch, "Value").unwrap_or(1);
    match text(batch, "Type") {
        Some("CAPACITY_PERCENT") => (copies * value).div_euclid(100).max(1),
        _ => value,
    }
}

/// The number of batches of an update, and the seconds for which all of them bake.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentRollingUpdatePolicy.html>
pub(super) fn batches(deployment: Option<&Value>, copies: i64) -> (u32, i64) {
    let policy = deployment.and_then(|deployment| deployment.get("RollingUpdatePolicy"));
    let wait = policy.and_then(|policy| int(policy, "WaitIntervalInSeconds")).unwrap_or(0);
    let size = extra_copies(deployment, copies.max(1)).max(1);
    let count = u32::try_from((copies.max(1) + size - 1) / size).unwrap_or(1);
    (count, wait * i64::from(count))
}

impl World {
    /// How long an update of a component takes: each batch starts and bakes.
    pub(super) fn component_update_time(
        &self,
        deployment: Option<&Value>,
        copies: i64,
    ) -> std::time::Duration {
        let (count, seconds) = batches(deployment, copies);
        self.pace.component_update * count + self.pace.bake(seconds)
    }

    /// An alarm went into ALARM: the updates of components that name it are rolled back. The text is that of endpoints.
    pub(super) fn roll_back_components(&mut self, place: &AccountRegion, alarm: &str, at: Timestamp) {
        let after = self.pace.component_update;
        let reason = format!("One or more configured alarm(s) went into ALARM state: [{alarm}]");
        let components = &mut self.resources_mut(place).components;
        let mut rolled_back = Vec::new();
        for component in components.values_mut().filter(|component| component.status == "Updating") {
            if !alarms(component.deployment.as_ref()).iter().any(|name| name == alarm) {
                continue;
            }
            if let Some((_, outcome @ None)) = &mut component.pending {
                *outcome = Some((reason.clone(), false));
                rolled_back.push(component.name.clone());
            }
        }
        for name in rolled_back {
            self.change_component(place, &name, after, at);
        }
    }
}
