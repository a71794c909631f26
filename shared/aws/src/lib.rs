//! The adapters of the engine's ports on the AWS SDK. This is the only crate that depends on the SDK.
//!
//! [`Aws`] constructs the adapters. Each adapter has only the clients that it needs, so that the binary of a function
//! links only the services that it calls. The adapters make calls and contain no rule. They convert answers of AWS to
//! domain types, and errors to a [`CallError`](tidegate_engine::CallError) with a class, as long as the SDK's
//! structured error is available.

mod alarms;
mod alerts;
mod bus;
mod capacity;
mod config;
mod convert;
mod counting;
mod endpoints;
mod error;
mod gate_sources;
mod ledger;
mod metrics;
#[cfg(feature = "install")]
pub mod operate;
mod pipelines;
mod registry;
mod reports;
mod repository;
mod s3_text;
mod sampler;
mod scalable_targets;
mod schedules;
mod tags;
mod target_tracking;
#[cfg(test)]
mod tests;

pub use alarms::CloudWatchAlarms;
pub use alerts::AlertTopic;
pub use bus::EventBus;
pub use capacity::ComponentCapacity;
pub use config::Aws;
pub use endpoints::SageMakerEndpoints;
pub use gate_sources::HubGateSources;
pub use ledger::{DynamoLedger, StoredText, TextPage};
pub use metrics::CloudWatchMetrics;
pub use pipelines::SageMakerPipelines;
pub use registry::ModelRegistry;
pub use reports::S3Reports;
pub use repository::CodeCommit;
pub use sampler::RuntimeSampler;
pub use schedules::OneTimeSchedules;
