//! Retries of calls that were throttled or made too early, with exponential backoff and jitter, while the invocation has
//! time.

use std::time::Duration;

use crate::{CallError, Class, Engine, EngineError};

/// The longest pause before the first retry. It doubles with each retry.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause before any retry.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// The time that an invocation reserves to record its progress.
const RESERVE: Duration = Duration::from_secs(5);
/// The longest time for which an invocation waits for another one that holds the lease on the same event.
const LONGEST_LEASE_WAIT: Duration = Duration::from_secs(15);

/// An error that may be caused by throttling.
pub trait MayThrottle {
    /// Returns whether AWS throttled the call, so that a later retry may succeed.
    fn is_throttled(&self) -> bool;
}

impl MayThrottle for CallError {
    fn is_throttled(&self) -> bool {
        self.class == Class::Throttled
    }
}

impl MayThrottle for EngineError {
    fn is_throttled(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_throttled())
    }
}

impl Engine {
    /// Makes a call, and retries it while AWS throttles it and the invocation has time.
    ///
    /// # Errors
    /// Returns the error of the last attempt.
    pub async fn retry_throttled<T, E, F>(&self, call: impl FnMut() -> F + Send) -> Result<T, E>
    where
        T: Send,
        E: MayThrottle + Send,
        F: Future<Output = Result<T, E>> + Send,
    {
        self.retry_while(E::is_throttled, call).await
    }

    /// Executes a step, and retries it while AWS throttles it or does not find what it refers to.
    ///
    /// # Errors
    /// Returns the error of the last attempt.
    pub(crate) async fn retry_step<F>(&self, step: impl FnMut() -> F + Send) -> Result<String, CallError>
    where
        F: Future<Output = Result<String, CallError>> + Send,
    {
        let may_succeed = |error: &CallError| error.is_throttled() || error.class == Class::TooEarly;
        self.retry_while(may_succeed, step).await
    }

    async fn retry_while<T, E, F>(
        &self,
        may_succeed: impl Fn(&E) -> bool + Send,
        mut call: impl FnMut() -> F + Send,
    ) -> Result<T, E>
    where
        T: Send,
        E: Send,
        F: Future<Output = Result<T, E>> + Send,
    {
        let mut attempt = 0;
        loop {
            match call().await {
                Err(error) if may_succeed(&error) => {
                    let Some(pause) = self.pause_before(attempt) else { return Err(error) };
                    self.meter.count_retry();
                    self.time.pause(pause).await;
                    attempt = attempt.saturating_add(1);
                }
                done => return done,
            }
        }
    }

    /// Waits, so that another invocation can finish the event. Returns `false` if there is no time left to wait.
    pub(crate) async fn wait_for_lease(&self, waited: &mut Duration, attempt: u32) -> bool {
        let Some(pause) = self.pause_before(attempt).filter(|_| *waited < LONGEST_LEASE_WAIT) else {
            return false;
        };
        *waited = waited.saturating_add(pause);
        self.time.pause(pause).await;
        true
    }

    /// The pause before the next attempt, or `None` if the invocation has not enough time left. Jitter spreads the
    /// retries of calls that were throttled together.
    /// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>
    fn pause_before(&self, attempt: u32) -> Option<Duration> {
        let most =
            FIRST_PAUSE.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX)).min(LONGEST_PAUSE);
        let pause = most.mul_f64(0.5 + fastrand::f64() / 2.0);
        (self.time.left() > pause.saturating_add(RESERVE)).then_some(pause)
    }
}
