//! The engine with a case of its own: what breaks an invariant is not done, and what is throttled is tried again.

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;
use tidegate_engine::resolve;
use tidegate_engine::{
    CallError, Case, Class, DecisionLog, DecisionRecord, Engine, EngineError, EventRef, Measured, Outcome,
    Subject, Time,
};
use tidegate_events::parse_value;
use tidegate_policy::check::{Invariant, Violation};
use tidegate_policy::decision::{Decision, Verdict};
use tidegate_policy::lookup::LookupKind;
use tidegate_policy::reason::Reason;
use tidegate_testkit::{CallFault, poll_once};

use super::stage::{HUB, Stage};

/// Decides to do one thing, which is throttled some times, or refused.
#[derive(Default)]
struct Sample {
    violations: Vec<Violation>,
    /// What the checker finds in what follows, if the thing is refused.
    refused: Option<Vec<Violation>>,
    throttled: AtomicU32,
    done: AtomicU32,
}

type Plan = Decision<u32, String>;

#[async_trait]
impl Case for Sample {
    type State = u32;
    type Action = String;
    type Snapshot = ();

    async fn observe(&self, _: &u32, _: Timestamp) -> Result<(), EngineError> {
        Ok(())
    }

    fn decide(&self, _: &u32, (): &(), _: Timestamp) -> Plan {
        Decision::new(Verdict::Start, Reason::NothingOverdue).plan(vec!["act".to_owned()]).state(1)
    }

    fn check(&self, _: &u32, (): &(), _: &Plan, _: Timestamp) -> Vec<Violation> {
        self.violations.clone()
    }

    fn check_follow_up(&self, _: &u32, _: &Plan, _: Timestamp) -> Vec<Violation> {
        self.refused.clone().unwrap_or_default()
    }

    fn is_alert(&self, _: &String) -> bool {
        false
    }

    fn refused(&self, _: &u32, _: &String, why: &Reason, _: Timestamp) -> Option<Plan> {
        Some(Decision::new(Verdict::Stop, why.clone()).plan(vec!["tell".to_owned()]).state(2))
    }

    async fn act(&self, action: &String) -> Result<String, CallError> {
        if self.refused.is_some() && action == "act" {
            let (class, message) = (Class::Permanent, "never".to_owned());
            return Err(CallError { service: "s", operation: "O", class, message });
        }
        if self.throttled.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
            let (class, message) = (Class::Throttled, "slower".to_owned());
            return Err(CallError { service: "s", operation: "O", class, message });
        }
        self.done.fetch_add(1, Ordering::SeqCst);
        Ok(action.clone())
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
            time: Arc::clone(&self.clock) as Arc<dyn Time>,
            decision_log: Arc::clone(&self.said) as Arc<dyn DecisionLog>,
            ..self.stage.hub.engine("train", "one")
        }
    }

    fn run(&self, case: &Sample) -> Result<Outcome, EngineError> {
        let engine = self.engine();
        let event = parse_value(json!({"tidegate": "reconcile"})).unwrap();
        let subject = Subject { model: "churn".to_owned(), policy_version: "p".to_owned() };
        let reference = EventRef::of(&event);
        poll_once(pin!(engine.run(case, &subject, &reference, self.stage.now()))).expect("it does not wait")
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
    let (bench, case) = (Bench::new(60), Sample { violations, ..Sample::default() });
    let record = record(bench.run(&case));
    assert_eq!((record.verdict.as_str(), record.reason.as_str()), ("reject", "violates_invariant"));
    assert!(record.message.contains("duplicate_action"), "{}", record.message);
    assert!(record.plan.is_empty());
    assert_eq!(case.done.load(Ordering::SeqCst), 0);
    let alerts = bench.stage.account(HUB).alerts();
    assert_eq!(alerts.len(), 1);
    assert!(alerts[0].message.contains("two starts") && alerts[0].subject.len() <= 100);
}

#[test]
fn what_follows_from_a_refusal_is_judged_before_it_is_done() {
    let follows = |violations| {
        let (bench, case) = (Bench::new(60), Sample { refused: Some(violations), ..Sample::default() });
        let record = record(bench.run(&case));
        assert!(record.caused_by.is_some());
        (record.reason, case.done.load(Ordering::SeqCst), bench.stage.account(HUB).alerts().len())
    };
    assert_eq!(follows(Vec::new()), ("rejected_by_aws".to_owned(), 1, 0));
    let begins = Violation { invariant: Invariant::ActsAfterRejection, detail: "it acts".to_owned() };
    assert_eq!(follows(vec![begins]), ("violates_invariant".to_owned(), 0, 1));
}

#[test]
fn what_is_throttled_is_tried_again_with_jitter_while_there_is_time() {
    let (bench, case) = (Bench::new(60), Sample { throttled: AtomicU32::new(4), ..Sample::default() });
    record(bench.run(&case));
    assert_eq!(case.done.load(Ordering::SeqCst), 1);
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
    for operation in ["models_for", "policy", "models", "policy"] {
        ledger.faults.inject(operation, CallFault::Rejected(Class::Throttled));
    }
    let engine = bench.engine();
    let named = resolve::by_name(&engine, LookupKind::PackageGroup, "churn");
    let (models, failed) = poll_once(pin!(named)).expect("it does not wait").unwrap().unwrap();
    assert_eq!((models.len(), failed.is_empty()), (1, true));
    let (models, failed) = poll_once(pin!(resolve::all(&engine))).expect("it does not wait").unwrap();
    assert_eq!((models.len(), failed.is_empty()), (1, true));
    assert!(ledger.faults.are_used_up());
}

#[test]
fn what_is_still_throttled_when_time_runs_out_is_left_to_lambdas_retry() {
    let (bench, case) = (Bench::new(20), Sample { throttled: AtomicU32::new(99), ..Sample::default() });
    assert_eq!(bench.run(&case).unwrap_err().kind(), "Throttled");
    let spent: Duration = bench.clock.pauses.lock().unwrap().iter().sum();
    assert!(spent < Duration::from_secs(15), "some time is kept to write down how far it is: {spent:?}");
    assert!(bench.said.0.lock().unwrap().is_empty(), "nothing was decided to the end");
    case.throttled.store(0, Ordering::SeqCst);
    record(bench.run(&case));
    assert_eq!(case.done.load(Ordering::SeqCst), 1);
}
