//! The limits of one invocation: how long one model may take, and how much a sweep does.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Engine, MAX_OUTCOMES, Outcomes, Time};

/// The longest time of one call with all its attempts. A model's time ends so long before its lease that its last call
/// ends within the lease.
const LONGEST_CALL: Duration = Duration::from_secs(30);
/// The longest time for which a sweep waits for one model. One model that AWS throttles must not use up the time of the
/// others; the next sweep processes it again.
const MODEL_IN_SWEEP: Duration = Duration::from_secs(40);

/// The limits of a function that runs on Lambda.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The number of models of which a sweep processes each, whether or not anything is due. In a larger fleet, a sweep
    /// processes the models that are due, the models that changed in AWS, and in turn at least so many others.
    pub models: usize,
    /// How many models of a sweep are processed at the same time.
    pub at_once: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { models: 50, at_once: 4 }
    }
}

/// A clock that ends earlier than the invocation.
struct Until {
    time: Arc<dyn Time>,
    end: Duration,
}

#[async_trait]
impl Time for Until {
    fn elapsed(&self) -> Duration {
        self.time.elapsed()
    }

    fn left(&self) -> Duration {
        self.time.left().min(self.end.saturating_sub(self.elapsed()))
    }

    async fn pause(&self, how_long: Duration) {
        self.time.pause(how_long).await;
    }
}

impl Engine {
    /// The engine for one model of an event: it ends before another invocation may take over what it claimed. Returns
    /// `None` if there are no limits.
    pub(crate) fn for_one_model(&self) -> Option<Self> {
        self.limits.map(|_| self.ending_after(self.longest_model()))
    }

    /// The engine for one model of a sweep. Returns `None` if there are no limits.
    #[must_use]
    pub fn for_one_of_sweep(&self) -> Option<Self> {
        self.limits.map(|_| self.ending_after(self.longest_model().min(MODEL_IN_SWEEP)))
    }

    fn longest_model(&self) -> Duration {
        let lease = Duration::try_from(self.lease).unwrap_or_default();
        lease.saturating_sub(LONGEST_CALL).max(LONGEST_CALL)
    }

    fn ending_after(&self, how_long: Duration) -> Self {
        let time = Arc::clone(&self.time);
        let end = time.elapsed().saturating_add(how_long);
        Self { time: Arc::new(Until { time, end }), ..self.clone() }
    }

    /// The outcomes of a sweep. Without limits, all are returned one by one.
    #[must_use]
    pub fn outcomes_of_sweep(&self) -> Outcomes {
        self.limits.map_or_else(Outcomes::default, |_| Outcomes::at_most(MAX_OUTCOMES))
    }

    /// Whether the time for a model is over.
    pub(crate) fn is_out_of_time(&self) -> bool {
        self.limits.is_some() && self.time.left().is_zero()
    }

    /// Whether a sweep must not begin another model: what it has begun may need the rest of the time. An invocation that is
    /// shorter than usual reserves a tenth of its time.
    #[must_use]
    pub fn is_sweep_over(&self) -> bool {
        let left = self.time.left();
        let of_short = self.time.elapsed().saturating_add(left).checked_div(10).unwrap_or_default();
        self.limits.is_some() && left < MODEL_IN_SWEEP.saturating_add(LONGEST_CALL).min(of_short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An invocation that has used some of its time.
    struct Used(Duration);

    #[async_trait]
    impl Time for Used {
        fn elapsed(&self) -> Duration {
            self.0
        }

        fn left(&self) -> Duration {
            Duration::from_secs(900).saturating_sub(self.0)
        }

        async fn pause(&self, _how_long: Duration) {}
    }

    #[test]
    fn the_time_of_a_model_ends_before_that_of_the_invocation() {
        let used = |seconds| Arc::new(Used(Duration::from_secs(seconds)));
        let until = |seconds, end| Until { time: used(seconds), end: Duration::from_secs(end) };
        assert_eq!(until(100, 160).left(), Duration::from_secs(60));
        assert_eq!(until(160, 160).left(), Duration::ZERO);
        assert_eq!(until(890, 950).left(), Duration::from_secs(10), "the invocation ends first");
    }
}
