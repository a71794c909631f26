//! Sweeps over a fleet, measured.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tidegate_engine::{Engine, EngineError, FunctionSpec, Handler, Limits, Outcome};
use tidegate_policy::file::PolicyError;
use tidegate_testkit::Runtime;

use crate::clock::{InvocationClock, VirtualClock};
use crate::fleet::{Counts, Fleet, noon, payload};
use crate::memory;

/// Lambda ends an invocation after this time.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html>
pub const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The cost of one invocation.
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
    pub decided: u64,
    /// The read request units of the ledger.
    pub reads: u64,
    /// The write request units of the ledger.
    pub writes: u64,
    /// The metrics that were read.
    pub metrics: u64,
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
    /// The invocation waits for something that never happens.
    Stuck,
}

/// One function with its fleet.
pub struct Bench {
    /// The clock.
    pub clock: VirtualClock,
    /// The fleet.
    pub fleet: Fleet,
    function: &'static FunctionSpec,
    handler: Box<dyn Handler>,
    engine: Engine,
}

impl Bench {
    /// A quiet fleet of a function.
    ///
    /// # Errors
    /// It could not be made.
    pub fn new(function: &'static FunctionSpec, models: usize) -> Result<Self, Failure> {
        let clock = VirtualClock::default();
        let now = noon().map_err(Failure::Time)?;
        let fleet = Fleet::new(function, models, now, &clock).map_err(Failure::Policy)?;
        let ports = fleet.ports();
        let runtime = Runtime::new(fleet.site.clone(), Arc::clone(fleet.ledger.local()), &ports);
        let engine = Engine {
            ledger: Arc::<crate::RemoteLedger>::clone(&fleet.ledger),
            limits: Some(Limits::default()),
            ..runtime.engine(function.name, "sweep")
        };
        let handler = (function.build)(&ports);
        Ok(Self { clock, fleet, function, handler, engine })
    }

    /// One sweep at a time, which may last for `allowed`.
    ///
    /// # Errors
    /// It could not be measured.
    pub fn sweep(&self, now: Timestamp, allowed: Duration) -> Result<Measured, Failure> {
        let (payload, request_id) = (payload(self.function.name, now), format!("sweep {now}"));
        drop(self.fleet.network.take_counts());
        let _ = (self.fleet.ledger.take_units(), self.fleet.aws.take_queried_metrics());
        memory::forget_peak();
        let (before, began) = (memory::present(), self.clock.now());
        let invocation = self.invoke(&payload, &request_id, now, allowed);
        let outcome = self.clock.run(invocation).ok_or(Failure::Stuck)??;
        let memory = memory::peak().saturating_sub(before);
        let (decided, error) = match outcome {
            Ok(outcomes) => (decided(&outcomes), None),
            Err(error) => (0, Some(error)),
        };
        let time = self.clock.now().saturating_sub(began);
        let counts = self.fleet.network.take_counts();
        let (reads, writes) = self.fleet.ledger.take_units();
        let metrics = self.fleet.aws.take_queried_metrics();
        Ok(Measured { changed: 0, counts, time, memory, decided, reads, writes, metrics, error })
    }

    /// One invocation of the function.
    ///
    /// # Errors
    /// The payload is invalid.
    pub async fn invoke(
        &self,
        payload: &Value,
        request_id: &str,
        now: Timestamp,
        allowed: Duration,
    ) -> Result<Result<Vec<Outcome>, EngineError>, Failure> {
        let event = tidegate_events::read(payload).map_err(Failure::Payload)?;
        self.fleet.aws.set_now(now);
        let time = Arc::new(InvocationClock::new(&self.clock, allowed));
        let engine = Engine { time, request_id: request_id.to_owned(), ..self.engine.clone() };
        Ok(self.handler.handle(&engine, &event, now).await)
    }
}

/// The number of decisions among the outcomes of a sweep.
#[must_use]
pub fn decided(outcomes: &[Outcome]) -> u64 {
    let decided = outcomes.iter().map(|outcome| match outcome {
        Outcome::Decided { .. } => 1,
        Outcome::Others { decided, .. } => *decided,
        _ => 0,
    });
    decided.sum()
}

/// Runs one sweep of a function over a fleet, quiet or with one of a hundred models changed.
///
/// # Errors
/// The sweep could not be measured.
pub fn measure(function: &'static FunctionSpec, models: usize, changed: bool) -> Result<Measured, Failure> {
    let bench = Bench::new(function, models)?;
    let changed = if changed { bench.fleet.change(function.name) } else { 0 };
    Ok(Measured { changed, ..bench.sweep(bench.fleet.now, LONGEST)? })
}
