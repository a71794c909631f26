//! The ports: traits that describe in domain terms what a function needs. The crate `tidegate-aws` implements them with
//! the AWS SDK.

mod gates;
mod hub;
mod ledger;
mod spoke;
mod state;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use tidegate_events::DECISION_RECORDED;

use crate::{CallError, Class, DecisionRecord, EngineError};

pub use gates::GateSources;
pub use hub::{ApprovedPackage, Pipelines, Registry, RegistryPackage, Repository};
pub use ledger::{
    Applied, Batch, CLAIM_DAYS, Claim, Entry, Ledger, MAX_BATCH, Recorded, Stored, SweepCursor,
};
pub use spoke::{Alarms, Capacity, Endpoints, InvocationQuery, Metrics, Reports, Sampler, Window};
pub use state::{Remembered, StateKey, StateWrite, StoredState, Versioned};

/// The event bus of the account.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Publishes one event with source `tidegate`.
    async fn publish(&self, detail_type: &str, detail: &Value) -> Result<(), CallError>;

    /// Publishes a decision. An implementation without subscribers can override it, to avoid the serialization to JSON.
    async fn announce(&self, record: &DecisionRecord) -> Result<(), EngineError> {
        let detail = serde_json::to_value(record).map_err(|error| EngineError::Stored {
            what: format!("decision {}", record.id),
            message: error.to_string(),
        })?;
        Ok(self.publish(DECISION_RECORDED, &detail).await?)
    }
}

/// The SNS topic of the account for alerts.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// Notifies people. The subject has at most 100 ASCII characters.
    async fn notify(&self, subject: &str, message: &str) -> Result<(), CallError>;
}

/// One-time schedules that invoke the same function again.
#[async_trait]
pub trait Schedules: Send + Sync {
    /// Creates a schedule that invokes the function with `input` at a time. If a schedule of that name exists already,
    /// the call succeeds.
    async fn schedule_at(&self, name: &str, at: Timestamp, input: &Value) -> Result<(), CallError>;
}

/// An implementation for a function that schedules nothing. The template of such a function has no schedule group, and
/// each call fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSchedules;

#[async_trait]
impl Schedules for NoSchedules {
    async fn schedule_at(&self, name: &str, _at: Timestamp, _input: &Value) -> Result<(), CallError> {
        Err(CallError {
            service: "scheduler",
            operation: "CreateSchedule",
            class: Class::Permanent,
            message: format!("{name} was not created: this function has no schedule group"),
        })
    }
}
