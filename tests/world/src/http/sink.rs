//! The delivery of emissions.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::emissions::{Emission, Event, Metric};
use crate::http::emulator::{Emulator, EmulatorError};
use crate::json::iso;

/// Receives emissions. Those of one account arrive one after the other, in order.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Delivers one emission; a sink logs its own failures.
    async fn emit(&self, emission: Emission);
}

/// Posts events and metrics to the emulator and writes objects to its S3.
#[derive(Debug, Clone)]
pub struct HttpSink {
    emulator: Emulator,
}

/// How often and after how long a delivery is tried again.
const RETRIES: &[Duration] = &[
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(1600),
    Duration::from_millis(3000),
];

impl HttpSink {
    /// A sink into this emulator.
    #[must_use]
    pub fn new(emulator: Emulator) -> Self {
        Self { emulator }
    }

    async fn deliver(&self, emission: &Emission) -> Result<(), EmulatorError> {
        match emission {
            Emission::Event(event) => {
                self.emulator.post("/_tidegate/events", &event_body(event)).await?;
            }
            Emission::Metric(metric) => {
                self.emulator.post("/_tidegate/metrics", &metric_body(metric)).await?;
            }
            Emission::Object(object) => {
                let body = Some(object.body.clone());
                self.emulator.object(&object.account, &object.region, &object.uri, body).await?;
            }
        }
        Ok(())
    }
}

/// One entry per copy: the bus gives each an envelope id of its own.
fn event_body(event: &Event) -> Value {
    let entry = json!({
        "Source": event.source,
        "DetailType": event.detail_type,
        "Detail": event.detail.to_string(),
        "Resources": event.resources,
        "Time": iso(event.time),
    });
    let entries: Vec<Value> = (0..event.copies).map(|_| entry.clone()).collect();
    json!({"account": event.account, "region": event.region, "entries": entries})
}

fn metric_body(metric: &Metric) -> Value {
    let dimensions: Vec<Value> =
        metric.dimensions.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
    json!({
        "account": metric.account,
        "region": metric.region,
        "namespace": metric.namespace,
        "data": [{
            "MetricName": metric.name,
            "Dimensions": dimensions,
            "Value": metric.value,
            "Unit": metric.unit,
            "Timestamp": metric.time.to_string(),
        }],
    })
}

#[async_trait]
impl Sink for HttpSink {
    async fn emit(&self, emission: Emission) {
        let mut waits = RETRIES.iter();
        loop {
            match self.deliver(&emission).await {
                Ok(()) => return,
                // The emulator is not known yet; the server still records the emission.
                Err(EmulatorError::Unconnected) => {
                    tracing::info!(account = emission.account(), "not delivered: no emulator is connected");
                    return;
                }
                Err(error) => match waits.next() {
                    Some(wait) => {
                        tracing::warn!(%error, "a delivery failed and is tried again");
                        tokio::time::sleep(*wait).await;
                    }
                    None => {
                        tracing::error!(%error, ?emission, "a delivery failed for good");
                        return;
                    }
                },
            }
        }
    }
}
