//! Drift sources: each turns what arrived into an [`Observation`] before anything is decided.

mod alarm;
mod event;
mod recheck;
mod report;

use super::{Observation, Snapshot, Trigger};
use crate::file::Policy;

pub use report::MonitorReport;

/// Reads an observation from a trigger that is its own; `None` for every other.
type Source = fn(&Policy, &Trigger, &Snapshot) -> Option<Observation>;

/// Every drift source. A new one is a file and a line here.
const SOURCES: &[Source] = &[
    // A CloudWatch alarm changed its state.
    alarm::observe,
    // A scheduled check reads an alarm again.
    recheck::observe,
    // Model Monitor wrote a report to S3.
    report::observe,
    // Any other source publishes `Drift Observed`.
    event::observe,
];

/// What the source of a trigger observed.
pub(super) fn observe(policy: &Policy, trigger: &Trigger, seen: &Snapshot) -> Option<Observation> {
    SOURCES.iter().find_map(|source| source(policy, trigger, seen))
}
