//! Futures that are ready at their first poll.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Polls a future once and returns its output; `None` if it is not ready.
pub fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
