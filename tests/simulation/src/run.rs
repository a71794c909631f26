//! A history from its first step to its rest.

use std::panic::AssertUnwindSafe;

use jiff::Timestamp;

use crate::check::Violation;
use crate::drive::Drive;
use crate::mutant::Mutant;
use crate::stage::{BEGINNING, Stage};
use crate::step::Story;
use crate::tale::Tale;
use crate::tally::Tally;
use crate::words;

/// What became of a history.
#[derive(Debug)]
pub struct Ending {
    /// What must not have been, if anything.
    pub violation: Option<Violation>,
    /// What was tried.
    pub tally: Tally,
    /// The history in words, if it was asked for.
    pub tale: Vec<String>,
}

impl Story {
    /// Plays it.
    ///
    /// # Errors
    /// If its fleet's policies are none, or the world does not take them.
    pub fn play(&self, mutant: Option<Mutant>, told: bool) -> Result<Ending, String> {
        std::panic::catch_unwind(AssertUnwindSafe(|| self.played(mutant, told))).unwrap_or_else(|panic| {
            let said = panic.downcast_ref::<String>().cloned();
            let said = said.or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
            let violation = Violation {
                rule: "nothing panics",
                what: said.unwrap_or_default(),
                at: Timestamp::UNIX_EPOCH,
            };
            Ok(Ending { violation: Some(violation), tally: Tally::default(), tale: Vec::new() })
        })
    }

    fn played(&self, mutant: Option<Mutant>, told: bool) -> Result<Ending, String> {
        // The engine's jitter comes from this thread's generator.
        fastrand::seed(self.seed.unwrap_or_default());
        let stage = Stage::new(&self.fleet, mutant)?;
        let beginning: Timestamp = BEGINNING.parse().map_err(|error| format!("{error}"))?;
        let mut drive = Drive::new(stage, if told { Tale::written() } else { Tale::default() });
        for step in &self.steps {
            if drive.violation.is_none() {
                drive.play(step, beginning);
            }
        }
        if drive.violation.is_none() {
            drive.rest();
        }
        drive.tally.histories = 1;
        let Drive { violation, tally, mut tale, .. } = drive;
        if let Some(Violation { rule, what, at }) = &violation {
            tale.say(*at, || format!("BROKEN: {rule}\n                     {what}"));
        }
        let lines = tale.into_lines();
        let tale = if told { words::fleet(&self.fleet).into_iter().chain(lines).collect() } else { lines };
        Ok(Ending { violation, tally, tale })
    }
}
