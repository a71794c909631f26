//! Histories of the real functions: no rule is broken in any of them.

use std::path::Path;

use tidegate_simulation::{Batch, History};

/// The number of histories; `cargo simulate -- --runs N` runs more.
const RUNS: u64 = 2_000;

#[test]
fn no_history_breaks_a_rule() {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let batch = Batch { from: 1, runs: RUNS, during: None, mutant: None, threads: cores, max_violations: 1 };
    let summary = batch.run(|_, _| {});
    println!("{} histories, {:.1} a second", summary.statistics.histories, summary.per_second);
    if let Some(broken) = summary.broken.first() {
        let trace = History::of_seed(broken.seed).shrink(None, 1_000).run(None, true).unwrap().trace;
        panic!("seed {} breaks a rule: {}\n{}", broken.seed, broken.rule, trace.join("\n"));
    }
    assert_eq!(summary.statistics.histories, RUNS);
}

#[test]
fn every_kind_of_fault_occurs() {
    let batch = Batch { from: 1, runs: 200, during: None, mutant: None, threads: 2, max_violations: 1 };
    let statistics = batch.run(|_, _| {}).statistics;
    let kinds = [
        "response lost",
        "archive replayed",
        "call denied",
        "call failed",
        "call throttled",
        "event delayed",
        "event delayed by hours",
        "event delivered again later",
        "event delivered several times",
        "event lost",
        "container never starts",
        "killed after a call",
        "killed before a call",
        "not visible yet",
        "other change",
        "overtaken at a call",
        "slow start",
        "throttling storm",
    ];
    for kind in kinds {
        assert!(
            statistics.faults.get(kind).is_some_and(|count| *count > 0),
            "{kind}: {:?}",
            statistics.faults
        );
    }
}

#[test]
fn a_seed_always_gives_the_same_history() {
    for seed in [3, 77] {
        let history = History::of_seed(seed);
        let (first, second) = (history.run(None, true).unwrap(), history.run(None, true).unwrap());
        assert_eq!(first.trace, second.trace);
        let read = History::parse(&history.to_json()).unwrap();
        assert_eq!(read, history);
        assert_eq!(read.run(None, true).unwrap().trace, first.trace);
    }
}

/// Each broke a rule once, and is kept so that it never does again.
#[test]
fn kept_histories_break_no_rule() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("histories");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let history = History::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let result = history.run(None, true).unwrap();
        let (path, trace) = (path.display(), result.trace.join("\n"));
        assert_eq!(result.violation, None, "{path}\n{trace}");
        assert!(
            history.has_expectations(),
            "{path} does not say what must occur in it: {:#?}",
            result.statistics
        );
        let missed = history.unmet_expectations(&result.statistics);
        assert!(missed.is_empty(), "{path}: {missed:?} did not occur\n{trace}\n{:#?}", result.statistics);
        count += 1;
    }
    assert!(count > 0);
}
