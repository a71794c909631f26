//! Invocations of one endpoint over time.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

/// The longest period that is queried: scale queries the last fourteen days.
const KEPT: SignedDuration = SignedDuration::from_hours(15 * 24);

/// Running totals, so that a sum over any period needs two searches.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// The second, and the total up to and including it.
    totals: VecDeque<(i64, u64)>,
    last: Option<Timestamp>,
}

impl Traffic {
    /// Adds a datapoint. A datapoint that is older than the newest counts as if it had the newest one's time.
    pub(super) fn add(&mut self, at: Timestamp, invocations: u64) {
        let second = at.as_second().max(self.totals.back().map_or(i64::MIN, |(second, _)| *second));
        let total = self.totals.back().map_or(0, |(_, total)| *total).saturating_add(invocations);
        match self.totals.back_mut() {
            Some(newest) if newest.0 == second => newest.1 = total,
            _ => self.totals.push_back((second, total)),
        }
        if invocations > 0 {
            self.last = self.last.max(Some(at));
        }
        let oldest = second.saturating_sub(KEPT.as_secs());
        while self.totals.get(1).is_some_and(|(second, _)| *second < oldest) {
            self.totals.pop_front();
        }
    }

    /// The sum from `from` until `now`; zero without datapoints, like CloudWatch.
    pub(super) fn sum(&self, from: Timestamp, now: Timestamp) -> u64 {
        let total_before = |end: i64| {
            let index = self.totals.partition_point(|(second, _)| *second < end);
            index.checked_sub(1).and_then(|index| self.totals.get(index)).map_or(0, |(_, total)| *total)
        };
        total_before(now.as_second().saturating_add(1)).saturating_sub(total_before(from.as_second()))
    }

    /// The last datapoint that was not zero.
    pub(super) fn last(&self) -> Option<Timestamp> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn sums_are_those_of_the_datapoints_in_the_span() {
        let mut traffic = Traffic::default();
        for (second, invocations) in [(0, 3), (60, 0), (120, 4), (180, 5)] {
            traffic.add(at(second), invocations);
        }
        assert_eq!(traffic.sum(at(0), at(180)), 12);
        assert_eq!(traffic.sum(at(1), at(180)), 9);
        assert_eq!(traffic.sum(at(120), at(179)), 4);
        assert_eq!(traffic.sum(at(181), at(999)), 0);
        assert_eq!(traffic.last(), Some(at(180)));
    }

    #[test]
    fn a_datapoint_that_comes_late_is_not_lost_and_old_ones_do_not_pile_up() {
        let mut traffic = Traffic::default();
        traffic.add(at(600), 1);
        traffic.add(at(0), 2);
        assert_eq!(traffic.sum(at(600), at(600)), 3);
        for minute in 0..60 * 24 * 40 {
            traffic.add(at(1_000 + minute * 60), 1);
        }
        assert!(traffic.totals.len() < 60 * 24 * 16, "{}", traffic.totals.len());
        assert_eq!(traffic.sum(at(1_000 + 60 * (60 * 24 * 40 - 10)), at(10_000_000)), 10);
    }
}
