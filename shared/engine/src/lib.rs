//! Event → snapshot → decide → record → act → verify: the one path that every function takes, and the ports it needs.
//!
//! A function gives the engine an [`Adapter`]: how to read what its controller needs, and how to make its own calls. The
//! engine claims the event by its idempotency key, lets the controller decide, writes the decision and its plan before
//! anything is done, carries the plan out, and publishes the record. It takes the common steps (notify, schedule a check,
//! publish) itself. It knows no AWS: [`ports`] say in domain words what a function needs.

mod adapter;
mod carry_out;
mod contract;
mod error;
mod function;
mod measure;
pub mod ports;
mod record;
pub mod resolve;
mod retry;
mod run;

pub use adapter::{Adapter, Handler, Subject};
pub use contract::decision_recorded_schema;
pub use error::{CallError, Class, EngineError};
pub use function::{FunctionSpec, LEASE, Ports, round_trip};
pub use measure::{DecisionLog, Measured, Meter, NoDecisionLog, NoTime, Time};
pub use record::{ActionOutcome, ActionStatus, DecisionRecord, EventRef, Outcome, Outcomes, SCHEMA};
pub use retry::MayThrottle;
pub use run::Engine;
pub use tidegate_policy::site::{CHECK_SECONDS, HUB, Scope, Site};
