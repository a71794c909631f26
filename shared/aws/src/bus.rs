//! The event bus of the account.

use async_trait::async_trait;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::operation::put_events::PutEventsOutput;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use serde_json::Value;
use tidegate_engine::{CallError, ports::Bus};

use crate::error::{class_of, failed, refused};

const SERVICE: &str = "events";
const PUT: &str = "PutEvents";

/// Amazon EventBridge.
#[derive(Debug, Clone)]
pub struct EventBus {
    client: Client,
    name: String,
}

impl EventBus {
    pub(crate) fn new(client: Client, name: &str) -> Self {
        Self { client, name: name.to_owned() }
    }
}

#[async_trait]
impl Bus for EventBus {
    async fn publish(&self, detail_type: &str, detail: &Value) -> Result<(), CallError> {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(tidegate_events::SOURCE)
            .detail_type(detail_type)
            .detail(detail.to_string())
            .build();
        let answer = self.client.put_events().entries(entry).send().await.map_err(failed(SERVICE, PUT))?;
        accepted(&answer)
    }
}

/// Checks whether EventBridge accepted the single entry of a call. A rejected entry is returned with HTTP 200.
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>
pub(crate) fn accepted(answer: &PutEventsOutput) -> Result<(), CallError> {
    if answer.failed_entry_count() == 0 {
        return Ok(());
    }
    let Some(entry) = answer.entries().iter().find(|entry| entry.error_code().is_some()) else {
        return Err(refused(SERVICE, PUT, "EventBridge rejected the entry without an error code"));
    };
    let (code, text) = (entry.error_code().unwrap_or_default(), entry.error_message().unwrap_or_default());
    let class = class_of(code, None);
    Err(CallError { service: SERVICE, operation: PUT, class, message: format!("{code}: {text}") })
}
