//! The cost of an invocation: AWS calls, retries and time. Also the log of decisions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::DecisionRecord;

/// Counts AWS calls. The adapters count the calls and the retries of the SDK, and the engine counts its own retries.
/// All clones share the counters.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    calls: AtomicU64,
    retries: AtomicU64,
}

impl Meter {
    /// Counts one request to AWS.
    pub fn count_call(&self) {
        self.counts.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one retry of a request.
    pub fn count_retry(&self) {
        self.counts.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of requests so far, retries included.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.counts.calls.load(Ordering::Relaxed)
    }

    /// The number of retries so far.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.counts.retries.load(Ordering::Relaxed)
    }

    pub(crate) fn read(&self, elapsed: Duration) -> Measured {
        Measured { latency: elapsed, aws_calls: self.calls(), retries: self.retries() }
    }
}

/// The cost of one decision, from the claim to the publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// The elapsed time.
    pub latency: Duration,
    /// The number of requests to AWS, retries included.
    pub aws_calls: u64,
    /// The number of retries, by the SDK and by the engine.
    pub retries: u64,
}

impl Measured {
    pub(crate) fn since(self, start: Self) -> Self {
        Self {
            latency: self.latency.saturating_sub(start.latency),
            aws_calls: self.aws_calls.saturating_sub(start.aws_calls),
            retries: self.retries.saturating_sub(start.retries),
        }
    }
}

/// The time of one invocation: how long it has been running, and how long it may still run.
#[async_trait]
pub trait Time: Send + Sync {
    /// The time since the invocation began.
    fn elapsed(&self) -> Duration;
    /// The time until Lambda ends the invocation.
    fn left(&self) -> Duration;
    /// Waits for a duration.
    async fn pause(&self, how_long: Duration);
}

/// A clock on which no time passes and none is left: the engine never waits and never retries.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTime;

#[async_trait]
impl Time for NoTime {
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn left(&self) -> Duration {
        Duration::ZERO
    }

    async fn pause(&self, _how_long: Duration) {}
}

/// The log of decisions. Each decision is logged once, with its cost.
pub trait DecisionLog: Send + Sync {
    /// Logs a decision after its plan was executed.
    fn log(&self, record: &DecisionRecord, measured: &Measured);
}

/// A log that discards every decision.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDecisionLog;

impl DecisionLog for NoDecisionLog {
    fn log(&self, _record: &DecisionRecord, _measured: &Measured) {}
}
