//! Every effect has a recorded decision.

use super::facts::StoredDecision;
use super::plans::{changes, explains, publishes, without_schema};
use super::{Facts, Observed, Rule};
use crate::system::System;

/// Every call with an effect carries out a recorded action that has no outcome yet.
pub(super) struct Recorded;

/// The actions of a decision that have no outcome yet.
fn open(stored: &StoredDecision) -> impl Iterator<Item = &serde_json::Value> {
    let left = if stored.closed { usize::MAX } else { stored.done };
    stored.record.plan.iter().skip(left)
}

impl Rule for Recorded {
    fn name(&self) -> &'static str {
        "every effect has a decision that was recorded before"
    }

    fn observe(&mut self, observed: &Observed<'_>, facts: &Facts, _: &System) -> Result<(), String> {
        match observed {
            Observed::WorldCall { site, function, entry, .. } if changes(&entry.operation) => {
                let why = |stored: &StoredDecision| {
                    open(stored).any(|a| explains(a, &entry.operation, &entry.request))
                };
                if facts.of(*site, function).any(why) {
                    return Ok(());
                }
                let of = function;
                Err(format!(
                    "{of} in {site} calls {} {}, and no recorded plan that is still open has such an action",
                    entry.operation, entry.request
                ))
            }
            // Events, alerts and schedules.
            Observed::CallStarted { site, function, call, .. }
                if matches!(call.operation, "PutEvents" | "Publish" | "CreateSchedule") =>
            {
                let unfinished = |stored: &StoredDecision| !stored.closed;
                if facts.of(*site, function).any(unfinished) {
                    return Ok(());
                }
                Err(format!("{} in {site} calls {} without a decision", function, call.operation))
            }
            Observed::Published { site, event }
                if event.detail_type != tidegate_events::DECISION_RECORDED =>
            {
                let detail = without_schema(&event.detail);
                let why = |stored: &StoredDecision| {
                    let mut said = stored.record.plan.iter().filter_map(publishes);
                    stored.site == *site
                        && said.any(|(kind, body)| kind == event.detail_type && *body == detail)
                };
                let ours = [
                    "Deployment Requested",
                    "Deployment Finished",
                    "Retraining Requested",
                    "Retraining Finished",
                ];
                if !ours.contains(&event.detail_type.as_str()) || facts.decisions.iter().any(why) {
                    return Ok(());
                }
                Err(format!("{site} publishes {}, and no recorded plan has it: {detail}", event.detail_type))
            }
            _ => Ok(()),
        }
    }
}
