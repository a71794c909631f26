//! What each copy of an inference component is given.

use serde::{Deserialize, Serialize};

/// The resources for each copy of an inference component.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentComputeResourceRequirements.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CopySize {
    /// The reserved memory in MB.
    pub memory_mb: u32,
    /// The memory in MB at which its container is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_memory_mb: Option<u32>,
    /// Accelerators: devices, not cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerators: Option<u32>,
    /// CPU cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<u32>,
}

impl CopySize {
    /// Whether a copy of this size has what is wanted. What the policy does not set is not compared, because SageMaker
    /// may describe a value of its own.
    #[must_use]
    pub fn has(&self, wanted: &Self) -> bool {
        let same = |wanted: Option<u32>, has: Option<u32>| wanted.is_none() || wanted == has;
        self.memory_mb == wanted.memory_mb
            && same(wanted.max_memory_mb, self.max_memory_mb)
            && same(wanted.accelerators, self.accelerators)
            && same(wanted.cpus, self.cpus)
    }
}

impl std::fmt::Display for CopySize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} MB", self.memory_mb)?;
        for (number, what) in
            [(self.max_memory_mb, "MB at most"), (self.accelerators, "accelerators"), (self.cpus, "CPUs")]
        {
            if let Some(number) = number {
                write!(f, ", {number} {what}")?;
            }
        }
        Ok(())
    }
}
