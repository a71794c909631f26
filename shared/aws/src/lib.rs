//! The only crate that names an AWS SDK: one adapter a service, each behind a port of `tidegate-engine`.
//!
//! [`Aws`] makes them. Every adapter holds the clients that it needs and no other, so that a function's binary links
//! only the services it calls. Adapters carry out; they decide nothing. What AWS answers is turned into domain words
//! here, and what it refuses into a [`CallError`](tidegate_engine::CallError) with a class, while the SDK's structured
//! error still exists.

mod alarms;
mod alerts;
mod bus;
mod capacity;
mod config;
mod convert;
mod counting;
mod endpoints;
mod error;
mod ledger;
mod metrics;
#[cfg(feature = "operate")]
pub mod operate;
mod pipelines;
mod registry;
mod reports;
mod repository;
mod sampler;
mod schedules;
#[cfg(test)]
mod tests;

pub use alarms::CloudWatchAlarms;
pub use alerts::AlertTopic;
pub use bus::EventBus;
pub use capacity::ComponentCapacity;
pub use config::Aws;
pub use endpoints::SageMakerEndpoints;
pub use ledger::DynamoLedger;
pub use metrics::CloudWatchMetrics;
pub use pipelines::SageMakerPipelines;
pub use registry::ModelRegistry;
pub use reports::S3Reports;
pub use repository::CodeCommit;
pub use sampler::RuntimeSampler;
pub use schedules::OneTimeSchedules;
