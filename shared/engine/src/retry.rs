//! Calls that AWS throttles are made again, as long as the invocation has time.

use std::time::Duration;

use crate::{CallError, Class, Engine, EngineError};

/// The longest pause before the first repetition; it doubles from there.
const FIRST: Duration = Duration::from_millis(200);
/// No pause is longer.
const LONGEST: Duration = Duration::from_secs(8);
/// What an invocation keeps to write down how far it is.
const RESERVE: Duration = Duration::from_secs(5);
/// How long it waits for another invocation that works on the same event, at most.
const HELD: Duration = Duration::from_secs(15);

/// An error that may be throttling.
pub trait MayThrottle {
    /// Whether the same call may work a little later.
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
    /// Makes a call, and makes it again while it is throttled and there is time.
    ///
    /// # Errors
    /// The call's own, at last.
    pub async fn retry_throttled<T, E, F>(&self, mut call: impl FnMut() -> F + Send) -> Result<T, E>
    where
        T: Send,
        E: MayThrottle + Send,
        F: Future<Output = Result<T, E>> + Send,
    {
        let mut attempt = 0;
        loop {
            match call().await {
                Err(error) if error.is_throttled() => {
                    let Some(pause) = self.pause_before(attempt) else { return Err(error) };
                    self.meter.count_retry();
                    self.time.pause(pause).await;
                    attempt = attempt.saturating_add(1);
                }
                done => return done,
            }
        }
    }

    /// Lets another invocation go on with the event for a moment; `false` if there is no time for it.
    pub(crate) async fn wait_for_lease(&self, waited: &mut Duration, attempt: u32) -> bool {
        let Some(pause) = self.pause_before(attempt).filter(|_| *waited < HELD) else { return false };
        *waited = waited.saturating_add(pause);
        self.time.pause(pause).await;
        true
    }

    /// How long to wait before the next attempt, with jitter, so that those who were throttled together do not come
    /// back together; `None` if there is no time.
    /// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>
    fn pause_before(&self, attempt: u32) -> Option<Duration> {
        let most = FIRST.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX)).min(LONGEST);
        let pause = most.mul_f64(0.5 + fastrand::f64() / 2.0);
        (self.time.left() > pause.saturating_add(RESERVE)).then_some(pause)
    }
}
