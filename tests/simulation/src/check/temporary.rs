//! What AWS answers only for now ends nothing.

use tidegate_testkit::Note;

use super::{Facts, Observed, Rule};
use crate::system::System;

/// Parts of AWS's messages about what is not visible yet, is changing, or is still starting. They are written down here
/// apart from the product's table.
const FOR_NOW: [&str; 8] = [
    "Could not find model",
    "Could not find endpoint configuration",
    "No scalable target registered",
    "Cannot update in-progress endpoint",
    "while it is in state",
    "invocation timed out",
    "Received server error",
    "has no capacity",
];

/// The codes of reasons that call a failure final. `never_visible` and `sample_timed_out` say that it took too long.
const FINAL: [&str; 2] = ["rejected_by_aws", "sample_failed"];

/// No decision calls final what passes by itself.
pub(super) struct ForNowIsNotFinal;

impl Rule for ForNowIsNotFinal {
    fn name(&self) -> &'static str {
        "what is not visible yet, is changing or is starting is not a failure"
    }

    fn observe(&mut self, observed: &Observed<'_>, _: &Facts, _: &System) -> Result<(), String> {
        let Observed::LedgerNote { site, note: Note::Decided { .. }, record: Some(record), .. } = observed
        else {
            return Ok(());
        };
        let passes = FOR_NOW.iter().any(|text| record.message.contains(text));
        if passes && FINAL.contains(&record.reason.as_str()) {
            let (function, verdict) = (&record.function, &record.verdict);
            return Err(format!("{function} decided {verdict} in {site}: {}", record.message));
        }
        Ok(())
    }
}
