//! A bad day, asked for: functions' processes are killed, their calls are refused, their events come several times.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tidegate_world::Fault;

use crate::{LocalCloud, SandboxError};

/// How bad it is; what happens is drawn from the seed, in the order of invocations and calls. The default is a good day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct BadDay {
    /// What everything is drawn from.
    pub seed: u64,
    /// Of a hundred calls that functions make to AWS, so many are refused with the service's own error.
    pub throttle_percent: u8,
    /// How many processes of each function are killed at most, with SIGKILL and at random moments.
    pub kills: u32,
    /// So many events meet the death of their process in every attempt.
    pub doomed: u32,
    /// How often each event is delivered to a function.
    pub copies: u32,
}

/// What happened since the cloud was started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct DayReport {
    /// Processes that were started, by function.
    pub processes: BTreeMap<String, u32>,
    /// Processes that were killed, by function.
    pub killed: BTreeMap<String, u32>,
    /// Of those, processes that worked on an event.
    pub killed_at_work: BTreeMap<String, u32>,
    /// Attempts to carry an invocation out.
    pub invocations: u32,
    /// Attempts that failed because their process was killed.
    pub died: u32,
    /// Attempts after the first.
    pub retries: u32,
    /// Events that went to a dead-letter queue after their last attempt.
    pub given_up: u32,
    /// Deliveries of an event beside the first.
    pub copies: u32,
    /// Calls of functions to the emulator, by service.
    pub calls: BTreeMap<String, u32>,
    /// Of those, calls that were refused.
    pub refused: BTreeMap<String, u32>,
    /// Asynchronous invocations that wait or run now.
    pub pending: u32,
}

impl LocalCloud {
    /// Makes the rest of the day as bad as asked.
    ///
    /// # Errors
    /// If the emulator does not take it.
    pub async fn make_it(&self, day: BadDay) -> Result<(), SandboxError> {
        let plan = json!(BadDay { copies: day.copies.max(1), ..day });
        self.aws().door("/_tidegate/chaos", &plan).await?;
        let share = Fault::ThrottleShare { percent: day.throttle_percent, seed: day.seed };
        self.world().inject_fault(share);
        Ok(())
    }

    /// What happened so far.
    ///
    /// # Errors
    /// If the emulator does not say.
    pub async fn day_so_far(&self) -> Result<DayReport, SandboxError> {
        let report = self.aws().look("/_tidegate/chaos").await?;
        serde_json::from_value(report).map_err(|error| SandboxError::World(error.to_string()))
    }
}
