//! One sweep, measured.

use std::sync::Arc;
use std::time::Duration;

use tidegate_engine::{Engine, EngineError, FunctionSpec, Outcome};
use tidegate_policy::file::PolicyError;
use tidegate_testkit::Runtime;

use crate::clock::{InvocationClock, VirtualClock};
use crate::fleet::{Counts, Fleet, noon, payload};
use crate::memory;

/// Lambda ends an invocation after this time.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html>
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The cost of one sweep.
#[derive(Debug)]
pub struct Measured {
    /// The number of models that were changed before.
    pub changed: usize,
    /// The requests by service and operation.
    pub counts: Counts,
    /// The virtual time.
    pub time: Duration,
    /// How much memory the sweep used beyond what the process had before, in KiB.
    pub memory: u64,
    /// The number of models for which something was decided.
    pub decided: usize,
    /// The error of the invocation.
    pub error: Option<EngineError>,
}

impl Measured {
    /// The number of requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.counts.values().map(|count| count.requests).sum()
    }

    /// The number of requests that were throttled.
    #[must_use]
    pub fn throttled(&self) -> u64 {
        self.counts.values().map(|count| count.throttled).sum()
    }
}

/// Why a sweep could not be measured. Each is a defect of this crate.
#[derive(Debug)]
pub enum Failure {
    /// A policy is invalid.
    Policy(PolicyError),
    /// A time is invalid.
    Time(jiff::Error),
    /// A payload is invalid.
    Payload(tidegate_events::EventError),
    /// The sweep waits for something that never happens.
    Stuck,
}

/// Runs one sweep of a function over a fleet, quiet or with one of a hundred models changed.
///
/// # Errors
/// The sweep could not be measured.
pub fn measure(function: &'static FunctionSpec, models: usize, changed: bool) -> Result<Measured, Failure> {
    let clock = VirtualClock::default();
    let now = noon().map_err(Failure::Time)?;
    let fleet = Fleet::new(function, models, now, &clock).map_err(Failure::Policy)?;
    let changed = if changed { fleet.change(function.name) } else { 0 };
    let event = tidegate_events::read(&payload(function.name, now)).map_err(Failure::Payload)?;
    let ports = fleet.ports();
    let runtime = Runtime::new(fleet.site.clone(), Arc::clone(fleet.ledger.local()), &ports);
    let began = clock.now();
    let engine = Engine {
        ledger: Arc::<crate::RemoteLedger>::clone(&fleet.ledger),
        time: Arc::new(InvocationClock::new(&clock, LONGEST)),
        ..runtime.engine(function.name, "sweep")
    };
    let handler = (function.build)(&ports);
    drop(fleet.network.take_counts());
    memory::forget_peak();
    let before = memory::present();
    let outcome = clock.run(handler.handle(&engine, &event, now)).ok_or(Failure::Stuck)?;
    let memory = memory::peak().saturating_sub(before);
    let (decided, error) = match outcome {
        Ok(outcomes) => {
            let decided = |outcome: &&Outcome| matches!(outcome, Outcome::Decided { .. });
            (outcomes.iter().filter(decided).count(), None)
        }
        Err(error) => (0, Some(error)),
    };
    let time = clock.now().saturating_sub(began);
    Ok(Measured { changed, counts: fleet.network.take_counts(), time, memory, decided, error })
}
