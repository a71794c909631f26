//! The sweep over all models.
//!
//! A small fleet is processed completely by each sweep. In a large one most models are quiet, and reading each of them from
//! AWS would need more calls than AWS admits. A sweep then reads policies and states in batches, asks AWS once for what
//! changed, and processes
//!
//! 1. the models that an earlier sweep began and did not finish,
//! 2. the models for which something is due according to the state, or that changed in AWS,
//! 3. some of the other models in turn, so that each is processed at least once a day, whatever was not listed.
//!
//! A cursor in the ledger remembers the turn, and how far the changes were processed. It names the models before they are
//! processed, so that a sweep that was killed is continued by the next one. A sweep that has no time left stops, and the
//! next one continues with the models that remain: there is always a next one, and an invocation of itself could repeat
//! without end.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use tidegate_policy::controller::{Context, Controller};
use tidegate_policy::lookup::{self, Lookup};
use tidegate_policy::reason::Reason;

use crate::adapter::{ControllerOf, StateOf};
use crate::ports::{MAX_BATCH, SweepCursor, Versioned};
use crate::resolve::{self, ManagedModel, read_state};
use crate::{Adapter, Engine, EngineError, EventRef, Limits, Outcome, Outcomes};

/// The number of sweeps in a day: the templates invoke each function every fifteen minutes.
const SWEEPS_A_DAY: usize = 96;
/// How far the changes of two sweeps overlap. AWS's lists are eventually consistent, and a change whose event failed is
/// looked at again after Lambda has retried it.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);
/// The oldest changes for which AWS is asked. Everything is processed in turn within this time.
const OLDEST: SignedDuration = SignedDuration::from_hours(25);
/// The longest time between the beginnings of two models.
const SLOWEST: Duration = Duration::from_secs(4);
/// How many models are processed between two writes of the cursor.
const SLICE: usize = 200;
/// The largest number of models that the cursor names. A model's name has at most 63 characters, and an item of the
/// ledger at most 400 KB.
const MAX_PENDING: usize = 4_000;

/// One sweep over all models.
struct Sweep<'s, A> {
    engine: &'s Engine,
    adapter: &'s A,
    event: &'s EventRef,
    now: Timestamp,
    limits: Limits,
    outcomes: Outcomes,
    /// Whether everything was read that determines which models are processed.
    complete: bool,
}

impl Engine {
    /// The recurring sweep. For each model it first processes the lost events that the adapter detects, then runs the
    /// controller's own sweep.
    pub(crate) async fn sweep_models<A: Adapter>(
        &self,
        adapter: &A,
        event: &EventRef,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let models = self.retry_throttled(|| self.ledger.models()).await?;
        let limits = self.limits.unwrap_or(Limits { models: usize::MAX, at_once: 1 });
        let outcomes = self.outcomes_of_sweep();
        let mut sweep = Sweep { engine: self, adapter, event, now, limits, outcomes, complete: true };
        if models.len() > limits.models {
            sweep.large_fleet(&models).await?;
        } else {
            sweep.process(&models).await;
        }
        let mut outcomes = sweep.outcomes;
        if outcomes.is_empty() {
            outcomes.add(Ok(self.ignore(event, &Reason::NothingOverdue)));
        }
        outcomes.finish()
    }
}

impl<A: Adapter> Sweep<'_, A> {
    async fn large_fleet(&mut self, models: &[String]) -> Result<(), EngineError> {
        let function = ControllerOf::<A>::NAME;
        let ledger = &self.engine.ledger;
        let cursor = self.engine.retry_throttled(|| ledger.cursor(function)).await?;
        let turn = self.turn(models, &cursor.after);
        let changed = self.changes(&cursor).await;
        let picked = self.pick(models, &cursor, &changed, &turn).await;
        let mut unfinished: Vec<String> = Vec::new();
        for slice in picked.chunks(SLICE) {
            let begun = SweepCursor { pending: joined(slice, &unfinished), ..cursor.clone() };
            self.put(&begun).await?;
            unfinished.extend(self.process(slice).await);
        }
        let is_done = self.complete && unfinished.len() <= MAX_PENDING;
        unfinished.truncate(MAX_PENDING);
        let next = SweepCursor {
            changes_until: if is_done { Some(self.now) } else { cursor.changes_until },
            after: if is_done { turn.last().cloned().unwrap_or_default() } else { cursor.after },
            pending: unfinished,
        };
        self.put(&next).await
    }

    async fn put(&self, cursor: &SweepCursor) -> Result<(), EngineError> {
        let function = ControllerOf::<A>::NAME;
        self.engine.retry_throttled(|| self.engine.ledger.put_cursor(function, cursor)).await
    }

    /// The models whose turn it is: those that follow the last one in alphabetical order.
    fn turn(&self, models: &[String], after: &str) -> Vec<String> {
        let count = self.limits.models.max(models.len().div_ceil(SWEEPS_A_DAY));
        let first = models.partition_point(|model| model.as_str() <= after);
        models.iter().cycle().skip(first).take(count.min(models.len())).cloned().collect()
    }

    /// The names of what changed in AWS since the last sweep. If AWS does not answer, the next sweep asks again.
    async fn changes(&mut self, cursor: &SweepCursor) -> BTreeSet<Lookup> {
        let before = |at: Timestamp, span| at.checked_sub(span).unwrap_or(Timestamp::MIN);
        let oldest = before(self.now, OLDEST);
        let since = cursor.changes_until.map_or(oldest, |until| before(until, OVERLAP).max(oldest));
        match self.engine.retry_throttled(|| self.adapter.changed_since(self.engine, since)).await {
            Ok(changed) => changed,
            Err(error) => {
                self.failed(error);
                BTreeSet::new()
            }
        }
    }

    fn failed(&mut self, error: EngineError) {
        self.complete = false;
        self.outcomes.add(Err(error));
    }

    /// The models to process, the most important first.
    async fn pick(
        &mut self,
        models: &[String],
        cursor: &SweepCursor,
        changed: &BTreeSet<Lookup>,
        turn: &[String],
    ) -> Vec<String> {
        let mut picked: Vec<String> = Vec::new();
        let mut known: BTreeSet<String> = BTreeSet::new();
        let mut pick = |model: &String| {
            if known.insert(model.clone()) {
                picked.push(model.clone());
            }
        };
        // A model whose policy was removed is not processed any more.
        cursor.pending.iter().filter(|model| models.binary_search(model).is_ok()).for_each(&mut pick);
        let mut reads = FuturesUnordered::new();
        let mut batches = models.chunks(MAX_BATCH);
        let (engine, now) = (self.engine, self.now);
        let mut due = Vec::new();
        loop {
            while reads.len() < self.limits.at_once
                && let Some(batch) = batches.next()
            {
                reads.push(due_of::<A>(engine, batch, changed, now));
            }
            match reads.next().await {
                Some(Ok(found)) => due.extend(found),
                Some(Err(error)) => self.failed(error),
                None => break,
            }
        }
        due.sort();
        due.iter().for_each(&mut pick);
        turn.iter().for_each(&mut pick);
        picked
    }

    /// Processes models, a few at a time. Returns those that failed, and those that were not begun because the time was
    /// over.
    async fn process(&mut self, models: &[String]) -> Vec<String> {
        let mut unfinished = Vec::new();
        let mut batches = models.chunks(MAX_BATCH);
        let mut queue = Vec::new().into_iter();
        let mut pace = Pace::new(self.adapter.models_per_second(), self.engine);
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < self.limits.at_once {
                let Some(managed) = queue.next() else {
                    let Some(batch) = batches.next() else { break };
                    let (found, failed) = resolve::managed(self.engine, batch).await;
                    if !failed.is_empty() {
                        let is_missing =
                            |model: &&String| found.iter().all(|found| found.subject.model != **model);
                        unfinished.extend(batch.iter().filter(is_missing).cloned());
                    }
                    self.outcomes.join(failed);
                    queue = found.into_iter();
                    continue;
                };
                if self.engine.is_sweep_over() {
                    unfinished.push(managed.subject.model);
                    continue;
                }
                let start = pace.next(self.engine);
                let event = (self.event, self.now);
                running.push(process_one(self.engine, self.adapter, managed, event, start));
            }
            let Some((model, results)) = running.next().await else { break };
            if results.iter().any(Result::is_err) {
                unfinished.push(model);
            }
            results.into_iter().for_each(|result| self.outcomes.add(result));
        }
        unfinished
    }
}

/// When the next model begins. A sweep begins them slower while AWS throttles its calls: otherwise the models that have
/// begun compete for the few calls that AWS admits, and some of them never succeed.
struct Pace {
    usual: Duration,
    interval: Duration,
    start: Duration,
    retries: u64,
}

impl Pace {
    fn new(models_per_second: u32, engine: &Engine) -> Self {
        let usual = Duration::from_secs(1).checked_div(models_per_second).unwrap_or_default();
        Self { usual, interval: usual, start: engine.time.elapsed(), retries: engine.meter.retries() }
    }

    fn next(&mut self, engine: &Engine) -> Duration {
        let retries = engine.meter.retries();
        self.interval = if retries > self.retries {
            self.interval.saturating_mul(2).min(SLOWEST)
        } else {
            self.interval.mul_f64(0.75).max(self.usual)
        };
        self.retries = retries;
        self.start = self.start.saturating_add(self.interval).max(engine.time.elapsed());
        self.start
    }
}

/// What a sweep does for one model, from a time of the invocation on.
async fn process_one<A: Adapter>(
    engine: &Engine,
    adapter: &A,
    managed: ManagedModel,
    (sweep, now): (&EventRef, Timestamp),
    start: Duration,
) -> (String, Vec<Result<Outcome, EngineError>>) {
    let wait = start.saturating_sub(engine.time.elapsed());
    if engine.limits.is_some() && !wait.is_zero() {
        engine.time.pause(wait).await;
    }
    let limited = engine.for_one_of_sweep();
    let engine = limited.as_ref().unwrap_or(engine);
    let mut results = Vec::new();
    match adapter.lost_events(engine, &managed, sweep).await {
        Ok(lost) => {
            for (trigger, event) in lost {
                results.push(engine.run_managed(adapter, &managed, &trigger, &event, now).await);
            }
        }
        Err(error) => results.push(Err(error)),
    }
    if let Some(trigger) = ControllerOf::<A>::sweep() {
        results.push(engine.sweep(adapter, &managed, &trigger, sweep, now).await);
    }
    (managed.subject.model, results)
}

/// The models of a batch for which something is due according to their states, or whose policies mention a change.
async fn due_of<A: Adapter>(
    engine: &Engine,
    batch: &[String],
    changed: &BTreeSet<Lookup>,
    now: Timestamp,
) -> Result<Vec<String>, EngineError> {
    let names: Vec<&str> = batch.iter().map(String::as_str).collect();
    let policies = engine.retry_throttled(|| engine.ledger.policies(batch));
    let states = resolve::states(engine, ControllerOf::<A>::NAME, &names);
    let (policies, states) = futures::future::try_join(policies, states).await?;
    let mut due = Vec::new();
    for ((model, applied), state) in batch.iter().zip(policies).zip(states) {
        let is_due = match applied {
            Ok(None) => false,
            Ok(Some(applied)) => {
                let managed = ManagedModel::new(model.clone(), applied);
                is_changed(&managed, changed) || is_due::<A>(engine, &managed, state, now)
            }
            // Processing it shows the error.
            Err(_) => true,
        };
        if is_due {
            due.push(model.clone());
        }
    }
    Ok(due)
}

fn is_changed(managed: &ManagedModel, changed: &BTreeSet<Lookup>) -> bool {
    !changed.is_empty() && lookup::of(&managed.applied.policy).iter().any(|lookup| changed.contains(lookup))
}

fn is_due<A: Adapter>(
    engine: &Engine,
    managed: &ManagedModel,
    stored: Result<Versioned, EngineError>,
    now: Timestamp,
) -> bool {
    let Ok(stored) = stored else { return true };
    let key = engine.state_key(&managed.subject);
    let Ok(state) = read_state::<StateOf<A>>(&key, &stored) else { return true };
    let policy = Some(managed.applied.policy.as_ref());
    let cx = Context { policy, site: &engine.site, event: "", now };
    ControllerOf::<A>::next_check(&cx, &state).is_some_and(|at| at <= now)
}

/// The models of a slice and the unfinished ones, as many as the cursor can name.
fn joined(slice: &[String], unfinished: &[String]) -> Vec<String> {
    slice.iter().chain(unfinished).take(MAX_PENDING).cloned().collect()
}
