//! The way of a call to AWS: each request takes time, is counted, and is throttled above the rate that AWS admits.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tidegate_engine::{CallError, Class};
use tidegate_testkit::Network;

use crate::clock::VirtualClock;
use crate::rates::rate_of;

/// The time that one request takes.
pub const LATENCY: Duration = Duration::from_millis(25);

/// Counts of one operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// The requests, including those that were throttled.
    pub requests: u64,
    /// The requests that were throttled.
    pub throttled: u64,
}

/// A network with a latency and the rates of AWS.
#[derive(Debug, Default)]
pub struct MeteredNetwork {
    clock: VirtualClock,
    inner: Mutex<BTreeMap<(&'static str, &'static str), Operation>>,
}

/// One operation: its counts, and the tokens that are left in its bucket.
#[derive(Debug)]
struct Operation {
    count: Count,
    tokens: f64,
    filled_at: Duration,
}

impl MeteredNetwork {
    /// A network on a clock.
    #[must_use]
    pub fn new(clock: &VirtualClock) -> Self {
        Self { clock: clock.clone(), inner: Mutex::default() }
    }

    /// The counts by service and operation since the last call of this function.
    #[must_use]
    pub fn take_counts(&self) -> BTreeMap<String, Count> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = inner.iter().map(|((service, operation), one)| {
            let name = format!("{service}:{operation}");
            (name, one.count)
        });
        let counts = counts.collect();
        inner.clear();
        counts
    }

    /// Counts a request and takes a token. Returns whether there was one.
    fn admit(&self, service: &'static str, operation: &'static str) -> bool {
        let rate = rate_of(service, operation);
        let now = self.clock.now();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let full = Operation { count: Count::default(), tokens: rate, filled_at: now };
        let one = inner.entry((service, operation)).or_insert(full);
        let since = now.saturating_sub(one.filled_at);
        one.tokens = (one.tokens + rate * since.as_secs_f64()).min(rate);
        one.filled_at = now;
        one.count.requests = one.count.requests.saturating_add(1);
        let admitted = one.tokens >= 1.0;
        if admitted {
            one.tokens -= 1.0;
        } else {
            one.count.throttled = one.count.throttled.saturating_add(1);
        }
        admitted
    }
}

#[async_trait]
impl Network for MeteredNetwork {
    async fn pass(&self, service: &'static str, operation: &'static str) -> Result<(), CallError> {
        let admitted = self.admit(service, operation);
        self.clock.sleep_until(self.clock.now().saturating_add(LATENCY)).await;
        if admitted {
            return Ok(());
        }
        let message = "ThrottlingException: Rate exceeded".to_owned();
        Err(CallError { service, operation, class: Class::Throttled, message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_above_the_rate_are_throttled_and_counted() {
        let clock = VirtualClock::default();
        let network = MeteredNetwork::new(&clock);
        let calls = (0..20).map(|_| network.pass("cloudwatch", "DescribeAlarms"));
        let answers = clock.run(futures::future::join_all(calls)).unwrap();
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 9, "nine a second");
        assert_eq!(clock.now(), LATENCY, "at the same time");
        let counted = network.take_counts();
        assert_eq!(counted.get("cloudwatch:DescribeAlarms"), Some(&Count { requests: 20, throttled: 11 }));
        clock.run(clock.sleep_until(Duration::from_secs(1)));
        assert!(clock.run(network.pass("cloudwatch", "DescribeAlarms")).unwrap().is_ok());
    }
}
