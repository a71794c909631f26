//! Drift sources: each converts a trigger into an [`Observation`] before anything is decided.

mod alarm;
mod event;
mod recheck;
mod report;
mod report_key;

use super::{Observation, Snapshot, Trigger};
use crate::file::Policy;

pub(crate) use report_key::{ReportKey, is_report};

/// Converts a trigger of this source into an observation; returns `None` for every other trigger.
type Source = fn(&Policy, &Trigger, &Snapshot) -> Option<Observation>;

/// Every drift source. A new source is a file and a line here.
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

/// The observation that a trigger contains.
pub(super) fn observe(policy: &Policy, trigger: &Trigger, seen: &Snapshot) -> Option<Observation> {
    SOURCES.iter().find_map(|source| source(policy, trigger, seen))
}
