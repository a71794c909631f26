//! The progress bar for a long input.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tidegate_replay::input::size;

/// The size of an input, in bytes, from which a progress bar is shown.
const LONG_INPUT: u64 = 4 * 1024 * 1024;
/// The interval at which the bar is updated.
const PERIOD: Duration = Duration::from_millis(100);

/// Creates a progress bar. It is hidden for short input, and indicatif draws nothing if standard error is not a
/// terminal. It is also hidden if the output goes to the same terminal.
pub(crate) fn bar(input: &Path, is_in_the_way: bool) -> ProgressBar {
    match size(input).filter(|bytes| *bytes >= LONG_INPUT && !is_in_the_way) {
        None => ProgressBar::hidden(),
        Some(bytes) => {
            let bar = ProgressBar::new(bytes);
            let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes}, {eta} left");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        }
    }
}

/// Runs the work and updates the bar with the number of bytes that were read.
pub(crate) fn follow<T>(bar: &ProgressBar, read: &AtomicU64, work: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        // The sender is dropped when the work ends, also after a panic.
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
