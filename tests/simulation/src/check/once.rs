//! What an event means is decided once.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tidegate_testkit::Note;

use super::{Facts, Rule, Seen};
use crate::stage::Stage;

/// How long a claim is surely remembered: it is kept for fourteen days, from shortly before the decision.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(14 * 24 - 1);

/// However often and by whomever a change is told, there is one decision of a function about a model, for as long as the
/// claim is remembered.
#[derive(Default)]
pub(super) struct Once {
    decided: BTreeMap<(String, String, String, String), (String, Timestamp)>,
}

impl Rule for Once {
    fn name(&self) -> &'static str {
        "one decision for what an event means"
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Facts, stage: &Stage) -> Result<(), String> {
        let Seen::Noted { place, note: Note::Decided { .. }, record: Some(record), .. } = seen else {
            return Ok(());
        };
        // What follows from a refusal is the same matter.
        if record.caused_by.is_some() {
            return Ok(());
        }
        let key = (
            place.name().to_owned(),
            record.function.clone(),
            record.model.clone(),
            record.event.idempotency_key.clone(),
        );
        let of = format!(
            "{} in {place} about {}: {}",
            record.function, record.model, record.event.idempotency_key
        );
        let now = stage.now();
        match self.decided.insert(key, (record.id.clone(), now)) {
            Some((before, at)) if now.duration_since(at) < REMEMBERED => {
                Err(format!("decided twice by {of} (decisions {before} and {})", record.id))
            }
            _ => Ok(()),
        }
    }
}
