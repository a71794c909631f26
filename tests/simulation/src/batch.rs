//! Batches of histories, on all cores.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::check::Violation;
use crate::history::History;
use crate::mutant::Mutant;
use crate::statistics::Statistics;

/// Which histories to run.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The first seed.
    pub from: u64,
    /// How many.
    pub runs: u64,
    /// The minimal duration; `runs` is then the minimal number.
    pub during: Option<Duration>,
    /// The mutant, if any.
    pub mutant: Option<Mutant>,
    /// The number of threads.
    pub threads: usize,
    /// The number of violations after which the batch stops.
    pub max_violations: usize,
}

/// A history that broke a rule.
#[derive(Debug, Clone, Serialize)]
pub struct FailedHistory {
    /// Its seed.
    pub seed: u64,
    /// The rule.
    pub rule: &'static str,
    /// What was observed.
    pub what: String,
}

/// The result of a batch.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// What occurred.
    #[serde(flatten)]
    pub statistics: Statistics,
    /// Those that broke a rule, by seed.
    pub broken: Vec<FailedHistory>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Histories a second.
    pub per_second: f64,
}

impl Batch {
    /// Runs them. `progress` receives the number of histories and of violations.
    pub fn run(&self, progress: impl Fn(u64, usize) + Sync) -> Summary {
        let begun = Instant::now();
        let next = AtomicU64::new(self.from);
        let stop = AtomicBool::new(false);
        let all = Mutex::new((Statistics::default(), Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        let time_left = self.during.is_some_and(|during| begun.elapsed() < during);
                        if seed >= self.from.saturating_add(self.runs) && !time_left {
                            return;
                        }
                        let (statistics, violation) = run_one(seed, self.mutant);
                        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                        let (total, broken) = &mut *all;
                        total.add(&statistics);
                        broken.extend(violation.map(|v| FailedHistory { seed, rule: v.rule, what: v.what }));
                        stop.fetch_or(broken.len() >= self.max_violations, Ordering::Relaxed);
                        progress(total.histories, broken.len());
                    }
                });
            }
        });
        let (statistics, mut broken) = all.into_inner().unwrap_or_else(PoisonError::into_inner);
        broken.sort_by_key(|broken| broken.seed);
        let seconds = begun.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let per_second = statistics.histories as f64 / seconds.max(f64::EPSILON);
        Summary { statistics, broken, seconds, per_second }
    }
}

fn run_one(seed: u64, mutant: Option<Mutant>) -> (Statistics, Option<Violation>) {
    match History::of_seed(seed).run(mutant, false) {
        Ok(result) => (result.statistics, result.violation),
        Err(what) => {
            let rule = "a history can be run";
            (Statistics::default(), Some(Violation { rule, what, at: jiff::Timestamp::UNIX_EPOCH }))
        }
    }
}
