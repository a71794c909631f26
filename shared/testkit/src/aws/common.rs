//! Event bus, alerts and schedules.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use tidegate_engine::ports::{Alerts, Bus, Schedules};
use tidegate_engine::{CallError, DecisionRecord, EngineError};

use super::{Effect, FakeAws};

#[async_trait]
impl Bus for FakeAws {
    async fn publish(&self, detail_type: &str, detail: &Value) -> Result<(), CallError> {
        self.accept_as(detail_type, "events", "PutEvents").await?;
        let (detail_type, detail) = (detail_type.to_owned(), detail.clone());
        self.state().effects.push(Effect::Published { detail_type, detail });
        Ok(())
    }

    /// Nothing subscribes to `Decision Recorded` here.
    async fn announce(&self, _record: &DecisionRecord) -> Result<(), EngineError> {
        self.pass("events", "PutEvents").await?;
        Ok(())
    }
}

#[async_trait]
impl Alerts for FakeAws {
    async fn notify(&self, _subject: &str, _message: &str) -> Result<(), CallError> {
        self.accept("sns", "Publish").await?;
        self.state().effects.push(Effect::Notified);
        Ok(())
    }
}

#[async_trait]
impl Schedules for FakeAws {
    async fn schedule_at(&self, name: &str, at: Timestamp, input: &Value) -> Result<(), CallError> {
        self.accept("scheduler", "CreateSchedule").await?;
        let mut state = self.state();
        // An existing schedule with that name is a success and stays unchanged.
        if state.wakes.insert(name.to_owned()) {
            state.effects.push(Effect::Wake { name: name.to_owned(), at, input: input.clone() });
        }
        Ok(())
    }
}

impl FakeAws {
    /// A one-time schedule fired, which deletes it.
    pub fn fired(&self, name: &str) {
        self.state().wakes.remove(name);
    }
}
