//! What is written stays, and is written onto what was read.

use std::collections::BTreeMap;

use tidegate_engine::DecisionRecord;
use tidegate_testkit::Note;

use super::{Facts, Rule, Seen};
use crate::place::Where;
use crate::stage::Stage;

/// A record never changes, but for the outcomes of its actions, which are only added.
pub(super) struct Kept;

impl Rule for Kept {
    fn name(&self) -> &'static str {
        "a record never changes, but for the outcomes that are added"
    }

    fn see(&mut self, seen: &Seen<'_>, facts: &Facts, _: &Stage) -> Result<(), String> {
        let Seen::Noted { place, note, record: Some(record), .. } = seen else { return Ok(()) };
        let before =
            facts.filed.iter().rev().find(|filed| filed.place == *place && filed.record.id == record.id);
        match (note, before) {
            (Note::Decided { .. }, Some(_)) => {
                Err(format!("decision {} in {place} was written again", record.id))
            }
            (Note::Noted { .. }, None) => {
                Err(format!("outcomes of decision {} in {place}, which was never written", record.id))
            }
            (Note::Noted { .. }, Some(before)) => {
                let now = DecisionRecord {
                    outcomes: before.record.outcomes.clone(),
                    ..DecisionRecord::clone(record)
                };
                if now != *before.record {
                    return Err(format!(
                        "decision {} in {place} was {:?} and is {now:?}",
                        record.id, before.record
                    ));
                }
                if record.outcomes.len() < before.done || record.outcomes.len() > record.plan.len() {
                    return Err(format!("the outcomes of decision {} in {place} have changed", record.id));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// A state is replaced only by a decision that rests on it.
#[derive(Default)]
pub(super) struct InTurn {
    revisions: BTreeMap<(Where, String, String), u64>,
}

impl Rule for InTurn {
    fn name(&self) -> &'static str {
        "a decision rests on the state that it replaces"
    }

    fn see(&mut self, seen: &Seen<'_>, facts: &Facts, _: &Stage) -> Result<(), String> {
        let Seen::Noted { by, place, note: Note::Decided { state: Some((key, now, before)), .. }, .. } = seen
        else {
            return Ok(());
        };
        let of = format!("the state of {} in {place} for {}", key.function, key.model);
        let known = self.revisions.entry((*place, key.function.clone(), key.model.clone())).or_default();
        if *before != *known || *now != *known + 1 {
            return Err(format!("{of} goes from revision {known} to {now}"));
        }
        *known = *now;
        let read = facts.evidence(*by).and_then(|saw| saw.revision(&key.function, &key.model));
        match read {
            Some(read) if read == *before => Ok(()),
            Some(read) => Err(format!("{of}: the decision rests on revision {read} and replaces {before}")),
            None => Err(format!("{of} is replaced by a decision that did not read it")),
        }
    }
}
