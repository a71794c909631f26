//! A stream of events through the functions, in the order of time.
//!
//! The hub and every environment of the policies are there, each with its ledger and its mirror of AWS. What the
//! functions send to each other is carried as the buses carry it, what they set schedules for happens at its time, and
//! their sweeps look whenever a look could find anything. Time is the events'; nothing waits.

mod agenda;
mod batch;
mod carry;
mod compare;
mod concerned;
mod hub;
mod own_events;
mod plans;
mod reader;
mod shards;
mod simulation;
mod sweeps;
mod tally;
mod watch;
mod worker;

pub use batch::{Options, ReplayError, Shown, replay};
pub use tally::{Counted, Summary, ZeroTime};
