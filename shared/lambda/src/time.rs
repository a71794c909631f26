//! The clock of one invocation.

use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use tidegate_engine::Time;

/// The time from the start of an invocation to its deadline.
pub(crate) struct InvocationTime {
    started: Instant,
    allowed: Duration,
}

impl InvocationTime {
    /// Creates the clock of an invocation. `deadline` is the deadline from Lambda, in milliseconds since the epoch.
    pub(crate) fn until(deadline: u64) -> Self {
        let end = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(deadline));
        let allowed = end.and_then(|end| end.duration_since(SystemTime::now()).ok()).unwrap_or_default();
        Self { started: Instant::now(), allowed }
    }
}

#[async_trait]
impl Time for InvocationTime {
    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn left(&self) -> Duration {
        self.allowed.saturating_sub(self.elapsed())
    }

    async fn pause(&self, how_long: Duration) {
        tokio::time::sleep(how_long).await;
    }
}
