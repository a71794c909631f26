//! The random generator of the simulation, with one seed.

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// Draws numbers. The sequence of a seed rests on PCG's published output alone, so a seed means the same next year.
#[derive(Debug, Clone)]
pub(crate) struct SeededRng(Pcg64Mcg);

impl SeededRng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Pcg64Mcg::seed_from_u64(seed))
    }

    /// A number below `n`; 0 if there is none.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        // The bias is n / 2^64.
        self.0.next_u64().checked_rem(n).unwrap_or_default()
    }

    /// A number from `low` up to and with `high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in so many cases of a hundred.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of several; `None` only if there are none.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(usize::try_from(self.below(of.len() as u64)).unwrap_or_default())
    }

    /// One of several, the first of which is also the answer if `of` were empty.
    pub(crate) fn one<T: Copy>(&mut self, first: T, others: &[T]) -> T {
        let at = self.below(others.len() as u64 + 1);
        at.checked_sub(1).and_then(|at| others.get(usize::try_from(at).ok()?)).copied().unwrap_or(first)
    }

    /// One of several, each as often as its weight says.
    pub(crate) fn weighted<'a, T>(&mut self, of: &'a [(u64, T)]) -> Option<&'a T> {
        let mut at = self.below(of.iter().map(|(weight, _)| weight).sum());
        of.iter()
            .find(|(weight, _)| {
                let here = at < *weight;
                at = at.saturating_sub(*weight);
                here
            })
            .map(|(_, what)| what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_on_every_machine() {
        let mut rng = SeededRng::new(7);
        let drawn: Vec<u64> = (0..6).map(|_| rng.below(1_000)).collect();
        assert_eq!(
            drawn,
            [830, 458, 819, 668, 135, 802],
            "the sequence of a seed has changed: old histories cannot be repeated"
        );
    }

    #[test]
    fn a_weight_of_nothing_is_never_drawn() {
        let mut rng = SeededRng::new(1);
        assert!((0..100).all(|_| rng.weighted(&[(0, 'a'), (1, 'b'), (0, 'c')]) == Some(&'b')));
        assert_eq!(rng.weighted::<char>(&[]), None);
    }
}
