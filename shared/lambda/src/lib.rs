//! Glue for the mains: logging, typed environment, and from an invocation to the engine and back.

mod emf;
mod environment;
mod serve;
mod time;

pub use emf::NAMESPACE;
pub use environment::{Environment, MissingVariable};
pub use serve::{Parts, Problem, serve, start_logging};
