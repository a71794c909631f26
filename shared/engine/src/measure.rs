//! What an invocation costs, and where it is said.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::DecisionRecord;

/// Counts calls to AWS. The adapters count calls and the SDK's own repetitions, the engine its own; clones count
/// together.
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
    /// One more request to AWS.
    pub fn count_call(&self) {
        self.counts.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// One more repetition of a request.
    pub fn count_retry(&self) {
        self.counts.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// The requests so far, repetitions included.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.counts.calls.load(Ordering::Relaxed)
    }

    /// The repetitions so far.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.counts.retries.load(Ordering::Relaxed)
    }

    pub(crate) fn read(&self, elapsed: Duration) -> Measured {
        Measured { latency: elapsed, aws_calls: self.calls(), retries: self.retries() }
    }
}

/// What one decision cost, from the claim to the publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// How long it took.
    pub latency: Duration,
    /// Requests to AWS, repetitions included.
    pub aws_calls: u64,
    /// Repetitions among them, and calls that the engine made again.
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

/// The time of one invocation.
#[async_trait]
pub trait Time: Send + Sync {
    /// How long it has been running.
    fn elapsed(&self) -> Duration;
    /// How long it may still run.
    fn left(&self) -> Duration;
    /// Waits.
    async fn pause(&self, how_long: Duration);
}

/// Where time stands still: nothing is waited for, nothing is made again.
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

/// Where each decision is said once, with what it cost.
pub trait DecisionLog: Send + Sync {
    /// A decision whose plan was carried out.
    fn log(&self, record: &DecisionRecord, measured: &Measured);
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDecisionLog;

impl DecisionLog for NoDecisionLog {
    fn log(&self, _record: &DecisionRecord, _measured: &Measured) {}
}
