//! The simulation finds every mutant within a thousand histories.

use tidegate_simulation::{Batch, FailedHistory, History, Mutant};

const WITHIN: u64 = 1_000;

/// Runs histories with a mutant until it is found; returns their number and the violation.
fn found(mutant: Mutant) -> Option<(u64, FailedHistory)> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let batch = Batch {
        from: 0,
        runs: WITHIN,
        during: None,
        mutant: Some(mutant),
        threads: cores,
        max_violations: 1,
    };
    let summary = batch.run(|_, _| {});
    Some((summary.statistics.histories, summary.broken.into_iter().next()?))
}

#[test]
fn every_mutant_is_found() {
    for mutant in Mutant::ALL {
        let found = found(*mutant);
        assert!(found.is_some(), "{} was not found: {}", mutant.name(), mutant.does());
        let (histories, FailedHistory { seed, rule, .. }) = found.unwrap();
        // The mutant is the cause: without it the same seed breaks no rule.
        let without = History::of_seed(seed).run(None, false).unwrap().violation;
        assert_eq!(without, None, "{}: seed {seed} breaks a rule without it", mutant.name());
        println!("{:24} found after {histories:5} histories, with seed {seed}: {rule}", mutant.name());
    }
}
