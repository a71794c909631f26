//! `Drift Observed`: the event that any other drift source can publish.

use tidegate_events::{DriftObserved, DriftVerdict};

use crate::file::Policy;
use crate::reason::Reason;
use crate::respond::{Observation, Snapshot, Trigger};

pub(super) fn observe(_policy: &Policy, trigger: &Trigger, _seen: &Snapshot) -> Option<Observation> {
    match trigger {
        Trigger::Observed(observed) => Some(of_event(observed)),
        Trigger::Alarm(_) | Trigger::Recheck { .. } | Trigger::Report { .. } | Trigger::Finished(_) => None,
    }
}

/// The observation that a `Drift Observed` event contains.
fn of_event(seen: &DriftObserved) -> Observation {
    let metric = || seen.metric.clone().unwrap_or_else(|| "the model".to_owned());
    let source = || format!("{} on {}", seen.source, metric());
    match seen.verdict {
        DriftVerdict::Drift => Observation::Drift {
            source: source(),
            at: Some(seen.observed_at),
            alarm: None,
            reason: Reason::DriftObserved { metric: metric() },
            numbers: seen.observed.zip(seen.threshold),
            feed_is_broken: false,
        },
        DriftVerdict::NoDrift => {
            let (source, at) = (source(), Some(seen.observed_at));
            Observation::NoDrift { source, at, reason: Reason::NoViolations }
        }
        DriftVerdict::Insufficient => {
            Observation::Inconclusive(Reason::InsufficientData { source: seen.source.clone() })
        }
        DriftVerdict::SourceFailed => Observation::Inconclusive(Reason::SourceFailed {
            source: seen.source.clone(),
            error: "it reported a failure".to_owned(),
        }),
    }
}
