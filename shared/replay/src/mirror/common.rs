//! Bus, alerts and schedules.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use tidegate_engine::ports::{Alerts, Bus, Schedules};
use tidegate_engine::{CallError, DecisionRecord, EngineError};

use super::{Effect, Mirror};

#[async_trait]
impl Bus for Mirror {
    async fn publish(&self, detail_type: &str, detail: &Value) -> Result<(), CallError> {
        let (detail_type, detail) = (detail_type.to_owned(), detail.clone());
        self.inner().effects.push(Effect::Published { detail_type, detail });
        Ok(())
    }

    /// Nobody here subscribes to what was decided.
    async fn announce(&self, _record: &DecisionRecord) -> Result<(), EngineError> {
        Ok(())
    }
}

#[async_trait]
impl Alerts for Mirror {
    async fn notify(&self, _subject: &str, _message: &str) -> Result<(), CallError> {
        self.inner().effects.push(Effect::Told);
        Ok(())
    }
}

#[async_trait]
impl Schedules for Mirror {
    async fn schedule_at(&self, name: &str, at: Timestamp, input: &Value) -> Result<(), CallError> {
        let mut known = self.inner();
        // One of that name that is there already is success, and stays as it is.
        if known.wakes.insert(name.to_owned()) {
            known.effects.push(Effect::Wake { name: name.to_owned(), at, input: input.clone() });
        }
        Ok(())
    }
}

impl Mirror {
    /// A one-time schedule fired, which deletes it.
    pub fn fired(&self, name: &str) {
        self.inner().wakes.remove(name);
    }
}
