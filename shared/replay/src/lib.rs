//! The functions on files alone: [`explain`] one event, [`replay`] a stream of them.
//!
//! What runs here are the functions of the Lambdas themselves, on a [`Book`] instead of the ledger and a [`Mirror`]
//! instead of AWS. There is no network, no clock and no runtime: every port answers at once, and the time is the events'.

mod book;
mod by_name;
pub mod explain;
pub mod input;
mod mirror;
pub mod replay;
pub mod situation;
mod stack;

pub use book::Book;
pub(crate) use by_name::ByName;
pub use mirror::{Answers, Effect, Mirror, Pace};
pub(crate) use stack::Stack;
