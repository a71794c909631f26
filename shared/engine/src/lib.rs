//! Event → snapshot → decide → record → act → verify: the one path that every function takes, and the ports it needs.
//!
//! A function gives the engine a [`Case`]: how to observe, how to decide, what the checker says, and how to carry out one
//! action. The engine claims the event by what it means, writes the decision and its plan before anything is done, carries
//! the plan out, and publishes the record. It knows no AWS: [`ports`] say in domain words what a function needs.

pub mod arrival;
mod carry_out;
mod case;
mod contract;
mod error;
mod measure;
mod patience;
pub mod ports;
mod record;
mod run;

pub use case::{Case, DecisionOf, Handler, Subject};
pub use contract::decision_recorded_schema;
pub use error::{CallError, Class, EngineError};
pub use measure::{Journal, Measured, Meter, NoJournal, NoTime, Time};
pub use patience::MayThrottle;
pub use record::{ActionOutcome, DecisionRecord, EventRef, Fate, Outcome, Outcomes, SCHEMA};
pub use run::Engine;
