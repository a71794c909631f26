//! Sorts a stream by time, within a window.

use std::collections::VecDeque;

use jiff::Timestamp;

/// An item with its time.
#[derive(Debug)]
pub(crate) struct Timed<T> {
    /// Its time.
    pub(crate) at: Timestamp,
    /// Whether a later item had already left the window when it arrived.
    pub(crate) late: bool,
    /// The item.
    pub(crate) what: T,
}

/// The items in the window, in order: an earlier item may still arrive.
#[derive(Debug)]
pub(crate) struct Order<T> {
    /// A stream is almost sorted, so that most items are appended at the end.
    waiting: VecDeque<(Timestamp, T)>,
    last: Timestamp,
}

impl<T> Order<T> {
    pub(crate) fn new() -> Self {
        Self { waiting: VecDeque::new(), last: Timestamp::MIN }
    }

    /// Inserts an item after all items that are not later.
    pub(crate) fn push(&mut self, at: Timestamp, what: T) {
        let is_last = self.waiting.back().is_none_or(|(last, _)| *last <= at);
        let place =
            if is_last { self.waiting.len() } else { self.waiting.partition_point(|(one, _)| *one <= at) };
        self.waiting.insert(place, (at, what));
    }

    /// Removes the earliest item, if the window contains more than `window` items.
    pub(crate) fn pop_over(&mut self, window: usize) -> Option<Timed<T>> {
        if self.waiting.len() > window { self.pop() } else { None }
    }

    /// Removes the earliest item.
    pub(crate) fn pop(&mut self) -> Option<Timed<T>> {
        let (at, what) = self.waiting.pop_front()?;
        let late = at < self.last;
        self.last = self.last.max(at);
        Some(Timed { at: self.last, late, what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_within_the_window_is_put_in_order_and_what_comes_later_is_marked() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut order = Order::new();
        let mut out = Vec::new();
        for second in [3, 1, 2, 5, 4, 9, 8, 1, 10] {
            order.push(at(second), second);
            out.extend(order.pop_over(2).map(|timed| (timed.what, timed.late, timed.at)));
        }
        while let Some(timed) = order.pop() {
            out.push((timed.what, timed.late, timed.at));
        }
        let seconds: Vec<i64> = out.iter().map(|(second, ..)| *second).collect();
        assert_eq!(seconds, [1, 2, 3, 4, 5, 1, 8, 9, 10]);
        let late: Vec<i64> = out.iter().filter(|(_, late, _)| *late).map(|(second, ..)| *second).collect();
        assert_eq!(late, [1]);
        assert!(out.windows(2).all(|pair| pair[0].2 <= pair[1].2), "time never goes back");
    }

    #[test]
    fn what_happens_at_one_time_keeps_its_order() {
        let mut order = Order::new();
        for number in 0..5 {
            order.push(Timestamp::UNIX_EPOCH, number);
        }
        let out: Vec<i32> = std::iter::from_fn(|| order.pop()).map(|timed| timed.what).collect();
        assert_eq!(out, [0, 1, 2, 3, 4]);
    }
}
