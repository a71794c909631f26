//! Glue for the mains: logging, typed environment, and from an invocation to the engine and back.

mod environment;
mod serve;

pub use environment::{Environment, MissingVariable};
pub use serve::{Parts, Problem, serve, start_logging};
