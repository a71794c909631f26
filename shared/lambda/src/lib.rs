//! Glue for the mains: logging, typed environment, and from an invocation to the engine and back.

mod environment;
mod journal;
mod serve;
mod time;

pub use environment::{Environment, MissingVariable};
pub use journal::NAMESPACE;
pub use serve::{Parts, Problem, serve, start_logging};
