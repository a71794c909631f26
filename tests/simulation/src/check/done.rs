//! What a record says was done was done.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_engine::{ActionStatus, DecisionRecord};
use tidegate_testkit::Note;

use super::explain::{changes, explains, publishes, without_schema};
use super::facts::text;
use super::{Facts, Rule, Seen};
use crate::place::Where;
use crate::stage::Stage;

/// A call that changes something, as it reached the world.
struct Asked {
    look: u64,
    place: Where,
    operation: String,
    request: Value,
    is_done: bool,
}

/// Each action that is noted as done has its effect: the call was made, the event is on the bus, the schedule is there.
#[derive(Default)]
pub(super) struct Done {
    /// How often the checker has looked: what is decided and done in one invocation is seen in one look.
    look: u64,
    decided: BTreeMap<(Where, String), u64>,
    asked: Vec<Asked>,
    published: Vec<(u64, Where, String, Value)>,
    /// In which look each schedule was there last.
    schedules: BTreeMap<(Where, String), u64>,
    /// What was closed in this look.
    closed: Vec<(Where, std::sync::Arc<DecisionRecord>)>,
}

impl Done {
    /// Whether the effect of an action was there since its decision.
    fn is_so(&self, place: Where, action: &Value, since: u64) -> bool {
        if let Some((kind, body)) = publishes(action) {
            let is_it = |(look, at, detail_type, detail): &(u64, Where, String, Value)| {
                *look >= since && *at == place && detail_type == kind && detail == body
            };
            return self.published.iter().rev().any(is_it);
        }
        match text(action, "/action") {
            // Who is told what has a rule of its own.
            "alert" => true,
            "wake_at" | "check_at" => {
                let name = text(action, "/name").to_owned();
                self.schedules.get(&(place, name)).is_some_and(|look| *look >= since)
            }
            _ => self.is_called(place, action, since),
        }
    }

    /// Whether it was asked for since its decision and done; or refused, because it was so already.
    fn is_called(&self, place: Where, action: &Value, since: u64) -> bool {
        let is_it =
            |asked: &&Asked| asked.place == place && explains(action, &asked.operation, &asked.request);
        let calls = || self.asked.iter().rev().filter(is_it);
        let mut lately = calls().take_while(|asked| asked.look >= since).peekable();
        lately.peek().is_some() && (lately.any(|asked| asked.is_done) || calls().any(|asked| asked.is_done))
    }
}

impl Rule for Done {
    fn name(&self) -> &'static str {
        "what a record says was done was done"
    }

    fn see(&mut self, seen: &Seen<'_>, facts: &Facts, _: &Stage) -> Result<(), String> {
        match seen {
            Seen::Noted { place, note: Note::Decided { .. }, record: Some(record), .. } => {
                self.decided.insert((*place, record.id.clone()), self.look);
            }
            Seen::Noted { place, note: Note::Noted { .. }, record: Some(record), .. }
                if facts.filed(*place, &record.id).is_some_and(|filed| !filed.closed) =>
            {
                self.closed.push((*place, (*record).clone()));
            }
            Seen::Asked { place, entry, .. } if changes(&entry.operation) => self.asked.push(Asked {
                look: self.look,
                place: *place,
                operation: entry.operation.clone(),
                request: entry.request.clone(),
                is_done: entry.outcome == "ok",
            }),
            Seen::Published { place, event } => {
                let detail = without_schema(&event.detail);
                self.published.push((self.look, *place, event.detail_type.clone(), detail));
            }
            Seen::Scheduled { place, wake } => {
                self.schedules.insert((*place, wake.name.clone()), self.look);
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, _: &Facts) -> Result<(), String> {
        for (place, record) in std::mem::take(&mut self.closed) {
            let since = self.decided.get(&(place, record.id.clone())).copied().unwrap_or_default();
            for (action, outcome) in record.plan.iter().zip(&record.outcomes) {
                if outcome.status == ActionStatus::Done && !self.is_so(place, action, since) {
                    return Err(format!(
                        "decision {} of {} in {place} says “{}”, and nothing of it is to be seen: {action}",
                        record.id, record.function, outcome.detail
                    ));
                }
            }
        }
        self.look += 1;
        Ok(())
    }
}
