//! Runs the functions on a stream of events, in the order of time.
//!
//! The hub and every environment of the policies have a ledger and a fake AWS each. The functions' events are
//! delivered as the buses deliver them, their one-time schedules fire at their time, and their sweeps run whenever a
//! sweep could find a change. The time is that of the events; nothing waits.

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
