//! Bus, alerts and schedules.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use tidegate_engine::CallError;
use tidegate_engine::ports::{Alerts, Bus, Schedules};

use crate::cloud::{Account, Alert, Published, Wakeup};

#[async_trait]
impl Bus for Account {
    async fn publish(&self, detail_type: &str, detail: &Value) -> Result<(), CallError> {
        let at = self.cloud.now();
        let event = Published { at, detail_type: detail_type.to_owned(), detail: detail.clone() };
        let put = || {
            self.state(|state| state.bus.push(event));
            Ok(())
        };
        self.cloud.faults.around("events", "PutEvents", put).await
    }
}

#[async_trait]
impl Alerts for Account {
    async fn notify(&self, subject: &str, message: &str) -> Result<(), CallError> {
        let alert = Alert { subject: subject.to_owned(), message: message.to_owned() };
        let tell = || {
            self.state(|state| state.alerts.push(alert));
            Ok(())
        };
        self.cloud.faults.around("sns", "Publish", tell).await
    }
}

#[async_trait]
impl Schedules for Account {
    async fn schedule_at(&self, name: &str, at: Timestamp, input: &Value) -> Result<(), CallError> {
        let wake = Wakeup { name: name.to_owned(), at, input: input.clone() };
        let create = || {
            // One that is there already is success, and stays as it is.
            self.state(|state| {
                state.schedules.entry(wake.name.clone()).or_insert(wake);
            });
            Ok(())
        };
        self.cloud.faults.around("scheduler", "CreateSchedule", create).await
    }
}
