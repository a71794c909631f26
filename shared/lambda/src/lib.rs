//! Code that the mains share: logging, environment variables, and the handling of an invocation.

mod commands;
mod emf;
mod environment;
mod serve;
mod time;

pub use commands::serve_commands;
pub use emf::NAMESPACE;
pub use environment::{Environment, MissingVariable};
pub use serve::{Parts, Problem, serve, start_logging};
