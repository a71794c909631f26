//! The local cloud: an AWS emulator with Tidegate's stacks deployed in three accounts, and the world beside it.
//!
//! [`LocalCloud::start`] does everything from a checkout: it makes the Python environment, builds the functions' zips,
//! starts the world and the emulator on free ports, and runs `tidegate install`. The cloud stops when it is dropped.

mod aws;
mod bad_day;
mod binaries;
mod cloud;
mod installation;
mod paths;
mod python;
mod watch;

pub use aws::{AwsClient, AwsError};
pub use bad_day::{BadDay, DayReport};
pub use binaries::{Build, Zips, build as build_zips};
pub use cloud::{Account, CloudConfig, HUB, LocalCloud, PRODUCTION, REGION, STAGING};
pub use installation::{ARTIFACT_KEY, with_artifact_key};
pub use paths::workspace;
pub use python::{api_models, environment as python_environment};
pub use watch::{Heard, Watch};

/// Why the local cloud could not do something, in words for people.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Something that must be installed is not.
    #[error("{what} is missing; install it with: {install}")]
    Missing {
        /// What.
        what: &'static str,
        /// The command.
        install: &'static str,
    },
    /// A command failed.
    #[error("{what} failed: {output}")]
    Command {
        /// Which.
        what: String,
        /// What it said.
        output: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The emulator did not do as asked.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// The world did not do as asked.
    #[error("the world: {0}")]
    World(String),
    /// Something did not happen in time.
    #[error("waited {seconds} s in vain for {what}")]
    Waited {
        /// For what.
        what: String,
        /// How long.
        seconds: u64,
    },
}

impl SandboxError {
    pub(crate) fn file(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }
}
