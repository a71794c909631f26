//! Faults of single calls. Without an injected fault no call fails.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_engine::{CallError, Class};

/// A fault of one call.
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

/// Selects a fault for every call, in the order of the calls.
pub trait FaultPlan: Send + Sync {
    /// The fault of the next call, if any.
    fn next_fault(&self, service: &'static str, operation: &'static str) -> Option<CallFault>;
}

/// Applies faults to calls: the faults that a test injected, by operation, and those of a [`FaultPlan`]. Clones share
/// their faults.
#[derive(Clone, Default)]
pub struct FaultInjector(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// Whether a fault was ever added. Most injectors are never used, and then a call has no overhead.
    is_used: AtomicBool,
    faults: Mutex<Faults>,
}

#[derive(Default)]
struct Faults {
    injected: BTreeMap<String, VecDeque<CallFault>>,
    plan: Option<Arc<dyn FaultPlan>>,
}

impl std::fmt::Debug for FaultInjector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaultInjector").field("injected", &self.faults().injected).finish_non_exhaustive()
    }
}

impl FaultInjector {
    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.0.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Injects a fault into the next call of `operation`. Several faults apply to successive calls.
    pub fn inject(&self, operation: &str, fault: CallFault) {
        self.0.is_used.store(true, Ordering::Relaxed);
        self.faults().injected.entry(operation.to_owned()).or_default().push_back(fault);
    }

    /// Applies the faults of `plan` to the calls that have no injected fault.
    pub fn set_plan(&self, plan: Arc<dyn FaultPlan>) {
        self.0.is_used.store(true, Ordering::Relaxed);
        self.faults().plan = Some(plan);
    }

    /// Whether every injected fault was applied.
    #[must_use]
    pub fn are_used_up(&self) -> bool {
        self.faults().injected.values().all(VecDeque::is_empty)
    }

    /// An injected fault has priority. The plan is called in any case, because it counts the calls.
    fn next_fault(&self, service: &'static str, operation: &'static str) -> Option<CallFault> {
        let plan = self.faults().plan.clone();
        let planned = plan.and_then(|plan| plan.next_fault(service, operation));
        let injected = self.faults().injected.get_mut(operation).and_then(VecDeque::pop_front);
        injected.or(planned)
    }

    /// Makes a call and applies the faults.
    ///
    /// # Errors
    /// The error of the call, or the fault.
    pub async fn around<T: Send, E: From<CallError> + Send>(
        &self,
        service: &'static str,
        operation: &'static str,
        call: impl FnOnce() -> Result<T, E> + Send,
    ) -> Result<T, E> {
        if !self.0.is_used.load(Ordering::Relaxed) {
            return call();
        }
        let failed =
            |class, message: &str| CallError { service, operation, class, message: message.to_owned() };
        match self.next_fault(service, operation) {
            None => call(),
            Some(CallFault::Rejected(class)) => Err(failed(class, "rejected by an injected fault").into()),
            Some(CallFault::ResponseLost) => {
                call()?;
                Err(failed(Class::Retryable, "the response was lost").into())
            }
            Some(CallFault::CrashBefore) => std::future::pending().await,
            Some(CallFault::CrashAfter) => {
                call()?;
                std::future::pending().await
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
    std::future::poll_fn(|_| {
        if std::mem::replace(&mut paused, true) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}
