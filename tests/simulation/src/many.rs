//! Many histories, on all cores.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::check::Violation;
use crate::mutant::Mutant;
use crate::step::Story;
use crate::tally::Tally;

/// Which histories are to be played.
#[derive(Debug, Clone)]
pub struct Many {
    /// The first seed.
    pub from: u64,
    /// How many.
    pub runs: u64,
    /// For how long at least; then `runs` is the least.
    pub during: Option<Duration>,
    /// With which change of Tidegate.
    pub mutant: Option<Mutant>,
    /// On how many threads.
    pub threads: usize,
    /// After how many violations it is enough.
    pub enough: usize,
}

/// A history that broke a rule.
#[derive(Debug, Clone, Serialize)]
pub struct Broken {
    /// Its seed.
    pub seed: u64,
    /// The rule.
    pub rule: &'static str,
    /// What was seen.
    pub what: String,
}

/// What came of many histories.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// What was tried.
    #[serde(flatten)]
    pub tally: Tally,
    /// Those that broke a rule, by seed.
    pub broken: Vec<Broken>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Histories a second.
    pub per_second: f64,
}

impl Many {
    /// Plays them. `told` hears now and then how many were played, and of how many violations.
    pub fn play(&self, told: impl Fn(u64, usize) + Sync) -> Summary {
        let begun = Instant::now();
        let next = AtomicU64::new(self.from);
        let stop = AtomicBool::new(false);
        let all = Mutex::new((Tally::default(), Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        let time_left = self.during.is_some_and(|during| begun.elapsed() < during);
                        if seed >= self.from.saturating_add(self.runs) && !time_left {
                            return;
                        }
                        let (tally, violation) = played(seed, self.mutant);
                        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                        let (total, broken) = &mut *all;
                        total.add(&tally);
                        broken.extend(violation.map(|v| Broken { seed, rule: v.rule, what: v.what }));
                        stop.fetch_or(broken.len() >= self.enough, Ordering::Relaxed);
                        told(total.histories, broken.len());
                    }
                });
            }
        });
        let (tally, mut broken) = all.into_inner().unwrap_or_else(PoisonError::into_inner);
        broken.sort_by_key(|broken| broken.seed);
        let seconds = begun.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let per_second = tally.histories as f64 / seconds.max(f64::EPSILON);
        Summary { tally, broken, seconds, per_second }
    }
}

fn played(seed: u64, mutant: Option<Mutant>) -> (Tally, Option<Violation>) {
    match Story::of_seed(seed).play(mutant, false) {
        Ok(ending) => (ending.tally, ending.violation),
        Err(what) => {
            let rule = "a history can be played";
            (Tally::default(), Some(Violation { rule, what, at: jiff::Timestamp::UNIX_EPOCH }))
        }
    }
}
