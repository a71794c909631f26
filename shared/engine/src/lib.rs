//! Event → snapshot → decide → record → act → verify: the one path that every function takes, and the ports it needs.
//!
//! A function gives the engine a [`Case`]: how to observe, how to decide, what the checker says, and how to carry out one
//! action. The engine claims the event by what it means, writes the decision and its plan before anything is done, carries
//! the plan out, and publishes the record. It knows no AWS: [`ports`] say in domain words what a function needs.

mod carry_out;
mod case;
mod contract;
mod error;
mod function;
mod measure;
pub mod ports;
mod record;
pub mod resolve;
mod retry;
mod run;

pub use case::{Case, DecisionOf, Handler, Subject};
pub use contract::decision_recorded_schema;
pub use error::{CallError, Class, EngineError};
pub use function::{CHECK_SECONDS, FunctionSpec, HUB, LEASE, Ports, Scope, Site, round_trip};
pub use measure::{DecisionLog, Measured, Meter, NoDecisionLog, NoTime, Time};
pub use record::{ActionOutcome, ActionStatus, DecisionRecord, EventRef, Outcome, Outcomes, SCHEMA};
pub use retry::MayThrottle;
pub use run::Engine;
