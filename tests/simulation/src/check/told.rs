//! Every event comes to something, and every decision is told.

use tidegate_engine::Outcome;
use tidegate_events::Body;
use tidegate_testkit::Note;

use super::{Facts, Rule, Seen};
use crate::stage::Stage;

/// What was dealt with has an outcome for each model that it concerns; what was decided is on the bus before it is done;
/// and no failure is one that nothing explains.
pub(super) struct Told;

/// How many models an event concerns, at least.
fn concerned(body: &Body, stage: &Stage) -> usize {
    let models = &stage.fleet.models;
    match body {
        Body::CommitPushed(push) => models.iter().filter(|m| m.repository == push.repository).count(),
        Body::ModelPackageChanged(package) => {
            models.iter().filter(|m| package.group.as_ref() == Some(&m.group)).count()
        }
        _ => 1,
    }
}

impl Rule for Told {
    fn name(&self) -> &'static str {
        "every event comes to something, and every decision is told"
    }

    fn see(&mut self, seen: &Seen<'_>, facts: &Facts, stage: &Stage) -> Result<(), String> {
        match seen {
            Seen::Noted { place, note: Note::Noted { .. }, record: Some(record), .. } => {
                let finished = record.outcomes.len() >= record.plan.len();
                if finished && !facts.told.contains(&record.id) {
                    return Err(format!(
                        "decision {} in {place} is finished and was not published",
                        record.id
                    ));
                }
                Ok(())
            }
            Seen::Noted { place, note: Note::Decided { .. }, record: Some(record), .. }
                if record.reason == "violates_invariant" =>
            {
                Err(format!(
                    "{} in {place} decided what the product's own checker refuses: {}",
                    record.function, record.message
                ))
            }
            Seen::Dealt(dealt) => {
                let of = concerned(&dealt.parcel.event.body, stage);
                if dealt.outcomes.len() < of {
                    let (function, place) = (dealt.parcel.function, dealt.parcel.place);
                    return Err(format!(
                        "{function} in {place} heard {} and came to {} outcomes for {of} models",
                        dealt.parcel.event.idempotency_key(),
                        dealt.outcomes.len()
                    ));
                }
                for outcome in &dealt.outcomes {
                    if let Outcome::Decided { record } = outcome
                        && !facts.filed.iter().rev().any(|filed| filed.record.id == record.id)
                    {
                        return Err(format!("decision {} is in no ledger", record.id));
                    }
                }
                Ok(())
            }
            Seen::Failed { place, function, kind, error }
                if matches!(*kind, "UnreadableLedger" | "UnreadableEvent" | "Contention") =>
            {
                Err(format!("{} in {place} fails: {error}", function))
            }
            _ => Ok(()),
        }
    }
}
