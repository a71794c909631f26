//! What goes wrong with a call: only what a test asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_engine::{CallError, Class};

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// It is refused, and nothing happens.
    Refused(Class),
    /// It is done, and the answer is lost on the way.
    AnswerLost,
    /// The invocation dies before the call.
    DiesBefore,
    /// The invocation dies after the call.
    DiesAfter,
    /// The invocation is slow: whoever polls others in between lets them go first.
    Pauses,
}

/// Says of every call, in the order in which they are made, what goes wrong with it.
pub trait Fortune: Send + Sync {
    /// What goes wrong with the call that is about to be made.
    fn of(&self, service: &'static str, operation: &'static str) -> Option<Mishap>;
}

/// The mishaps that wait for their calls, by the name of the operation, and whoever has a say in every call.
#[derive(Clone, Default)]
pub struct Mishaps {
    waiting: Arc<Mutex<BTreeMap<String, Vec<Mishap>>>>,
    fortune: Arc<Mutex<Option<Arc<dyn Fortune>>>>,
}

impl std::fmt::Debug for Mishaps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mishaps").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

impl Mishaps {
    /// Lets something go wrong with the next call of `operation`. Several wait in line.
    pub fn add(&self, operation: &str, mishap: Mishap) {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(operation.to_owned())
            .or_default()
            .push(mishap);
    }

    /// Asks `fortune` about every call with which nothing goes wrong already.
    pub fn follow(&self, fortune: Arc<dyn Fortune>) {
        *self.fortune.lock().unwrap_or_else(PoisonError::into_inner) = Some(fortune);
    }

    /// Whether every mishap has happened.
    #[must_use]
    pub fn are_over(&self) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).values().all(Vec::is_empty)
    }

    fn take(&self, operation: &str) -> Option<Mishap> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let line = waiting.get_mut(operation).filter(|line| !line.is_empty())?;
        Some(line.remove(0))
    }

    /// Both have a say: whoever follows every call must hear of this one as well.
    fn of(&self, service: &'static str, operation: &'static str) -> Option<Mishap> {
        let fortune = self.fortune.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let told = fortune.and_then(|fortune| fortune.of(service, operation));
        self.take(operation).or(told)
    }

    /// Makes a call, subject to what is to go wrong with it.
    ///
    /// # Errors
    /// The call's own, or the mishap's.
    pub async fn around<T: Send, E: From<CallError> + Send>(
        &self,
        service: &'static str,
        operation: &'static str,
        call: impl FnOnce() -> Result<T, E> + Send,
    ) -> Result<T, E> {
        let failed =
            |class, message: &str| CallError { service, operation, class, message: message.to_owned() };
        match self.of(service, operation) {
            None => call(),
            Some(Mishap::Refused(class)) => Err(failed(class, "refused, as the test asked").into()),
            Some(Mishap::AnswerLost) => {
                call()?;
                Err(failed(Class::Retryable, "the answer was lost").into())
            }
            Some(Mishap::DiesBefore) => futures::future::pending().await,
            Some(Mishap::DiesAfter) => {
                call()?;
                futures::future::pending().await
            }
            Some(Mishap::Pauses) => {
                pause().await;
                call()
            }
        }
    }
}

/// Pending once.
async fn pause() {
    let mut paused = false;
    futures::future::poll_fn(|_| {
        if std::mem::replace(&mut paused, true) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}
