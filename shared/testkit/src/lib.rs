//! What the functions run on without Lambda and without AWS: for `explain`, `replay`, the scenarios and the simulation.
//!
//! [`Runtime`] has the functions of one site. Its ports answer at once, so an invocation is a future that is ready when
//! it is first polled: [`poll_once`].

mod poll;
mod runtime;

pub use poll::poll_once;
pub use runtime::Runtime;
