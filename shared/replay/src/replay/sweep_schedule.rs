//! Which models a sweep has to look at, and when.
//!
//! In reality every sweep looks at every model, and mostly finds what it found before. Here a model is looked at only
//! when a look could find something else: when what its decision rests on has changed, or when a time has come that the
//! decision is about. A test compares this with sweeps that look at everything.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use tidegate_engine::FunctionSpec;
use tidegate_functions::FUNCTIONS;

/// A model at a site, as one function sees it: by the function's place in the list, which is the order of sweeps at one
/// moment.
type Watched = (usize, usize, String);

/// Models and when they are to be looked at.
#[derive(Debug)]
pub(super) struct SweepSchedule {
    /// How often the sweep looks.
    every: SignedDuration,
    /// Until when all sweeps have been. What changes later is seen by the next one.
    last: Timestamp,
    due: BTreeSet<(Timestamp, Watched)>,
    when: BTreeMap<Watched, Timestamp>,
}

impl SweepSchedule {
    /// Nothing to look at, every so often.
    pub(super) fn new(every: SignedDuration) -> Self {
        Self { every, last: Timestamp::MIN, due: BTreeSet::new(), when: BTreeMap::new() }
    }

    /// Lets the first sweep from `at` on look at a model, unless one is to look earlier.
    pub(super) fn put(&mut self, at: Timestamp, site: usize, function: &str, model: &str) {
        let at = self.sweep_from(at);
        let place = FUNCTIONS.iter().position(|one| one.name == function).unwrap_or(FUNCTIONS.len());
        let watched = (site, place, model.to_owned());
        match self.when.get(&watched) {
            Some(before) if *before <= at => return,
            Some(before) => {
                self.due.remove(&(*before, watched.clone()));
            }
            None => {}
        }
        self.due.insert((at, watched.clone()));
        self.when.insert(watched, at);
    }

    /// The time went on, and with it the sweeps that had nothing to look at.
    pub(super) fn pass(&mut self, until: Timestamp) {
        self.last = self.last.max(until);
    }

    /// When the next sweep finds anything to look at.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes what the sweep at `at` looks at, by site and function.
    pub(super) fn take(&mut self, at: Timestamp) -> Vec<(usize, &'static FunctionSpec, Vec<String>)> {
        let mut looks: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
        self.pass(at);
        while let Some((due, _)) = self.due.first()
            && *due <= at
            && let Some((_, watched)) = self.due.pop_first()
        {
            self.when.remove(&watched);
            let (site, place, model) = watched;
            looks.entry((site, place)).or_default().push(model);
        }
        let looks = looks.into_iter().filter_map(|((site, place), mut models)| {
            models.sort();
            Some((site, *FUNCTIONS.get(place)?, models))
        });
        looks.collect()
    }

    /// The first sweep at or after a time that is still to come.
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
    fn a_model_is_looked_at_by_the_first_sweep_that_may_find_something() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let scale = named("scale").unwrap();
        let mut watch = SweepSchedule::new(SignedDuration::from_mins(5));
        watch.put(at(601), 0, "scale", "a");
        watch.put(at(100), 0, "scale", "b");
        watch.put(at(900), 0, "scale", "b");
        watch.put(at(300), 0, "scale", "a");
        assert_eq!(watch.next(), Some(at(300)));
        let looks = watch.take(at(300));
        assert_eq!(looks, [(0, scale, vec!["a".to_owned(), "b".to_owned()])]);
        assert_eq!(watch.next(), None);
        watch.put(at(300), 0, "scale", "a");
        assert_eq!(watch.next(), Some(at(600)), "this sweep has been");
    }
}
