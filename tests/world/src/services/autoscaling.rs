//! Application Auto Scaling.

pub(crate) mod policies;
pub(crate) mod targets;
