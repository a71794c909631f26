//! Every event has an outcome, and every decision is published.

use tidegate_engine::Outcome;
use tidegate_events::Body;
use tidegate_testkit::Note;

use super::{Facts, Observed, Rule};
use crate::system::System;

/// A processed event has an outcome for each model it concerns; a decision is on the bus before it is finished;
/// and no unexplained failure occurs.
pub(super) struct OutcomesPublished;

/// How many models an event concerns, at least.
fn concerned(body: &Body, system: &System) -> usize {
    let models = &system.fleet.models;
    match body {
        Body::CommitPushed(push) => models.iter().filter(|m| m.repository == push.repository).count(),
        Body::ModelPackageChanged(package) => {
            models.iter().filter(|m| package.group.as_ref() == Some(&m.group)).count()
        }
        _ => 1,
    }
}

impl Rule for OutcomesPublished {
    fn name(&self) -> &'static str {
        "every event has an outcome, and every decision is published"
    }

    fn observe(&mut self, observed: &Observed<'_>, facts: &Facts, system: &System) -> Result<(), String> {
        match observed {
            Observed::LedgerNote { site, note: Note::Noted { .. }, record: Some(record), .. } => {
                let finished = record.outcomes.len() >= record.plan.len();
                if finished && !facts.published_decisions.contains(&record.id) {
                    return Err(format!(
                        "decision {} in {site} is finished and was not published",
                        record.id
                    ));
                }
                Ok(())
            }
            Observed::LedgerNote { site, note: Note::Decided { .. }, record: Some(record), .. }
                if record.reason == "violates_invariant" =>
            {
                Err(format!(
                    "{} in {site} decided what the product's own checker refuses: {}",
                    record.function, record.message
                ))
            }
            Observed::Processed(processed) => {
                let of = concerned(&processed.delivery.event.body, system);
                if processed.outcomes.len() < of {
                    let (function, site) = (processed.delivery.function, processed.delivery.site);
                    return Err(format!(
                        "{function} in {site} processed {} with {} outcomes for {of} models",
                        processed.delivery.event.idempotency_key(),
                        processed.outcomes.len()
                    ));
                }
                for outcome in &processed.outcomes {
                    if let Outcome::Decided { record } = outcome
                        && !facts.decisions.iter().rev().any(|stored| stored.record.id == record.id)
                    {
                        return Err(format!("decision {} is in no ledger", record.id));
                    }
                }
                Ok(())
            }
            Observed::Failed { site, function, kind, error }
                if matches!(*kind, "UnreadableLedger" | "UnreadableEvent" | "Contention") =>
            {
                Err(format!("{} in {site} fails: {error}", function))
            }
            _ => Ok(()),
        }
    }
}
