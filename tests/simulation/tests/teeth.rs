//! The simulation finds what it must find: each change that takes a guard away, within ten thousand histories.

use tidegate_simulation::{Many, Mutant};

const WITHIN: u64 = 10_000;

/// Plays with a mutant until it is found: after how many histories, and which rule it broke.
fn found(mutant: Mutant) -> Option<(u64, &'static str)> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let many = Many { from: 0, runs: WITHIN, during: None, mutant: Some(mutant), threads: cores, enough: 1 };
    let summary = many.play(|_, _| {});
    summary.broken.first().map(|first| (summary.tally.histories, first.rule))
}

#[test]
fn every_mutant_is_found() {
    for mutant in Mutant::ALL {
        let found = found(*mutant);
        assert!(found.is_some(), "{} was not found: {}", mutant.name(), mutant.does());
        let (histories, rule) = found.unwrap();
        println!("{:24} found after {histories:5} histories: {rule}", mutant.name());
    }
}
