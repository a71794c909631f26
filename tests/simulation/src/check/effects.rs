//! Every action that a record marks as done has its effect.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_engine::{ActionStatus, DecisionRecord};
use tidegate_testkit::Note;

use super::facts::text;
use super::plans::{changes, explains, publishes, without_schema};
use super::{Facts, Observed, Rule};
use crate::site::SiteId;
use crate::system::System;

/// A call with an effect, as it reached the world.
struct Asked {
    look: u64,
    site: SiteId,
    operation: String,
    request: Value,
    is_done: bool,
}

/// Each action with the status done has its effect: the call was made, the event is on the bus, the schedule exists.
#[derive(Default)]
pub(super) struct EffectsMatchRecords {
    /// The number of the check: an invocation's decision and effects are seen in one check.
    look: u64,
    decided: BTreeMap<(SiteId, String), u64>,
    asked: Vec<Asked>,
    published: Vec<(u64, SiteId, String, Value)>,
    /// The check in which each schedule was last there.
    schedules: BTreeMap<(SiteId, String), u64>,
    /// The records that were finished in this check.
    closed: Vec<(SiteId, std::sync::Arc<DecisionRecord>)>,
}

impl EffectsMatchRecords {
    /// Whether the effect of an action occurred since its decision.
    fn is_so(&self, site: SiteId, action: &Value, since: u64) -> bool {
        if let Some((kind, body)) = publishes(action) {
            let is_it = |(look, at, detail_type, detail): &(u64, SiteId, String, Value)| {
                *look >= since && *at == site && detail_type == kind && detail == body
            };
            return self.published.iter().rev().any(is_it);
        }
        match text(action, "/action") {
            // Alerts have a rule of their own.
            "alert" => true,
            "wake_at" | "check_at" => {
                let name = text(action, "/name").to_owned();
                self.schedules.get(&(site, name)).is_some_and(|look| *look >= since)
            }
            _ => self.is_called(site, action, since),
        }
    }

    /// Whether the call was made since its decision and succeeded; or was rejected because the effect existed already.
    fn is_called(&self, site: SiteId, action: &Value, since: u64) -> bool {
        let is_it = |asked: &&Asked| asked.site == site && explains(action, &asked.operation, &asked.request);
        let calls = || self.asked.iter().rev().filter(is_it);
        let mut lately = calls().take_while(|asked| asked.look >= since).peekable();
        lately.peek().is_some() && (lately.any(|asked| asked.is_done) || calls().any(|asked| asked.is_done))
    }
}

impl Rule for EffectsMatchRecords {
    fn name(&self) -> &'static str {
        "every action with the status done has its effect"
    }

    fn observe(&mut self, observed: &Observed<'_>, facts: &Facts, _: &System) -> Result<(), String> {
        match observed {
            Observed::LedgerNote { site, note: Note::Decided { .. }, record: Some(record), .. } => {
                self.decided.insert((*site, record.id.clone()), self.look);
            }
            Observed::LedgerNote { site, note: Note::Noted { .. }, record: Some(record), .. }
                if facts.decision(*site, &record.id).is_some_and(|stored| !stored.closed) =>
            {
                self.closed.push((*site, (*record).clone()));
            }
            Observed::WorldCall { site, entry, .. } if changes(&entry.operation) => self.asked.push(Asked {
                look: self.look,
                site: *site,
                operation: entry.operation.clone(),
                request: entry.request.clone(),
                is_done: entry.outcome == "ok",
            }),
            Observed::Published { site, event } => {
                let detail = without_schema(&event.detail);
                self.published.push((self.look, *site, event.detail_type.clone(), detail));
            }
            Observed::Scheduled { site, wake } => {
                self.schedules.insert((*site, wake.name.clone()), self.look);
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, _: &Facts) -> Result<(), String> {
        for (site, record) in std::mem::take(&mut self.closed) {
            let since = self.decided.get(&(site, record.id.clone())).copied().unwrap_or_default();
            for (action, outcome) in record.plan.iter().zip(&record.outcomes) {
                if outcome.status == ActionStatus::Done && !self.is_so(site, action, since) {
                    return Err(format!(
                        "decision {} of {} in {site} has the outcome “{}” without an effect: {action}",
                        record.id, record.function, outcome.detail
                    ));
                }
            }
        }
        self.look += 1;
        Ok(())
    }
}
