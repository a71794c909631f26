//! Our model of SageMaker: a state machine with a life of its own and an awsJson HTTP door.
//!
//! The core, [`World`], is synchronous and deterministic: it has no clock, no randomness and (but for reading git
//! repositories) no I/O. Time comes with every call, and [`World::advance`] says what happened until then.
//!
//! [`WorldServer`] puts it on real time behind a port that speaks the protocols of SageMaker, SageMaker Runtime,
//! Application Auto Scaling and CodeCommit. [`Control`] pulls its strings: commits, approvals, traffic, mischief.

mod authorize;
mod autoscaling;
mod codecommit;
mod component;
mod control;
mod core;
mod door;
mod emulator;
mod endpoint;
mod endpoint_config;
mod error;
mod event;
mod git;
mod iam;
mod journal;
mod json;
#[cfg(test)]
mod life;
mod mischief;
mod model;
mod pace;
mod package_update;
mod pipeline;
mod place;
mod registry;
mod resource_policy;
mod runtime;
mod scaling_policy;
mod scope;
mod server;
mod sink;
mod snapshot;
mod tags;
mod throttle;
mod validate;

pub use crate::authorize::{Authorization, AuthorizationRequest, Authorizer, HttpAuthorizer};
pub use crate::control::Control;
pub use crate::core::World;
pub use crate::emulator::{Emulator, EmulatorError};
pub use crate::error::ApiError;
pub use crate::event::{Emission, Event, Metric, Object};
pub use crate::git::Pushed;
pub use crate::journal::JournalEntry;
pub use crate::mischief::{Fate, Mischief};
pub use crate::pace::Pace;
pub use crate::place::{Caller, Place};
pub use crate::server::{StartError, WorldConfig, WorldServer};
pub use crate::sink::{HttpSink, Sink};
pub use crate::snapshot::{ComponentState, EndpointState, ExecutionState, PackageState, Snapshot};
pub use crate::validate::{ApiModels, ModelError, UNTRANSLATED};
