//! What the scenario files cover.

use std::collections::BTreeSet;

use tidegate_policy::decision::Verdict;
use tidegate_policy::reason::Reason;
use tidegate_scenarios::scenario::{Decided, root};
use tidegate_testkit::scenario::Scenario;

/// Reasons that no situation leads to, and why they are there all the same.
const UNREACHABLE: &[(&str, &str)] = &[
    ("gate_not_read", "promote reads what the gates of the next environment need"),
    ("version_unreadable", "promote reads the same version in the registry before, and fails if it may not"),
    ("real_time_minimum_is_one", "no file may ask for it; a policy that was applied before that may"),
    ("violates_invariant", "the checker would have to object to a decision of ours"),
];

fn load() -> Vec<Scenario> {
    let files = Scenario::files(&root()).unwrap_or_else(|error| panic!("{error}"));
    let load = |file| Scenario::load(file, None).unwrap_or_else(|error| panic!("{error}"));
    files.iter().map(|file| load(file)).collect()
}

fn decided() -> Vec<(Scenario, Decided)> {
    let decide = |scenario: Scenario| {
        let decided = Decided::by(&scenario).unwrap_or_else(|error| panic!("{}: {error}", scenario.name));
        (scenario, decided)
    };
    load().into_iter().map(decide).collect()
}

/// Says how many of `wanted` a scenario ends with; each must, but for those that are said to be out of reach.
fn covered(what: &str, wanted: &[&str], unreachable: &[(&str, &str)], seen: &BTreeSet<String>) {
    let known: BTreeSet<&str> = unreachable.iter().map(|(code, _)| *code).collect();
    let reachable: Vec<&str> = wanted.iter().copied().filter(|code| !known.contains(code)).collect();
    let missing: Vec<&str> = reachable.iter().copied().filter(|code| !seen.contains(*code)).collect();
    let (all, with) = (reachable.len(), reachable.len() - missing.len());
    println!("{what} with a scenario: {with} of {all}, {} %", with * 100 / all);
    for (code, why) in unreachable {
        println!("  not counted: {code}, because {why}");
    }
    assert!(missing.is_empty(), "{what} without a scenario: {missing:?}");
    let reached: Vec<&&str> = known.iter().filter(|code| seen.contains(**code)).collect();
    assert!(reached.is_empty(), "said to be unreachable: {reached:?}");
    assert!(known.iter().all(|code| wanted.contains(code)));
}

#[test]
fn every_reason_has_a_scenario() {
    let seen = decided().into_iter().map(|(_, decided)| decided.reason).collect();
    covered("reason codes", Reason::CODES, UNREACHABLE, &seen);
}

#[test]
fn every_verdict_has_a_scenario() {
    let seen = decided().into_iter().map(|(_, decided)| decided.verdict).collect();
    let verdicts: Vec<&str> = Verdict::ALL.iter().map(|verdict| verdict.code()).collect();
    assert_eq!(verdicts.len(), Verdict::NoChange as usize + 1, "a verdict is missing in the list of all");
    covered("verdicts", &verdicts, &[], &seen);
}

#[test]
fn a_decision_is_the_same_every_time() {
    for (found, first) in decided() {
        assert_eq!(Decided::by(&found).unwrap(), first, "{}", found.name);
    }
}
