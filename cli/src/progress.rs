//! How far a long input is read.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tidegate_replay::input::size;

/// From this size on the input is long enough for a progress bar, in bytes.
const LONG: u64 = 4 * 1024 * 1024;
/// How often the bar moves.
const PERIOD: Duration = Duration::from_millis(100);

/// Only for long input, and only where somebody looks: indicatif draws nothing if standard error is no terminal. Where
/// the output itself fills the terminal it is enough of a sign, and the bar would be in its way.
pub(crate) fn bar(input: &Path, is_in_the_way: bool) -> ProgressBar {
    match size(input).filter(|bytes| *bytes >= LONG && !is_in_the_way) {
        None => ProgressBar::hidden(),
        Some(bytes) => {
            let bar = ProgressBar::new(bytes);
            let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes}, {eta} left");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        }
    }
}

/// Works, and moves the bar on meanwhile by what is read: the output may be little, and far between.
pub(crate) fn follow<T>(bar: &ProgressBar, read: &AtomicU64, work: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        // Dropped when the work is over, also if it panics.
        let (_working, over) = channel::<()>();
        scope.spawn(move || {
            while over.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                bar.set_position(read.load(Ordering::Relaxed));
            }
        });
        work()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_moves_without_any_output() {
        let (bar, read) = (ProgressBar::hidden(), AtomicU64::new(0));
        let moved = follow(&bar, &read, || {
            read.store(7, Ordering::Relaxed);
            let waits = (0..100).take_while(|_| bar.position() < 7);
            waits.for_each(|_| thread::sleep(PERIOD));
            bar.position()
        });
        assert_eq!(moved, 7);
    }
}
