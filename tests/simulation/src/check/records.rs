//! Records are immutable, and states are replaced in order.

use std::collections::BTreeMap;

use tidegate_engine::DecisionRecord;
use tidegate_testkit::Note;

use super::{Facts, Observed, Rule};
use crate::site::SiteId;
use crate::system::System;

/// A record never changes, except that outcomes of its actions are added.
pub(super) struct RecordsUnchanged;

impl Rule for RecordsUnchanged {
    fn name(&self) -> &'static str {
        "a record never changes, except for added outcomes"
    }

    fn observe(&mut self, observed: &Observed<'_>, facts: &Facts, _: &System) -> Result<(), String> {
        let Observed::LedgerNote { site, note, record: Some(record), .. } = observed else { return Ok(()) };
        let before =
            facts.decisions.iter().rev().find(|stored| stored.site == *site && stored.record.id == record.id);
        match (note, before) {
            (Note::Decided { .. }, Some(_)) => {
                Err(format!("decision {} in {site} was written again", record.id))
            }
            (Note::Noted { .. }, None) => {
                Err(format!("outcomes of decision {} in {site}, which was never written", record.id))
            }
            (Note::Noted { .. }, Some(before)) => {
                let now = DecisionRecord {
                    outcomes: before.record.outcomes.clone(),
                    ..DecisionRecord::clone(record)
                };
                if now != *before.record {
                    return Err(format!(
                        "decision {} in {site} was {:?} and is {now:?}",
                        record.id, before.record
                    ));
                }
                if record.outcomes.len() < before.done || record.outcomes.len() > record.plan.len() {
                    return Err(format!("the outcomes of decision {} in {site} have changed", record.id));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// A state is replaced only by a decision that has read it.
#[derive(Default)]
pub(super) struct StatesInOrder {
    revisions: BTreeMap<(SiteId, String, String), u64>,
}

impl Rule for StatesInOrder {
    fn name(&self) -> &'static str {
        "a decision has read the state that it replaces"
    }

    fn observe(&mut self, observed: &Observed<'_>, facts: &Facts, _: &System) -> Result<(), String> {
        let Observed::LedgerNote {
            by,
            site,
            note: Note::Decided { state: Some((key, now, before)), .. },
            ..
        } = observed
        else {
            return Ok(());
        };
        let of = format!("the state of {} in {site} for {}", key.function, key.model);
        let known = self.revisions.entry((*site, key.function.clone(), key.model.clone())).or_default();
        if *before != *known || *now != *known + 1 {
            return Err(format!("{of} goes from revision {known} to {now}"));
        }
        *known = *now;
        let read = facts.evidence(*by).and_then(|seen| seen.revision(&key.function, &key.model));
        match read {
            Some(read) if read == *before => Ok(()),
            Some(read) => Err(format!("{of}: the decision rests on revision {read} and replaces {before}")),
            None => Err(format!("{of} is replaced by a decision that did not read it")),
        }
    }
}
