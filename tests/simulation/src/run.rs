//! Runs a history from its first step to its final state.

use std::panic::AssertUnwindSafe;

use jiff::Timestamp;

use crate::check::Violation;
use crate::describe;
use crate::history::History;
use crate::mutant::Mutant;
use crate::runner::Runner;
use crate::statistics::Statistics;
use crate::system::{BEGINNING, System};
use crate::trace::Trace;

/// The result of a run.
#[derive(Debug)]
pub struct RunResult {
    /// The violation, if any.
    pub violation: Option<Violation>,
    /// What occurred.
    pub statistics: Statistics,
    /// The trace, if it was requested.
    pub trace: Vec<String>,
}

impl History {
    /// Runs the history.
    ///
    /// # Errors
    /// If a policy is invalid, or the world rejects the setup.
    pub fn run(&self, mutant: Option<Mutant>, traced: bool) -> Result<RunResult, String> {
        std::panic::catch_unwind(AssertUnwindSafe(|| self.run_steps(mutant, traced))).unwrap_or_else(
            |panic| {
                let message = panic.downcast_ref::<String>().cloned();
                let message =
                    message.or_else(|| panic.downcast_ref::<&str>().map(|message| (*message).to_owned()));
                let violation = Violation {
                    rule: "nothing panics",
                    what: message.unwrap_or_default(),
                    at: Timestamp::UNIX_EPOCH,
                };
                Ok(RunResult {
                    violation: Some(violation),
                    statistics: Statistics::default(),
                    trace: Vec::new(),
                })
            },
        )
    }

    fn run_steps(&self, mutant: Option<Mutant>, traced: bool) -> Result<RunResult, String> {
        // The engine's jitter comes from this thread's generator.
        fastrand::seed(self.seed.unwrap_or_default());
        let system = System::new(&self.fleet, mutant)?;
        let beginning: Timestamp = BEGINNING.parse().map_err(|error| format!("{error}"))?;
        let mut runner = Runner::new(system, if traced { Trace::recording() } else { Trace::default() });
        for step in &self.steps {
            if runner.violation.is_none() {
                runner.run(step, beginning);
            }
        }
        if runner.violation.is_none() {
            runner.run_to_quiescence();
        }
        runner.statistics.histories = 1;
        let Runner { violation, statistics, mut trace, .. } = runner;
        if let Some(Violation { rule, what, at }) = &violation {
            trace.add(*at, || format!("VIOLATION: {rule}\n                     {what}"));
        }
        let lines = trace.into_lines();
        let trace =
            if traced { describe::fleet(&self.fleet).into_iter().chain(lines).collect() } else { lines };
        Ok(RunResult { violation, statistics, trace })
    }
}
