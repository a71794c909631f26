//! A stream of events through the functions, in the order of time.
//!
//! The hub and every environment of the policies are there, each with its ledger and its aws of AWS. What the
//! functions send to each other is carried as the buses carry it, what they set schedules for happens at its time, and
//! their sweeps look whenever a look could find anything. Time is the events'; nothing waits.

mod batch;
mod compare;
mod delivery;
mod hub;
mod options;
mod own_events;
mod plans;
mod reader;
mod relevance;
mod shards;
mod simulation;
mod stack;
mod stats;
mod sweep_schedule;
mod sweeps;
mod timeline;
mod worker;

pub use batch::replay;
pub use options::{Options, ReplayError, Shown};
pub use stats::{Counted, Summary, ZeroTime};
