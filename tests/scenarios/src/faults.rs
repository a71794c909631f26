//! Faults of single calls. Without an injected fault no call fails.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_engine::{CallError, Class};

/// A fault that strikes one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallFault {
    /// The call fails with an error of this class and has no effect.
    Rejected(Class),
    /// The call takes effect, and its response is lost.
    ResponseLost,
    /// The invocation crashes before the call.
    CrashBefore,
    /// The invocation crashes after the call.
    CrashAfter,
    /// The invocation pauses before the call: others can run in between.
    Pause,
}

/// Selects the fault of every call, in the order of the calls.
pub trait FaultPlan: Send + Sync {
    /// The fault that strikes the next call, if any.
    fn next_fault(&self, service: &'static str, operation: &'static str) -> Option<CallFault>;
}

/// Applies faults to calls: those that a test injected, by operation, and those of a [`FaultPlan`].
#[derive(Clone, Default)]
pub struct FaultInjector {
    injected: Arc<Mutex<BTreeMap<String, Vec<CallFault>>>>,
    plan: Arc<Mutex<Option<Arc<dyn FaultPlan>>>>,
}

impl std::fmt::Debug for FaultInjector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaultInjector").field("injected", &self.injected).finish_non_exhaustive()
    }
}

impl FaultInjector {
    /// Injects a fault into the next call of `operation`. Several faults strike successive calls.
    pub fn inject(&self, operation: &str, fault: CallFault) {
        self.injected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(operation.to_owned())
            .or_default()
            .push(fault);
    }

    /// Applies the faults of `plan` to the calls that have no injected fault.
    pub fn set_plan(&self, plan: Arc<dyn FaultPlan>) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Some(plan);
    }

    /// Whether every injected fault has struck.
    #[must_use]
    pub fn are_used_up(&self) -> bool {
        self.injected.lock().unwrap_or_else(PoisonError::into_inner).values().all(Vec::is_empty)
    }

    fn take(&self, operation: &str) -> Option<CallFault> {
        let mut injected = self.injected.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = injected.get_mut(operation).filter(|queue| !queue.is_empty())?;
        Some(queue.remove(0))
    }

    /// An injected fault wins. The plan is asked in any case, because it counts the calls.
    fn next_fault(&self, service: &'static str, operation: &'static str) -> Option<CallFault> {
        let plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let planned = plan.and_then(|plan| plan.next_fault(service, operation));
        self.take(operation).or(planned)
    }

    /// Makes a call, subject to faults.
    ///
    /// # Errors
    /// The error of the call, or the fault.
    pub async fn around<T: Send, E: From<CallError> + Send>(
        &self,
        service: &'static str,
        operation: &'static str,
        call: impl FnOnce() -> Result<T, E> + Send,
    ) -> Result<T, E> {
        let failed =
            |class, message: &str| CallError { service, operation, class, message: message.to_owned() };
        match self.next_fault(service, operation) {
            None => call(),
            Some(CallFault::Rejected(class)) => Err(failed(class, "rejected by an injected fault").into()),
            Some(CallFault::ResponseLost) => {
                call()?;
                Err(failed(Class::Retryable, "the response was lost").into())
            }
            Some(CallFault::CrashBefore) => futures::future::pending().await,
            Some(CallFault::CrashAfter) => {
                call()?;
                futures::future::pending().await
            }
            Some(CallFault::Pause) => {
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
