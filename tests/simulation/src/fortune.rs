//! What goes wrong with calls, which calls were made in which order, and the time of an invocation.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tidegate_engine::{Class, Time};
use tidegate_scenarios::Cloud;
use tidegate_testkit::{CallFault, FaultPlan, InMemoryLedger};

use crate::place::Where;
use crate::step::{Goes, Which};

/// The number of an invocation.
pub(crate) type Number = usize;

/// A call, written down right before it is made.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// By which invocation.
    pub(crate) by: Number,
    pub(crate) operation: &'static str,
    /// How long the world's journal was.
    pub(crate) journal: usize,
    /// How many notes the ledger of the place had.
    pub(crate) notes: usize,
    /// What goes wrong with it.
    pub(crate) goes: Option<Goes>,
}

/// Why an invocation is not ready.
pub(crate) enum Halt {
    /// It goes on later.
    Waits { how_long: SignedDuration, why: String },
    /// It does not.
    Dies(String),
}

/// What is to go wrong with the next invocation of a function.
struct Plan {
    place: Where,
    function: &'static str,
    call: Which,
    goes: Goes,
}

struct Storm {
    until: Timestamp,
    passes: u64,
    count: u64,
}

/// The invocation that is being polled.
struct Present {
    number: Number,
    place: Where,
    calls: u32,
    plans: Vec<(Which, Goes)>,
    /// The call that waits.
    waits: Option<&'static str>,
    began: Timestamp,
    deadline: Timestamp,
}

#[derive(Default)]
struct Inner {
    plans: Vec<Plan>,
    storms: [Option<Storm>; 4],
    present: Option<Present>,
    calls: Vec<Call>,
    /// Why the invocation is not ready, if it is not.
    halt: Option<Halt>,
    happened: Vec<(Goes, &'static str)>,
}

/// The fortune of a history.
pub(crate) struct Luck {
    inner: Mutex<Inner>,
    cloud: Cloud,
    ledgers: Vec<Arc<InMemoryLedger>>,
}

/// The state of an invocation between two polls.
pub(crate) struct Paused(Present);

impl Luck {
    pub(crate) fn new(cloud: Cloud, ledgers: Vec<Arc<InMemoryLedger>>) -> Self {
        Self { inner: Mutex::default(), cloud, ledgers }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time of whatever invocation is being polled.
    pub(crate) fn time(self: &Arc<Self>) -> Arc<dyn Time> {
        Arc::new(Hourglass(Arc::clone(self)))
    }

    /// Lets something go wrong with a call of the next invocation of a function.
    pub(crate) fn plan(&self, place: Where, function: &'static str, call: Which, goes: Goes) {
        self.inner().plans.push(Plan { place, function, call, goes });
    }

    /// Throttles an account until then, but for one call of so many.
    pub(crate) fn storm(&self, place: Where, until: Timestamp, passes: u8) {
        let storm = Storm { until, passes: u64::from(passes.max(2)), count: 0 };
        if let Some(over) = self.inner().storms.get_mut(place.index()) {
            *over = Some(storm);
        }
    }

    /// From now on nothing goes wrong.
    pub(crate) fn calm(&self) {
        let mut inner = self.inner();
        inner.plans.clear();
        inner.storms = Default::default();
    }

    /// An invocation begins.
    pub(crate) fn begin(
        &self,
        number: Number,
        place: Where,
        function: &'static str,
        (began, deadline): (Timestamp, Timestamp),
    ) {
        let mut inner = self.inner();
        let (mine, others): (Vec<Plan>, Vec<Plan>) = std::mem::take(&mut inner.plans)
            .into_iter()
            .partition(|plan| plan.place == place && plan.function == function);
        inner.plans = others;
        let plans = mine.into_iter().map(|plan| (plan.call, plan.goes)).collect();
        inner.present = Some(Present { number, place, calls: 0, plans, waits: None, began, deadline });
        inner.halt = None;
    }

    /// An invocation that was paused goes on: the call for which it waited is made only now.
    pub(crate) fn resume(&self, paused: Paused) {
        let Paused(mut present) = paused;
        if let Some(operation) = present.waits.take() {
            let call = self.call(&present, operation);
            self.inner().calls.push(call);
        }
        let mut inner = self.inner();
        inner.present = Some(present);
        inner.halt = None;
    }

    fn call(&self, present: &Present, operation: &'static str) -> Call {
        let journal = self.cloud.with_world(|world, _| world.calls().len());
        let notes = self.ledgers.get(present.place.index()).map_or(0, |ledger| ledger.count_notes());
        Call { by: present.number, operation, journal, notes, goes: None }
    }

    /// The invocation is not polled any more; and why it is not ready, if it is not.
    pub(crate) fn leave(&self) -> (Option<Paused>, Option<Halt>) {
        let mut inner = self.inner();
        (inner.present.take().map(Paused), inner.halt.take())
    }

    /// The calls since `from`.
    pub(crate) fn calls(&self, from: usize) -> Vec<Call> {
        self.inner().calls.get(from..).unwrap_or_default().to_vec()
    }

    /// Takes what went wrong since the last time, and with which operation.
    pub(crate) fn happened(&self) -> Vec<(Goes, &'static str)> {
        std::mem::take(&mut self.inner().happened)
    }
}

fn fault(goes: Goes) -> CallFault {
    match goes {
        Goes::Fails => CallFault::Rejected(Class::Retryable),
        Goes::Throttled => CallFault::Rejected(Class::Throttled),
        Goes::Denied => CallFault::Rejected(Class::Denied),
        Goes::AnswerLost => CallFault::ResponseLost,
        Goes::DiesBefore => CallFault::CrashBefore,
        Goes::DiesAfter => CallFault::CrashAfter,
        Goes::Waits(_) => CallFault::Pause,
    }
}

impl FaultPlan for Luck {
    fn next_fault(&self, service: &'static str, operation: &'static str) -> Option<CallFault> {
        let now = self.cloud.now();
        let mut inner = self.inner();
        let Inner { present, storms, calls, halt, happened, .. } = &mut *inner;
        let present = present.as_mut()?;
        calls.push(self.call(present, operation));
        let at = present.calls;
        present.calls += 1;
        let planned = present.plans.iter().position(|(call, _)| call.is(at, operation));
        let planned = planned.map(|at| present.plans.remove(at).1);
        let storm = storms.get_mut(present.place.index()).and_then(Option::as_mut);
        let goes = planned.or_else(|| {
            // DynamoDB tables on demand are another matter than SageMaker's few calls a second.
            let storm = storm.filter(|storm| storm.until > now && service != "ledger")?;
            storm.count += 1;
            (storm.count % storm.passes != 0).then_some(Goes::Throttled)
        })?;
        if let Some(call) = calls.last_mut() {
            call.goes = Some(goes);
        }
        match goes {
            Goes::Waits(seconds) => {
                present.waits = Some(operation);
                let how_long = SignedDuration::from_secs(i64::from(seconds));
                *halt = Some(Halt::Waits { how_long, why: format!("it is slow before {operation}") });
            }
            Goes::DiesBefore => *halt = Some(Halt::Dies(format!("died before {operation}"))),
            Goes::DiesAfter => *halt = Some(Halt::Dies(format!("died after {operation}"))),
            _ => {}
        }
        happened.push((goes, operation));
        Some(fault(goes))
    }
}

/// Nothing goes wrong.
pub(crate) struct Nobody;

impl FaultPlan for Nobody {
    fn next_fault(&self, _: &'static str, _: &'static str) -> Option<CallFault> {
        None
    }
}

/// Virtual time, for the engine.
struct Hourglass(Arc<Luck>);

fn span(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[async_trait]
impl Time for Hourglass {
    fn elapsed(&self) -> Duration {
        let now = self.0.cloud.now();
        self.0.inner().present.as_ref().map_or(Duration::ZERO, |present| span(present.began, now))
    }

    fn left(&self) -> Duration {
        let now = self.0.cloud.now();
        self.0.inner().present.as_ref().map_or(Duration::ZERO, |present| span(now, present.deadline))
    }

    async fn pause(&self, how_long: Duration) {
        let how_long = SignedDuration::try_from(how_long).unwrap_or_default();
        let why = "it will try again".to_owned();
        self.0.inner().halt = Some(Halt::Waits { how_long, why });
        let mut paused = false;
        std::future::poll_fn(|_| {
            if std::mem::replace(&mut paused, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
