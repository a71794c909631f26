//! The functions on files alone: [`explain`] one event, [`replay`] a stream of them.
//!
//! What runs here are the functions of the Lambdas themselves, on a ledger in memory and a fake AWS. There is no network,
//! no clock and no async runtime: every port answers at once, and the time is the events'.

pub mod explain;
pub mod input;
pub mod replay;
