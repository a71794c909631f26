//! Futures that are ready when they are first asked.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// What a future gives when it is polled once. Nothing here waits, so there is nothing to wake it.
pub(crate) fn at_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
