//! Each idempotency key is decided once.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tidegate_engine::ports::CLAIM_DAYS;
use tidegate_testkit::Note;

use super::{Facts, Observed, Rule};
use crate::system::System;

/// How long a claim is stored at least: three weeks, from shortly before the decision.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(CLAIM_DAYS * 24 - 1);

/// However often a change is delivered, a function makes one decision about a model, as long as the
/// claim is stored.
#[derive(Default)]
pub(super) struct DecidedOnce {
    decided: BTreeMap<(String, String, String, String), (String, Timestamp)>,
}

impl Rule for DecidedOnce {
    fn name(&self) -> &'static str {
        "one decision for each idempotency key"
    }

    fn observe(&mut self, observed: &Observed<'_>, _: &Facts, system: &System) -> Result<(), String> {
        let Observed::LedgerNote { site, note: Note::Decided { .. }, record: Some(record), .. } = observed
        else {
            return Ok(());
        };
        // A decision about a rejected action has the same key.
        if record.caused_by.is_some() {
            return Ok(());
        }
        let key = (
            site.name().to_owned(),
            record.function.clone(),
            record.model.clone(),
            record.event.idempotency_key.clone(),
        );
        let of =
            format!("{} in {site} about {}: {}", record.function, record.model, record.event.idempotency_key);
        let now = system.now();
        match self.decided.insert(key, (record.id.clone(), now)) {
            Some((before, at)) if now.duration_since(at) < REMEMBERED => {
                Err(format!("decided twice by {of} (decisions {before} and {})", record.id))
            }
            _ => Ok(()),
        }
    }
}
