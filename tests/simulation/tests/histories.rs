//! Histories of the real functions: no rule is broken in any of them.

use std::path::Path;

use tidegate_simulation::{Many, Story};

/// How many are played each time; `cargo simulate -- --runs N` plays on.
const RUNS: u64 = 2_000;

#[test]
fn no_history_breaks_a_rule() {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let many = Many { from: 1, runs: RUNS, during: None, mutant: None, threads: cores, enough: 1 };
    let summary = many.play(|_, _| {});
    println!("{} histories, {:.1} a second", summary.tally.histories, summary.per_second);
    if let Some(broken) = summary.broken.first() {
        let tale = Story::of_seed(broken.seed).shrunk(None, 1_000).play(None, true).unwrap().tale;
        panic!("seed {} breaks a rule: {}\n{}", broken.seed, broken.rule, tale.join("\n"));
    }
    assert_eq!(summary.tally.histories, RUNS);
}

#[test]
fn the_faults_are_all_tried() {
    let many = Many { from: 1, runs: 200, during: None, mutant: None, threads: 2, enough: 1 };
    let tally = many.play(|_, _| {}).tally;
    let kinds = [
        "answer lost",
        "archive replayed",
        "call denied",
        "call failed",
        "call throttled",
        "event delayed",
        "event delayed by hours",
        "event delivered again later",
        "event delivered several times",
        "event lost",
        "killed after a call",
        "killed before a call",
        "overtaken at a call",
        "throttling storm",
    ];
    for kind in kinds {
        assert!(tally.faults.get(kind).is_some_and(|count| *count > 0), "{kind}: {:?}", tally.faults);
    }
}

#[test]
fn a_seed_is_one_history() {
    for seed in [3, 77] {
        let story = Story::of_seed(seed);
        let (first, second) = (story.play(None, true).unwrap(), story.play(None, true).unwrap());
        assert_eq!(first.tale, second.tale);
        let read = Story::read(&story.write()).unwrap();
        assert_eq!(read, story);
        assert_eq!(read.play(None, true).unwrap().tale, first.tale);
    }
}

/// Each broke a rule once, and is kept so that it never does again.
#[test]
fn the_stories_that_were_kept_break_no_rule() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("stories");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let story = Story::read(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let ending = story.play(None, true).unwrap();
        let (path, tale) = (path.display(), ending.tale.join("\n"));
        assert_eq!(ending.violation, None, "{path}\n{tale}");
        assert!(story.expects_something(), "{path} does not say what must occur in it: {:#?}", ending.tally);
        let missed = story.missed(&ending.tally);
        assert!(missed.is_empty(), "{path}: {missed:?} did not occur\n{tale}\n{:#?}", ending.tally);
        count += 1;
    }
    assert!(count > 0);
}
