//! Futures that are ready when they are first polled.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// What a future gives when it is polled once; `None` if it is not ready.
pub fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
