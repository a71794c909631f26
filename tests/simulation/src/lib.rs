//! The real functions in virtual time, with faults, checked after every step.

mod actions;
mod batch;
mod check;
mod data_events;
mod describe;
mod event_bus;
mod fault_actions;
mod faults;
mod final_state;
mod fleet;
mod generate;
mod history;
mod invocation_log;
mod invoke;
mod mutant;
mod pending_actions;
mod quiescence;
mod repositories;
mod rng;
mod run;
mod runner;
mod settings;
mod shrink;
mod site;
mod statistics;
mod system;
mod temporary;
mod trace;

pub use batch::{Batch, FailedHistory, Summary};
pub use check::Violation;
pub use history::History;
pub use mutant::Mutant;
pub use run::RunResult;
pub use statistics::Statistics;
