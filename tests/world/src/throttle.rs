//! The documented request rates, as token buckets on the caller's clock.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::error::ApiError;

/// Calls a second and account, where AWS documents a rate.
fn rate(operation: &str) -> Option<f64> {
    Some(match operation {
        "ListEndpoints" | "ListEndpointConfigs" | "ListModels" => 2.0,
        "DescribeEndpoint" | "DescribeEndpointConfig" | "DescribeModel" | "DescribeTrainingJob" => 5.0,
        "CreateEndpoint"
        | "UpdateEndpoint"
        | "DeleteEndpoint"
        | "UpdateEndpointWeightsAndCapacities"
        | "CreateEndpointConfig"
        | "DeleteEndpointConfig"
        | "CreateModel"
        | "DeleteModel" => 1.0,
        "InvokeEndpoint" => 10_000.0,
        _ => return None,
    })
}

/// One bucket per account and operation, holding one second's worth of calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Throttle {
    pub(crate) on: bool,
    buckets: BTreeMap<(String, String), (f64, Timestamp)>,
}

impl Throttle {
    /// Takes a token.
    ///
    /// # Errors
    /// `ThrottlingException` when the bucket is empty.
    pub(crate) fn admit(&mut self, account: &str, operation: &str, now: Timestamp) -> Result<(), ApiError> {
        let Some(rate) = rate(operation).filter(|_| self.on) else { return Ok(()) };
        let bucket = self.buckets.entry((account.to_owned(), operation.to_owned())).or_insert((rate, now));
        let passed = now.duration_since(bucket.1).as_secs_f64().max(0.0);
        bucket.0 = (bucket.0 + passed * rate).min(rate);
        bucket.1 = now;
        if bucket.0 < 1.0 {
            return Err(ApiError::new("ThrottlingException", "Rate exceeded"));
        }
        bucket.0 -= 1.0;
        Ok(())
    }
}
