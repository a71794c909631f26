//! Nothing is done that was not decided and written down before.

use super::explain::{changes, explains, publishes, without_schema};
use super::facts::Filed;
use super::{Facts, Rule, Seen};
use crate::stage::Stage;

/// Every call that changes something carries out an action that a ledger has and that has no outcome yet.
pub(super) struct Recorded;

/// The actions of a decision that have no outcome yet.
fn open(filed: &Filed) -> impl Iterator<Item = &serde_json::Value> {
    let left = if filed.closed { usize::MAX } else { filed.done };
    filed.record.plan.iter().skip(left)
}

impl Rule for Recorded {
    fn name(&self) -> &'static str {
        "nothing is done before it is recorded, or without being decided"
    }

    fn see(&mut self, seen: &Seen<'_>, facts: &Facts, _: &Stage) -> Result<(), String> {
        match seen {
            Seen::Asked { place, function, entry, .. } if changes(&entry.operation) => {
                let why = |filed: &Filed| open(filed).any(|a| explains(a, &entry.operation, &entry.request));
                if facts.of(*place, function).any(why) {
                    return Ok(());
                }
                let of = function;
                Err(format!(
                    "{of} in {place} calls {} {}, and no recorded plan that is still open has such an action",
                    entry.operation, entry.request
                ))
            }
            // What goes to buses, topics and schedules.
            Seen::Call { place, function, call, .. }
                if matches!(call.operation, "PutEvents" | "Publish" | "CreateSchedule") =>
            {
                let unfinished = |filed: &Filed| !filed.closed;
                if facts.of(*place, function).any(unfinished) {
                    return Ok(());
                }
                Err(format!("{} in {place} calls {} without a decision", function, call.operation))
            }
            Seen::Published { place, event } if event.detail_type != tidegate_events::DECISION_RECORDED => {
                let detail = without_schema(&event.detail);
                let why = |filed: &Filed| {
                    let mut said = filed.record.plan.iter().filter_map(publishes);
                    filed.place == *place
                        && said.any(|(kind, body)| kind == event.detail_type && *body == detail)
                };
                let ours = ["Deployment Requested", "Deployment Finished", "Retraining Requested"];
                if !ours.contains(&event.detail_type.as_str()) || facts.filed.iter().any(why) {
                    return Ok(());
                }
                Err(format!(
                    "{place} publishes {}, and no recorded plan says so: {detail}",
                    event.detail_type
                ))
            }
            _ => Ok(()),
        }
    }
}
