//! The functions on files alone: [`explain`] one event, [`replay`] a stream of them.
//!
//! What runs here are the functions of the Lambdas themselves, on a [`Book`] instead of the ledger and a [`Mirror`]
//! instead of AWS. There is no network, no clock and no runtime: every port answers at once, and the time is the events'.

mod book;
mod by_name;
pub mod explain;
mod function;
pub mod input;
mod mirror;
mod poll;
pub mod replay;
mod site;
pub mod situation;

pub use book::Book;
pub(crate) use by_name::ByName;
pub use function::{Function, wanted_by};
pub use mirror::{Answers, Effect, Mirror, Pace};
pub use site::{Crew, HUB, Site};
