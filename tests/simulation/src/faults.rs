//! The faults of calls, the order of calls, and the time of an invocation.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tidegate_engine::{Class, Time};
use tidegate_scenarios::Cloud;
use tidegate_testkit::{CallFault, FaultPlan, InMemoryLedger};

use crate::history::{CallSelector, InvocationFault};
use crate::site::SiteId;

/// The number of an invocation.
pub(crate) type InvocationId = usize;

/// A call, written down right before it is made.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The invocation.
    pub(crate) by: InvocationId,
    pub(crate) operation: &'static str,
    /// The length of the world's call log.
    pub(crate) world_calls: usize,
    /// How many notes the ledger of the site had.
    pub(crate) notes: usize,
    /// The fault that strikes it.
    pub(crate) fault: Option<InvocationFault>,
}

/// Why an invocation is not ready.
pub(crate) enum Suspension {
    /// It resumes later.
    Pause { how_long: SignedDuration, why: String },
    /// It crashed.
    Crash(String),
}

/// A fault planned for the next invocation of a function.
struct Plan {
    site: SiteId,
    function: &'static str,
    call: CallSelector,
    fault: InvocationFault,
}

struct Storm {
    until: Timestamp,
    passes: u64,
    count: u64,
}

/// The invocation that is being polled.
struct InvocationContext {
    number: InvocationId,
    site: SiteId,
    calls: u32,
    plans: Vec<(CallSelector, InvocationFault)>,
    /// The call before which it pauses.
    waits: Option<&'static str>,
    began: Timestamp,
    deadline: Timestamp,
}

#[derive(Default)]
struct Inner {
    plans: Vec<Plan>,
    storms: [Option<Storm>; 4],
    current: Option<InvocationContext>,
    calls: Vec<Call>,
    /// Why the invocation is not ready, if it is not.
    suspension: Option<Suspension>,
    happened: Vec<(InvocationFault, &'static str)>,
}

/// The faults and the calls of a history.
pub(crate) struct SimulatedFaults {
    inner: Mutex<Inner>,
    cloud: Cloud,
    ledgers: Vec<Arc<InMemoryLedger>>,
}

/// The state of an invocation between two polls.
pub(crate) struct PausedContext(InvocationContext);

impl SimulatedFaults {
    pub(crate) fn new(cloud: Cloud, ledgers: Vec<Arc<InMemoryLedger>>) -> Self {
        Self { inner: Mutex::default(), cloud, ledgers }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time of whatever invocation is being polled.
    pub(crate) fn time(self: &Arc<Self>) -> Arc<dyn Time> {
        Arc::new(VirtualTime(Arc::clone(self)))
    }

    /// Plans a fault for a call of the next invocation of a function.
    pub(crate) fn plan(
        &self,
        site: SiteId,
        function: &'static str,
        call: CallSelector,
        fault: InvocationFault,
    ) {
        self.inner().plans.push(Plan { site, function, call, fault });
    }

    /// Throttles an account until then, except one call in `passes`.
    pub(crate) fn storm(&self, site: SiteId, until: Timestamp, passes: u8) {
        let storm = Storm { until, passes: u64::from(passes.max(2)), count: 0 };
        if let Some(over) = self.inner().storms.get_mut(site.index()) {
            *over = Some(storm);
        }
    }

    /// Removes all planned faults.
    pub(crate) fn clear(&self) {
        let mut inner = self.inner();
        inner.plans.clear();
        inner.storms = Default::default();
    }

    /// An invocation begins.
    pub(crate) fn begin(
        &self,
        number: InvocationId,
        site: SiteId,
        function: &'static str,
        (began, deadline): (Timestamp, Timestamp),
    ) {
        let mut inner = self.inner();
        let (mine, others): (Vec<Plan>, Vec<Plan>) = std::mem::take(&mut inner.plans)
            .into_iter()
            .partition(|plan| plan.site == site && plan.function == function);
        inner.plans = others;
        let plans = mine.into_iter().map(|plan| (plan.call, plan.fault)).collect();
        inner.current =
            Some(InvocationContext { number, site, calls: 0, plans, waits: None, began, deadline });
        inner.suspension = None;
    }

    /// Resumes a paused invocation: the call before which it paused is made now.
    pub(crate) fn resume(&self, paused: PausedContext) {
        let PausedContext(mut current) = paused;
        if let Some(operation) = current.waits.take() {
            let call = self.call(&current, operation);
            self.inner().calls.push(call);
        }
        let mut inner = self.inner();
        inner.current = Some(current);
        inner.suspension = None;
    }

    fn call(&self, current: &InvocationContext, operation: &'static str) -> Call {
        let world_calls = self.cloud.with_world(|world, _| world.calls().len());
        let notes = self.ledgers.get(current.site.index()).map_or(0, |ledger| ledger.count_notes());
        Call { by: current.number, operation, world_calls, notes, fault: None }
    }

    /// Ends the polling of an invocation; returns why it is not ready, if it is not.
    pub(crate) fn leave(&self) -> (Option<PausedContext>, Option<Suspension>) {
        let mut inner = self.inner();
        (inner.current.take().map(PausedContext), inner.suspension.take())
    }

    /// The calls since `from`.
    pub(crate) fn calls(&self, from: usize) -> Vec<Call> {
        self.inner().calls.get(from..).unwrap_or_default().to_vec()
    }

    /// Takes the faults that struck since the last time, with their operations.
    pub(crate) fn happened(&self) -> Vec<(InvocationFault, &'static str)> {
        std::mem::take(&mut self.inner().happened)
    }
}

fn call_fault(fault: InvocationFault) -> CallFault {
    match fault {
        InvocationFault::Error => CallFault::Rejected(Class::Retryable),
        InvocationFault::Throttled => CallFault::Rejected(Class::Throttled),
        InvocationFault::Denied => CallFault::Rejected(Class::Denied),
        InvocationFault::ResponseLost => CallFault::ResponseLost,
        InvocationFault::CrashBefore => CallFault::CrashBefore,
        InvocationFault::CrashAfter => CallFault::CrashAfter,
        InvocationFault::Pause(_) => CallFault::Pause,
    }
}

impl FaultPlan for SimulatedFaults {
    fn next_fault(&self, service: &'static str, operation: &'static str) -> Option<CallFault> {
        let now = self.cloud.now();
        let mut inner = self.inner();
        let Inner { current, storms, calls, suspension, happened, .. } = &mut *inner;
        let current = current.as_mut()?;
        calls.push(self.call(current, operation));
        let at = current.calls;
        current.calls += 1;
        let planned = current.plans.iter().position(|(call, _)| call.is(at, operation));
        let planned = planned.map(|at| current.plans.remove(at).1);
        let storm = storms.get_mut(current.site.index()).and_then(Option::as_mut);
        let fault = planned.or_else(|| {
            // DynamoDB tables on demand are another matter than SageMaker's few calls a second.
            let storm = storm.filter(|storm| storm.until > now && service != "ledger")?;
            storm.count += 1;
            (storm.count % storm.passes != 0).then_some(InvocationFault::Throttled)
        })?;
        if let Some(call) = calls.last_mut() {
            call.fault = Some(fault);
        }
        match fault {
            InvocationFault::Pause(seconds) => {
                current.waits = Some(operation);
                let how_long = SignedDuration::from_secs(i64::from(seconds));
                *suspension = Some(Suspension::Pause { how_long, why: format!("paused before {operation}") });
            }
            InvocationFault::CrashBefore => {
                *suspension = Some(Suspension::Crash(format!("crashed before {operation}")))
            }
            InvocationFault::CrashAfter => {
                *suspension = Some(Suspension::Crash(format!("crashed after {operation}")))
            }
            _ => {}
        }
        happened.push((fault, operation));
        Some(call_fault(fault))
    }
}

/// A plan without faults.
pub(crate) struct NoFaults;

impl FaultPlan for NoFaults {
    fn next_fault(&self, _: &'static str, _: &'static str) -> Option<CallFault> {
        None
    }
}

/// Virtual time, for the engine.
struct VirtualTime(Arc<SimulatedFaults>);

fn span(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[async_trait]
impl Time for VirtualTime {
    fn elapsed(&self) -> Duration {
        let now = self.0.cloud.now();
        self.0.inner().current.as_ref().map_or(Duration::ZERO, |current| span(current.began, now))
    }

    fn left(&self) -> Duration {
        let now = self.0.cloud.now();
        self.0.inner().current.as_ref().map_or(Duration::ZERO, |current| span(now, current.deadline))
    }

    async fn pause(&self, how_long: Duration) {
        let how_long = SignedDuration::try_from(how_long).unwrap_or_default();
        let why = "it waits for a retry".to_owned();
        self.0.inner().suspension = Some(Suspension::Pause { how_long, why });
        let mut paused = false;
        std::future::poll_fn(|_| {
            if std::mem::replace(&mut paused, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
