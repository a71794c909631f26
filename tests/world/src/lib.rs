//! A model of Amazon SageMaker, Application Auto Scaling, SageMaker Runtime and CodeCommit, for tests.
//!
//! [`World`] is the model itself. It is synchronous and deterministic: it has no clock, no randomness and, except for
//! git repositories, no I/O. Every call passes the time, and [`World::advance`] returns what was emitted until then.
//!
//! [`WorldServer`] runs a [`World`] in real time and serves the AWS protocols over HTTP. Tests change a running world
//! with [`Control`]: commits, approvals, traffic, faults.
//!
//! | module | what |
//! |---|---|
//! | `world` | the state machine: calls, scheduled changes, emissions |
//! | `services` | the API operations, one folder for each AWS service |
//! | `resources` | the resources of one account in one region |
//! | `faults`, `throttle`, `visibility` | what can go wrong |
//! | `http` | the server: protocols, authorization, validation against the AWS API models, delivery to the emulator |
//! | `tests` | the model in virtual time |

mod account;
mod call_log;
mod emissions;
mod error;
mod faults;
mod http;
mod instance_types;
mod json;
mod outages;
mod pace;
mod resources;
mod services;
mod snapshot;
#[cfg(test)]
mod tests;
mod throttle;
mod visibility;
mod world;

pub use crate::account::{AccountRegion, Caller};
pub use crate::call_log::ApiCall;
pub use crate::emissions::{Emission, Event, Metric, Object};
pub use crate::error::ApiError;
pub use crate::faults::{EventFault, Fault, SlowAnswer};
pub use crate::http::api_models::{ApiModels, ModelError, UNTRANSLATED};
pub use crate::http::authorization::{Authorization, AuthorizationRequest, Authorizer, HttpAuthorizer};
pub use crate::http::control::Control;
pub use crate::http::emulator::{Emulator, EmulatorError};
pub use crate::http::server::{StartError, WorldConfig, WorldServer};
pub use crate::http::sink::{HttpSink, Sink};
pub use crate::outages::Outage;
pub use crate::pace::Pace;
pub use crate::services::codecommit::git::Pushed;
pub use crate::snapshot::{ComponentState, EndpointState, ExecutionState, PackageState, Snapshot};
pub use crate::world::World;
