//! Which models a sweep checks, and when.
//!
//! A real sweep checks every model, and usually finds no change. Here a model is checked only if a check could find a
//! change: after a change of the decision's inputs, or at a time that the decision depends on. A test compares this
//! with sweeps that check every model.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use tidegate_engine::FunctionSpec;
use tidegate_functions::FUNCTIONS;

/// A model at a site, for one function. The function is identified by its index in the list, which determines the
/// order of sweeps at the same time.
type Check = (usize, usize, String);

/// The models to check, and when.
#[derive(Debug)]
pub(super) struct SweepSchedule {
    /// The interval of the sweep.
    every: SignedDuration,
    /// All sweeps until this time have run. The next sweep sees later changes.
    last: Timestamp,
    due: BTreeSet<(Timestamp, Check)>,
    when: BTreeMap<Check, Timestamp>,
}

impl SweepSchedule {
    /// A schedule without checks, for a sweep with the given interval.
    pub(super) fn new(every: SignedDuration) -> Self {
        Self { every, last: Timestamp::MIN, due: BTreeSet::new(), when: BTreeMap::new() }
    }

    /// Schedules a check of a model at the first sweep from `at` on, unless an earlier check is scheduled.
    pub(super) fn put(&mut self, at: Timestamp, site: usize, function: &str, model: &str) {
        let at = self.sweep_from(at);
        let place = FUNCTIONS.iter().position(|one| one.name == function).unwrap_or(FUNCTIONS.len());
        let check = (site, place, model.to_owned());
        match self.when.get(&check) {
            Some(before) if *before <= at => return,
            Some(before) => {
                self.due.remove(&(*before, check.clone()));
            }
            None => {}
        }
        self.due.insert((at, check.clone()));
        self.when.insert(check, at);
    }

    /// Records that all sweeps until a time have run without checks.
    pub(super) fn pass(&mut self, until: Timestamp) {
        self.last = self.last.max(until);
    }

    /// The time of the next sweep with a check.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Removes and returns the checks of the sweep at `at`, by site and function.
    pub(super) fn take(&mut self, at: Timestamp) -> Vec<(usize, &'static FunctionSpec, Vec<String>)> {
        let mut checks: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
        self.pass(at);
        while let Some((due, _)) = self.due.first()
            && *due <= at
            && let Some((_, check)) = self.due.pop_first()
        {
            self.when.remove(&check);
            let (site, place, model) = check;
            checks.entry((site, place)).or_default().push(model);
        }
        let checks = checks.into_iter().filter_map(|((site, place), mut models)| {
            models.sort();
            Some((site, *FUNCTIONS.get(place)?, models))
        });
        checks.collect()
    }

    /// The first future sweep at or after a time.
    fn sweep_from(&self, at: Timestamp) -> Timestamp {
        let at = at.max(self.last.checked_add(SignedDuration::from_nanos(1)).unwrap_or(at));
        let every = self.every.as_secs().max(1);
        let second = at.as_second().saturating_add(i64::from(at.subsec_nanosecond() > 0));
        let after = second.rem_euclid(every);
        let whole = if after == 0 { second } else { second.saturating_add(every).saturating_sub(after) };
        Timestamp::from_second(whole).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_functions::named;

    #[test]
    fn a_model_is_checked_by_the_first_sweep_that_may_find_something() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let scale = named("scale").unwrap();
        let mut schedule = SweepSchedule::new(SignedDuration::from_mins(5));
        schedule.put(at(601), 0, "scale", "a");
        schedule.put(at(100), 0, "scale", "b");
        schedule.put(at(900), 0, "scale", "b");
        schedule.put(at(300), 0, "scale", "a");
        assert_eq!(schedule.next(), Some(at(300)));
        let checks = schedule.take(at(300));
        assert_eq!(checks, [(0, scale, vec!["a".to_owned(), "b".to_owned()])]);
        assert_eq!(schedule.next(), None);
        schedule.put(at(300), 0, "scale", "a");
        assert_eq!(schedule.next(), Some(at(600)), "this sweep has been");
    }
}
