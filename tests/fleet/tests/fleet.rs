//! What sweeps over large fleets cost, and that they find what no event reported.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use jiff::{SignedDuration, Timestamp};
use tidegate_engine::FunctionSpec;
use tidegate_fleet::{Bench, LONGEST, Measured, decided, measure};
use tidegate_functions::{FUNCTIONS, named};

fn spec(function: &str) -> &'static FunctionSpec {
    named(function).unwrap()
}

fn after(bench: &Bench, sweeps: i32) -> Timestamp {
    bench.fleet.now.checked_add(SignedDuration::from_mins(15) * sweeps).unwrap()
}

/// Sweeps until something was decided about each of these many models; the number of sweeps.
fn sweeps_until(bench: &Bench, wanted: u64, most: i32) -> i32 {
    let mut found = 0;
    for sweep in 0..most {
        let measured = bench.sweep(after(bench, sweep), LONGEST).unwrap();
        assert!(measured.error.is_none(), "{:?}", measured.error);
        found += measured.decided;
        if found >= wanted {
            return sweep + 1;
        }
    }
    panic!("{found} of {wanted} were found in {most} sweeps");
}

#[test]
fn a_quiet_sweep_costs_what_its_pages_cost() {
    for function in FUNCTIONS {
        let [some, more] = [1_000, 2_000].map(|models| measure(function, models, false).unwrap());
        assert!(some.error.is_none() && more.error.is_none(), "{function}");
        assert!(more.time < Duration::from_secs(60), "{function}: {:?}", more.time);
        // For each hundred models: a page of policies and one or three of states and claims, and for scale the limits of
        // fifty models and the metrics of five hundred.
        let pages = if function.name == "scale" { 8 } else { 2 };
        let growth = more.requests() - more.throttled() - (some.requests() - some.throttled());
        assert!(growth <= 10 * pages, "{function}: {growth} more requests for a thousand more models");
    }
}

#[test]
fn changes_that_aws_lists_are_found_by_the_next_sweep() {
    for function in ["promote", "deploy", "respond", "scale"] {
        let found = measure(spec(function), 400, true).unwrap();
        assert!(found.error.is_none(), "{function}: {:?}", found.error);
        assert_eq!((found.decided, found.changed), (4, 4), "{function}");
    }
}

#[test]
fn a_change_that_no_list_shows_is_found_in_turn() {
    let bench = Bench::new(spec("train"), 400).unwrap();
    assert_eq!(bench.fleet.change("train"), 4);
    assert_eq!(
        sweeps_until(&bench, 4, 8),
        7,
        "the last of them is the 301st, and fifty are looked at in each"
    );
    let quiet = bench.sweep(after(&bench, 9), LONGEST).unwrap();
    assert_eq!(quiet.decided, 0);
}

#[test]
fn a_sweep_without_time_stops_and_the_next_one_continues() {
    let bench = Bench::new(spec("respond"), 400).unwrap();
    bench.fleet.change_every("respond", 4);
    let short = bench.sweep(after(&bench, 0), Duration::from_secs(20)).unwrap();
    assert!(short.error.is_none(), "{:?}", short.error);
    assert!(short.decided > 0 && short.decided < 100, "{}", short.decided);
    assert!(short.time < Duration::from_secs(20), "{:?}", short.time);
    let rest = bench.sweep(after(&bench, 1), LONGEST).unwrap();
    assert!(rest.error.is_none(), "{:?}", rest.error);
    assert_eq!(short.decided + rest.decided, 100);
}

#[test]
fn a_sweep_that_is_killed_is_continued_by_its_retry() {
    let bench = Bench::new(spec("promote"), 400).unwrap();
    bench.fleet.change_every("promote", 4);
    let now = after(&bench, 0);
    let payload = tidegate_fleet::payload("promote", now);
    let killed_at = bench.clock.now() + Duration::from_secs(20);
    let killed = async {
        let invocation = Box::pin(bench.invoke(&payload, "r", now, LONGEST));
        let end = Box::pin(bench.clock.sleep_until(killed_at));
        matches!(futures::future::select(invocation, end).await, futures::future::Either::Right(_))
    };
    assert_eq!(bench.clock.run(killed), Some(true), "it had not ended");
    // The decisions that were begun are in the states, so that nothing is due for their models any more.
    let retried = bench.clock.run(bench.invoke(&payload, "r", now, LONGEST)).unwrap().unwrap().unwrap();
    assert!(decided(&retried) > 0);
    assert_eq!(bench.fleet.ledger.local().unfinished().len(), 0, "every plan was carried out");
    assert_eq!(bench.fleet.promoting(8), 100);
}

#[test]
fn one_model_that_fails_does_not_keep_the_others_and_is_looked_at_again() {
    let bench = Bench::new(spec("promote"), 400).unwrap();
    bench.fleet.change_every("promote", 4);
    let broken = bench.fleet.break_policy(8);
    let failed = bench.sweep(after(&bench, 0), LONGEST).unwrap();
    assert_eq!(failed.error.map(|error| error.kind()), Some("UnreadableLedger"));
    assert_eq!(bench.fleet.promoting(8), 99, "the others");
    bench.fleet.mend_policy(8, &broken);
    let mended: Measured = bench.sweep(after(&bench, 1), LONGEST).unwrap();
    assert!(mended.error.is_none());
    assert_eq!((mended.decided, bench.fleet.promoting(8)), (1, 100));
}

/// Two hundred alarms in one second: Lambda runs as many invocations at once as the function may have, and keeps the other
/// events in its queue. <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html>
#[test]
fn two_hundred_alarms_at_once_are_all_processed() {
    const RESERVED: usize = 10;
    let bench = Bench::new(spec("respond"), 200).unwrap();
    let events = bench.fleet.alarm_events();
    let mut waiting = events.iter().enumerate();
    let processed = bench.clock.run(async {
        let (mut running, mut most, mut found) = (FuturesUnordered::new(), 0, 0);
        loop {
            while running.len() < RESERVED
                && let Some((number, event)) = waiting.next()
            {
                running.push(invoke_like_lambda(&bench, event, format!("alarm {number}")));
            }
            most = most.max(running.len());
            let Some(outcome) = running.next().await else { break (most, found) };
            found += outcome;
        }
    });
    assert_eq!(processed, Some((RESERVED, 200)));
    assert!(bench.clock.now() < Duration::from_secs(60), "{:?}", bench.clock.now());
    assert_eq!(bench.fleet.ledger.local().unfinished().len(), 0);
}

/// An asynchronous invocation, which Lambda repeats twice. Returns the number of decisions.
async fn invoke_like_lambda(bench: &Bench, event: &serde_json::Value, id: String) -> u64 {
    for _ in 0..3 {
        if let Ok(outcomes) = bench.invoke(event, &id, bench.fleet.now, LONGEST).await.unwrap() {
            return decided(&outcomes);
        }
        bench.clock.sleep_until(bench.clock.now() + Duration::from_secs(60)).await;
    }
    0
}
