//! A clock that moves only when everything waits, and an executor that moves it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use tidegate_engine::Time;

/// Virtual time. All clones share it.
#[derive(Debug, Clone, Default)]
pub struct VirtualClock {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    now: Duration,
    /// The number of timers so far. Timers that end at the same time end in the order in which they began.
    timers: u64,
    waiting: BinaryHeap<Reverse<Timer>>,
}

/// A future that waits for a time.
#[derive(Debug)]
struct Timer {
    at: Duration,
    number: u64,
    waker: Waker,
}

impl Timer {
    fn order(&self) -> (Duration, u64) {
        (self.at, self.number)
    }
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Timer {}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timer {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

/// A wait on the virtual clock.
#[derive(Debug)]
struct Sleep {
    clock: VirtualClock,
    until: Duration,
    /// A future may be polled again before its time. The timer wakes it once.
    has_timer: bool,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock.clone();
        let mut inner = clock.inner();
        if inner.now >= self.until {
            return Poll::Ready(());
        }
        if std::mem::replace(&mut self.has_timer, true) {
            return Poll::Pending;
        }
        let number = inner.timers;
        inner.timers = number.saturating_add(1);
        let timer = Timer { at: self.until, number, waker: cx.waker().clone() };
        inner.waiting.push(Reverse(timer));
        Poll::Pending
    }
}

impl VirtualClock {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time since the clock was created.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.inner().now
    }

    /// Waits until a time.
    pub fn sleep_until(&self, until: Duration) -> impl Future<Output = ()> + Send + use<> {
        Sleep { clock: self.clone(), until, has_timer: false }
    }

    /// Runs a future to its end. When it waits, the clock moves to the end of the next wait. Returns `None` if it waits
    /// for something that no wait of this clock ends.
    pub fn run<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return Some(output);
            }
            let Reverse(next) = self.inner().waiting.pop()?;
            let mut inner = self.inner();
            inner.now = inner.now.max(next.at);
            drop(inner);
            next.waker.wake();
        }
    }
}

/// The time of one invocation on a virtual clock.
#[derive(Debug, Clone)]
pub struct InvocationClock {
    clock: VirtualClock,
    began: Duration,
    allowed: Duration,
}

impl InvocationClock {
    /// An invocation that begins now and may last for a time.
    #[must_use]
    pub fn new(clock: &VirtualClock, allowed: Duration) -> Self {
        Self { clock: clock.clone(), began: clock.now(), allowed }
    }
}

#[async_trait]
impl Time for InvocationClock {
    fn elapsed(&self) -> Duration {
        self.clock.now().saturating_sub(self.began)
    }

    fn left(&self) -> Duration {
        self.allowed.saturating_sub(self.elapsed())
    }

    async fn pause(&self, how_long: Duration) {
        let until = self.clock.now().saturating_add(how_long);
        self.clock.sleep_until(until).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_at_the_same_time_take_the_time_of_the_longest() {
        let clock = VirtualClock::default();
        let wait = |seconds| {
            let time = InvocationClock::new(&clock, Duration::from_secs(60));
            async move {
                time.pause(Duration::from_secs(seconds)).await;
                time.pause(Duration::from_secs(seconds)).await;
                time.left()
            }
        };
        let both = clock.run(futures::future::join(wait(3), wait(10)));
        assert_eq!(both, Some((Duration::from_secs(54), Duration::from_secs(40))));
        assert_eq!(clock.now(), Duration::from_secs(20));
        assert_eq!(clock.run(std::future::pending::<()>()), None);
    }
}
