//! How an update is rolled out.

use serde::{Deserialize, Serialize};

use crate::file;

/// How an update is rolled out: in at most one way, all at once if none is given.
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html>
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rollout {
    /// Canary percentage and bake time in seconds.
    pub canary: Option<(u32, u32)>,
    /// Percentage of each step and bake time in seconds after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linear: Option<(u32, u32)>,
    /// Batches that replace the old capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling: Option<Batches>,
    /// All at once: seconds for which the old capacity is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bake: Option<u32>,
    /// Alarms that make SageMaker roll back.
    pub alarms: Vec<String>,
}

/// The batches of a rolling update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batches {
    /// The size of each.
    pub size: BatchSize,
    /// Seconds of baking after each.
    pub bake: u32,
    /// The percentage of the capacity in each batch of a roll-back; all of it if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_percent: Option<u32>,
}

/// The size of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchSize {
    /// A percentage of the capacity.
    Percent(u32),
    /// A number of copies of an inference component.
    Copies(u32),
}

impl Rollout {
    /// The rollout in a policy.
    pub(super) fn of(policy: &file::Rollout) -> Self {
        Self {
            canary: policy.canary.as_ref().map(|canary| (canary.percent, canary.bake.seconds())),
            linear: policy.linear.as_ref().map(|linear| (linear.percent, linear.bake.seconds())),
            rolling: policy.rolling.as_ref().map(Batches::of),
            bake: policy.all_at_once.as_ref().and_then(|all| all.bake).map(|bake| bake.seconds()),
            alarms: policy.alarms.clone(),
        }
    }

    /// Whether it is SageMaker's default, which shifts all traffic at once without alarms.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Batches {
    /// The batches in a policy.
    pub(crate) fn of(policy: &file::Rolling) -> Self {
        // A rule of the policy file requires one of the two.
        let percent = BatchSize::Percent(policy.percent.unwrap_or(LARGEST_PERCENT));
        Self {
            size: policy.copies.map_or(percent, BatchSize::Copies),
            bake: policy.bake.seconds(),
            rollback_percent: policy.rollback_percent,
        }
    }

    /// The number of batches in which `capacity` is replaced.
    #[must_use]
    pub fn count(&self, capacity: u32) -> u32 {
        capacity.max(1).div_ceil(self.size.of(capacity))
    }
}

impl BatchSize {
    /// How much of a capacity is in one batch, at least one.
    #[must_use]
    pub fn of(self, capacity: u32) -> u32 {
        let size = match self {
            Self::Percent(percent) => u64::from(capacity) * u64::from(percent) / 100,
            Self::Copies(copies) => u64::from(copies),
        };
        u32::try_from(size).unwrap_or(u32::MAX).max(1)
    }
}

/// The largest part of the capacity in one batch.
const LARGEST_PERCENT: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_at_least_one_of_the_capacity() {
        let of = |size, capacity| Batches { size, bake: 0, rollback_percent: None }.count(capacity);
        assert_eq!(of(BatchSize::Percent(25), 8), 4);
        assert_eq!(of(BatchSize::Percent(5), 8), 8);
        assert_eq!(of(BatchSize::Copies(3), 8), 3);
        assert_eq!(of(BatchSize::Percent(50), 0), 1);
    }
}
