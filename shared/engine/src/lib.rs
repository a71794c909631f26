//! Event → claim → snapshot → decide → check → record → act → publish → verify: the path of an event through every
//! function, and the ports that the functions need.
//!
//! A function implements [`Adapter`]: how to read the facts that its controller needs, and how to make its AWS calls.
//! The engine claims the event by its idempotency key, calls the controller to decide, records the decision and its
//! plan before any step is executed, executes the plan, and publishes the record. The engine executes the common steps
//! (notify, schedule a check, publish) itself. It does not depend on an AWS SDK: the traits in [`ports`] describe in
//! domain terms what a function needs.

mod adapter;
mod carry_out;
mod contract;
mod engine;
mod error;
mod fleet;
mod function;
mod limits;
mod measure;
pub mod ports;
mod publish_again;
mod record;
pub mod refusals;
pub mod resolve;
mod retry;
mod run;
mod sweep;

pub use adapter::{Adapter, Handler, Subject};
pub use contract::decision_recorded_schema;
pub use engine::Engine;
pub use error::{CallError, Class, EngineError};
pub use function::{FunctionSpec, LEASE, Ports, round_trip};
pub use limits::Limits;
pub use measure::{DecisionLog, Measured, Meter, NoDecisionLog, NoTime, Time};
pub use record::{
    ActionOutcome, ActionStatus, DecisionRecord, EventRef, MAX_OUTCOMES, Outcome, Outcomes, SCHEMA,
};
pub use retry::MayThrottle;
pub use sweep::Prefetched;
pub use tidegate_policy::site::{CHECK_SECONDS, HUB, Scope, Site};
