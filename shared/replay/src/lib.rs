//! Runs the functions on files: [`explain`] evaluates one event, [`replay`] a stream of events.
//!
//! The functions are those of the Lambdas. They run on a ledger in memory and a fake AWS. There is no network, no
//! clock and no async runtime: every port responds immediately, and the time is that of the events.

pub mod explain;
pub mod input;
pub mod replay;
