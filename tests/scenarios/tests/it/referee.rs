//! The engine with a controller of its own: what breaks an invariant is not done, and what is throttled is tried again.

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;
use tidegate_engine::resolve;
use tidegate_engine::{
    Adapter, CallError, Class, DecisionLog, DecisionRecord, Engine, EngineError, EventRef, Measured, Outcome,
    Subject, Time,
};
use tidegate_events::{Event, parse_value};
use tidegate_policy::check::{Invariant, Violation};
use tidegate_policy::controller::{Context, Controller, Route};
use tidegate_policy::decision::{Decision, Verdict};
use tidegate_policy::lookup::{Lookup, LookupKind};
use tidegate_policy::reason::Reason;
use tidegate_policy::site::Site;
use tidegate_policy::step::Step;
use tidegate_testkit::{CallFault, poll_once};

use super::stage::{HUB, Stage};

/// Decides to make one call. `FOLLOW_UP_IS_BROKEN`: what it decides after a rejection breaks an invariant.
#[derive(Debug)]
struct OneCall<const FOLLOW_UP_IS_BROKEN: bool>;

type Plan = Decision<u32, String>;

impl<const FOLLOW_UP_IS_BROKEN: bool> Controller for OneCall<FOLLOW_UP_IS_BROKEN> {
    const NAME: &'static str = "train";
    /// The violations that are found in the decision.
    type Trigger = Vec<Violation>;
    type State = u32;
    type Need = ();
    type Snapshot = ();
    type Call = String;
    type Current = ();

    fn route(_: &Site, _: &Event) -> Route<Vec<Violation>> {
        Route::Sweep
    }

    fn needs(_: &Context<'_>, _: &u32, _: &Vec<Violation>) {}

    fn decide(_: &Context<'_>, _: &u32, _: &Vec<Violation>, (): &()) -> Plan {
        Decision::new(Verdict::Start, Reason::NothingOverdue)
            .plan(vec![Step::Call("act".to_owned())])
            .state(1)
    }

    fn violations(
        _: &Context<'_>,
        _: &u32,
        violations: &Vec<Violation>,
        (): &(),
        _: &Plan,
    ) -> Vec<Violation> {
        violations.clone()
    }

    fn still_applies(_: &Context<'_>, _: &u32, _: &Step<String>) -> bool {
        true
    }

    fn on_rejected(_: &Context<'_>, _: &u32, _: &Step<String>, why: &Reason) -> Option<Plan> {
        Some(Decision::new(Verdict::Stop, why.clone()).plan(vec![Step::Call("tell".to_owned())]).state(2))
    }

    fn violations_after_rejection(_: &Context<'_>, _: &u32, _: &Plan) -> Vec<Violation> {
        let violation = Violation { invariant: Invariant::ActsAfterRejection, detail: "it acts".to_owned() };
        if FOLLOW_UP_IS_BROKEN { vec![violation] } else { Vec::new() }
    }

    fn next_check(_: &Context<'_>, _: &u32) -> Option<Timestamp> {
        None
    }
}

/// Makes the call, which is throttled some times, or rejected.
#[derive(Default)]
struct Sample<const FOLLOW_UP_IS_BROKEN: bool = false> {
    is_rejected: bool,
    throttled: AtomicU32,
    calls: AtomicU32,
}

#[async_trait]
impl<const B: bool> Adapter for Sample<B> {
    type Controller = OneCall<B>;

    async fn observe(&self, _: &Engine, _: &Context<'_>, (): ()) -> Result<(), EngineError> {
        Ok(())
    }

    async fn recheck(
        &self,
        _: &Engine,
        _: &Context<'_>,
        _: &u32,
        _: &Vec<Violation>,
        _: &Step<String>,
    ) -> Result<(), EngineError> {
        Ok(())
    }

    async fn call(&self, call: &String) -> Result<String, CallError> {
        if self.is_rejected && call == "act" {
            let (class, message) = (Class::Permanent, "never".to_owned());
            return Err(CallError { service: "s", operation: "O", class, message });
        }
        if self.throttled.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
            let (class, message) = (Class::Throttled, "slower".to_owned());
            return Err(CallError { service: "s", operation: "O", class, message });
        }
        self.calls.fetch_add(1, Ordering::SeqCst);
        Ok(call.clone())
    }
}

/// A clock that moves when somebody waits.
struct Clock {
    left: Mutex<Duration>,
    pauses: Mutex<Vec<Duration>>,
}

#[async_trait]
impl Time for Clock {
    fn elapsed(&self) -> Duration {
        self.pauses.lock().unwrap().iter().sum()
    }

    fn left(&self) -> Duration {
        *self.left.lock().unwrap()
    }

    async fn pause(&self, how_long: Duration) {
        *self.left.lock().unwrap() -= how_long;
        self.pauses.lock().unwrap().push(how_long);
    }
}

#[derive(Default)]
struct Said(Mutex<Vec<(DecisionRecord, Measured)>>);

impl DecisionLog for Said {
    fn log(&self, record: &DecisionRecord, measured: &Measured) {
        self.0.lock().unwrap().push((record.clone(), *measured));
    }
}

struct Bench {
    stage: Stage,
    clock: Arc<Clock>,
    said: Arc<Said>,
}

impl Bench {
    fn new(seconds: u64) -> Self {
        let left = Mutex::new(Duration::from_secs(seconds));
        let clock = Arc::new(Clock { left, pauses: Mutex::default() });
        Self { stage: Stage::new(), clock, said: Arc::default() }
    }

    fn engine(&self) -> Engine {
        Engine {
            limits: None,
            time: Arc::clone(&self.clock) as Arc<dyn Time>,
            decision_log: Arc::clone(&self.said) as Arc<dyn DecisionLog>,
            ..self.stage.hub.engine("train", "one")
        }
    }

    fn run<const B: bool>(&self, sample: &Sample<B>) -> Result<Outcome, EngineError> {
        self.run_with(sample, Vec::new())
    }

    fn run_with<const B: bool>(
        &self,
        sample: &Sample<B>,
        violations: Vec<Violation>,
    ) -> Result<Outcome, EngineError> {
        let engine = self.engine();
        let event = parse_value(json!({"tidegate": "reconcile"})).unwrap();
        let subject = Subject { model: "churn".to_owned(), policy_version: "p".to_owned() };
        let reference = EventRef::of(&event);
        let run = engine.run(sample, None, &violations, &subject, &reference, self.stage.now());
        poll_once(pin!(run)).expect("it does not wait")
    }
}

fn record(outcome: Result<Outcome, EngineError>) -> DecisionRecord {
    match outcome {
        Ok(Outcome::Decided { record }) => *record,
        other => panic!("no decision: {other:?}"),
    }
}

#[test]
fn what_breaks_an_invariant_is_not_done_and_people_are_told() {
    let said = "two starts".to_owned();
    let violations = vec![Violation { invariant: Invariant::DuplicateAction, detail: said }];
    let (bench, sample) = (Bench::new(60), Sample::<false>::default());
    let record = record(bench.run_with(&sample, violations));
    assert_eq!((record.verdict.as_str(), record.reason.as_str()), ("reject", "violates_invariant"));
    assert!(record.message.contains("duplicate_action"), "{}", record.message);
    assert!(record.plan.is_empty());
    assert_eq!(sample.calls.load(Ordering::SeqCst), 0);
    let alerts = bench.stage.account(HUB).alerts();
    assert_eq!(alerts.len(), 1);
    assert!(alerts[0].message.contains("two starts") && alerts[0].subject.len() <= 100);
}

#[test]
fn what_follows_from_a_refusal_is_judged_before_it_is_done() {
    fn follow_up<const B: bool>() -> (String, u32, usize) {
        let (bench, sample) = (Bench::new(60), Sample::<B> { is_rejected: true, ..Sample::default() });
        let record = record(bench.run(&sample));
        assert!(record.caused_by.is_some());
        (record.reason, sample.calls.load(Ordering::SeqCst), bench.stage.account(HUB).alerts().len())
    }
    assert_eq!(follow_up::<false>(), ("rejected_by_aws".to_owned(), 1, 0));
    assert_eq!(follow_up::<true>(), ("violates_invariant".to_owned(), 0, 1));
}

#[test]
fn what_is_throttled_is_tried_again_with_jitter_while_there_is_time() {
    let (bench, sample) =
        (Bench::new(60), Sample::<false> { throttled: AtomicU32::new(4), ..Sample::default() });
    record(bench.run(&sample));
    assert_eq!(sample.calls.load(Ordering::SeqCst), 1);
    let pauses = bench.clock.pauses.lock().unwrap().clone();
    assert_eq!(pauses.len(), 4);
    for (attempt, pause) in pauses.iter().enumerate() {
        let most = Duration::from_millis(200 << attempt);
        assert!(*pause <= most && *pause >= most / 2, "{pauses:?}");
    }
    let (said, measured) = bench.said.0.lock().unwrap().remove(0);
    assert_eq!((said.verdict.as_str(), measured.retries), ("start", 4));
    assert_eq!(measured.latency, pauses.iter().sum());
}

#[test]
fn the_way_to_a_policy_is_as_patient_as_the_rest() {
    let bench = Bench::new(60);
    let ledger = &bench.stage.hub.ledger;
    for operation in ["models_for", "policy", "policy"] {
        ledger.faults.inject(operation, CallFault::Rejected(Class::Throttled));
    }
    let engine = bench.engine();
    let names = [Lookup::new(LookupKind::PackageGroup, "churn")];
    let named = resolve::by_names(&engine, &names);
    let (models, failed) = poll_once(pin!(named)).expect("it does not wait").unwrap();
    assert_eq!((models.len(), failed.is_empty()), (1, true));
    let models = ["churn".to_owned()];
    let (models, failed) = poll_once(pin!(resolve::managed(&engine, &models))).expect("it does not wait");
    assert_eq!((models.len(), failed.is_empty()), (1, true));
    assert!(ledger.faults.are_used_up());
}

#[test]
fn what_is_still_throttled_when_time_runs_out_is_left_to_lambdas_retry() {
    let (bench, sample) =
        (Bench::new(20), Sample::<false> { throttled: AtomicU32::new(99), ..Sample::default() });
    assert_eq!(bench.run(&sample).unwrap_err().kind(), "Throttled");
    let spent: Duration = bench.clock.pauses.lock().unwrap().iter().sum();
    assert!(spent < Duration::from_secs(15), "some time is kept to write down how far it is: {spent:?}");
    assert!(bench.said.0.lock().unwrap().is_empty(), "nothing was decided to the end");
    sample.throttled.store(0, Ordering::SeqCst);
    record(bench.run(&sample));
    assert_eq!(sample.calls.load(Ordering::SeqCst), 1);
}
