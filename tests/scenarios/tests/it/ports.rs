//! The ledger in memory keeps the rules of the ledger in DynamoDB, and the ports reach the world.

use std::pin::pin;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tidegate_engine::ports::{Claim, Entry, Ledger, Pipelines, Recorded, StateKey, StateWrite, Versioned};
use tidegate_engine::{ActionOutcome, DecisionRecord, EngineError, EventRef, SCHEMA};
use tidegate_policy::file::parse;
use tidegate_policy::lookup::{Lookup, LookupKind};
use tidegate_policy::train::StartRequest;
use tidegate_testkit::{InMemoryLedger, poll_once};

use super::stage::{CHURN, DEFINITION, HUB, Stage};

const LEASE: SignedDuration = SignedDuration::from_secs(60);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_772_440_000 + seconds).unwrap()
}

fn now<T>(future: impl Future<Output = Result<T, EngineError>>) -> Result<T, EngineError> {
    poll_once(pin!(future)).expect("it does not wait")
}

fn claim(ledger: &InMemoryLedger, owner: &str, seconds: i64) -> Claim {
    now(ledger.claim("k", owner, at(seconds), LEASE)).unwrap()
}

fn entry(id: &str, owner: &str, revision: u64) -> Entry {
    let record = DecisionRecord {
        schema: SCHEMA,
        id: id.to_owned(),
        at: at(0),
        account: HUB.to_owned(),
        environment: "hub".to_owned(),
        function: "train".to_owned(),
        function_version: "0".to_owned(),
        model: "churn".to_owned(),
        verdict: "start".to_owned(),
        reason: "commit".to_owned(),
        message: "s".to_owned(),
        evidence: Vec::new(),
        plan: vec![json!({"action": "x"})],
        policy_version: "p".to_owned(),
        event: EventRef {
            id: "e".to_owned(),
            source: "s".to_owned(),
            detail_type: "d".to_owned(),
            idempotency_key: "m".to_owned(),
            received: None,
        },
        caused_by: None,
        sequence: 0,
        outcomes: Vec::new(),
    };
    let value = json!({"by": id}).to_string().into();
    let state = Some(StateWrite { key: key(), replaces: revision, value });
    Entry { record, claim: "k".to_owned(), owner: owner.to_owned(), state, follows: None }
}

fn key() -> StateKey {
    StateKey { function: "train".to_owned(), model: "churn".to_owned() }
}

fn record(ledger: &InMemoryLedger, entry: &Entry) -> Recorded {
    now(ledger.record(entry)).unwrap()
}

#[test]
fn a_claim_has_one_owner_until_its_lease_is_over() {
    let ledger = InMemoryLedger::new();
    assert_eq!(claim(&ledger, "one", 0), Claim::Fresh);
    assert_eq!(claim(&ledger, "one", 1), Claim::Fresh, "Lambda retries under the same id");
    assert_eq!(claim(&ledger, "two", 60), Claim::Leased { until: at(61) });
    assert_eq!(claim(&ledger, "two", 61), Claim::Fresh);
    assert_eq!(record(&ledger, &entry("d", "one", 0)), Recorded::LeaseLost, "it is another's now");
    assert_eq!(record(&ledger, &entry("d", "two", 0)), Recorded::Written);
}

#[test]
fn what_was_decided_is_resumed_and_what_is_done_stays_done() {
    let ledger = InMemoryLedger::new();
    claim(&ledger, "one", 0);
    let decided = entry("d", "one", 0);
    assert_eq!(record(&ledger, &decided), Recorded::Written);
    assert_eq!(record(&ledger, &entry("d2", "one", 1)), Recorded::LeaseLost, "it was decided");
    assert_eq!(claim(&ledger, "two", 10), Claim::Leased { until: at(60) });
    now(ledger.release("k", "two")).unwrap();
    assert_eq!(claim(&ledger, "two", 10), Claim::Leased { until: at(60) }, "only the owner gives back");
    now(ledger.release("k", "one")).unwrap();
    assert_eq!(claim(&ledger, "two", 10), Claim::Resume(Box::new(decided.record.clone())));
    let outcomes = vec![ActionOutcome::done("x".to_owned())];
    let note = |owner, decision| now(ledger.progress("k", owner, decision, &outcomes)).unwrap();
    assert_eq!((note("one", "d"), note("two", "d2")), (false, false), "another's, or about another decision");
    assert!(note("two", "d"));
    now(ledger.release("k", "two")).unwrap();
    let finished = DecisionRecord { outcomes: outcomes.clone(), ..decided.record.clone() };
    assert_eq!(claim(&ledger, "three", 20), Claim::Resume(Box::new(finished.clone())), "from there on");
    now(ledger.finish(&finished, "k")).unwrap();
    let done = Claim::Done { decision: "d".to_owned(), record: Some(Box::new(finished)) };
    assert_eq!(claim(&ledger, "four", 1_000), done);
    assert_eq!(now(ledger.decisions("churn", 9)).unwrap()[0].as_ref().unwrap().outcomes, outcomes);
    assert!(!note("three", "d"), "it is done");
    assert!(now(ledger.finish(&entry("other", "two", 0).record, "k")).is_err());
    ledger.expire_claims(at(22 * 86_400));
    assert_eq!(claim(&ledger, "four", 22 * 86_400), Claim::Fresh);
}

#[test]
fn a_claim_moves_on_to_the_decision_that_follows() {
    let ledger = InMemoryLedger::new();
    claim(&ledger, "one", 0);
    let first = entry("d", "one", 0);
    assert_eq!(record(&ledger, &first), Recorded::Written);
    let refused = vec![ActionOutcome::superseded()];
    let before = DecisionRecord { outcomes: refused.clone(), ..first.record.clone() };
    let next =
        |owner, before: &DecisionRecord| Entry { follows: Some(before.clone()), ..entry("d2", owner, 1) };
    assert_eq!(record(&ledger, &next("two", &before)), Recorded::LeaseLost, "another's claim");
    let stranger = DecisionRecord { id: "x".to_owned(), ..before.clone() };
    assert_eq!(record(&ledger, &next("one", &stranger)), Recorded::LeaseLost, "it is not what was decided");
    let second = next("one", &before);
    assert_eq!(record(&ledger, &second), Recorded::Written);
    let all = ledger.all_decisions();
    assert_eq!((all[0].outcomes.clone(), all[1].outcomes.len()), (refused, 0));
    now(ledger.release("k", "one")).unwrap();
    assert_eq!(claim(&ledger, "two", 1), Claim::Resume(Box::new(second.record.clone())));
    assert!(now(ledger.finish(&before, "k")).is_err(), "the claim has moved on");
    now(ledger.finish(&second.record, "k")).unwrap();
}

#[test]
fn a_decision_is_written_with_its_state_or_not_at_all() {
    let ledger = InMemoryLedger::new();
    claim(&ledger, "one", 0);
    assert_eq!(record(&ledger, &entry("d", "one", 3)), Recorded::Conflict, "another revision");
    assert_eq!(now(ledger.state(&key())).unwrap(), Versioned { revision: 0, value: None });
    assert!(now(ledger.decisions("churn", 9)).unwrap().is_empty());
    assert_eq!(record(&ledger, &entry("d", "one", 0)), Recorded::Written);
    assert_eq!(
        now(ledger.state(&key())).unwrap(),
        Versioned { revision: 1, value: Some(r#"{"by":"d"}"#.into()) }
    );
}

#[test]
fn decisions_come_newest_first() {
    let ledger = InMemoryLedger::new();
    for (seconds, id) in [(5, "b"), (1, "a"), (9, "c")] {
        let mut entry = entry(id, "one", 0);
        (entry.claim, entry.state, entry.record.at) = (id.to_owned(), None, at(seconds));
        now(ledger.claim(id, "one", at(0), LEASE)).unwrap();
        assert_eq!(record(&ledger, &entry), Recorded::Written);
    }
    let ids: Vec<String> =
        now(ledger.decisions("churn", 2)).unwrap().into_iter().map(|r| r.unwrap().id).collect();
    assert_eq!(ids, ["c", "b"]);
    assert!(now(ledger.decisions("other", 2)).unwrap().is_empty());
}

#[test]
fn a_policy_is_found_by_what_it_names_and_no_longer_by_what_it_named() {
    let ledger = InMemoryLedger::new();
    let find = |name: &str| now(ledger.models_for(&Lookup::new(LookupKind::Endpoint, name))).unwrap();
    now(ledger.apply(&parse("p", CHURN).unwrap(), at(0))).unwrap();
    assert_eq!(find("Churn-Staging"), ["churn"]);
    let moved = CHURN.replace("name: churn-staging", "name: churn-preview");
    now(ledger.apply(&parse("p", &moved).unwrap(), at(1))).unwrap();
    assert!(find("churn-staging").is_empty());
    assert_eq!(find("churn-preview"), ["churn"]);
    assert_eq!(now(ledger.models()).unwrap(), ["churn"]);
}

#[test]
fn a_pipeline_is_started_once_for_a_token() {
    let stage = Stage::new();
    let hub = stage.account(HUB);
    let made = pin!(async {
        hub.create("p", DEFINITION, None, &"t".repeat(32), &[]).await?;
        hub.create("p", DEFINITION, None, &"u".repeat(32), &[]).await?;
        let (token, parameters) = ("t".repeat(32), Default::default());
        let request = StartRequest {
            pipeline: "p",
            token: &token,
            display_name: "n",
            description: "d",
            parameters: &parameters,
            version: Some(1),
        };
        let first = hub.start(&request).await?;
        let second = hub.start(&request).await?;
        let running = hub.executions("p").await?;
        Ok::<_, tidegate_engine::CallError>((first, second, running, hub.pipeline("q").await?))
    });
    let (first, second, running, absent) = poll_once(made).unwrap().unwrap();
    let running: Vec<String> = running.into_iter().map(|one| one.arn).collect();
    assert_eq!((&first, running), (&second, vec![first.clone()]));
    assert_eq!(absent, None);
}
