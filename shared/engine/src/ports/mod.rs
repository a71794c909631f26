//! What a function needs from the world, in domain words. `shared/aws` has the real ones.

mod hub;
mod ledger;
mod spoke;
mod state;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use tidegate_events::DECISION_RECORDED;

use crate::{CallError, Class, DecisionRecord, EngineError};

pub use hub::{ApprovedPackage, Pipelines, Registry, RegistryPackage, Repository};
pub use ledger::{Applied, Claim, Entry, Ledger, Recorded, Stored};
pub use spoke::{Alarms, Capacity, Endpoints, InvocationQuery, Metrics, Reports, Sampler};
pub use state::{Remembered, StateKey, StateWrite, StoredState, Versioned};

/// The account's own event bus.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Publishes one event with source `tidegate`.
    async fn publish(&self, detail_type: &str, detail: &Value) -> Result<(), CallError>;

    /// Publishes a decision. A bus that nobody subscribes to need not turn it into JSON.
    async fn announce(&self, record: &DecisionRecord) -> Result<(), EngineError> {
        let detail = serde_json::to_value(record).map_err(|error| EngineError::Stored {
            what: format!("decision {}", record.id),
            message: error.to_string(),
        })?;
        Ok(self.publish(DECISION_RECORDED, &detail).await?)
    }
}

/// The account's alert topic.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// Tells people. The subject has at most 100 ASCII characters.
    async fn notify(&self, subject: &str, message: &str) -> Result<(), CallError>;
}

/// One-time schedules that invoke this function again.
#[async_trait]
pub trait Schedules: Send + Sync {
    /// Asks to be invoked with `input` at a time. A schedule of the same name that exists already is success.
    async fn schedule_at(&self, name: &str, at: Timestamp, input: &Value) -> Result<(), CallError>;
}

/// The schedules of a function that schedules nothing: its template gives it no schedule group.
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
