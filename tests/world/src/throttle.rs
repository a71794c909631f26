//! The documented request rates, as token buckets on the caller's clock; and a share of calls that is rejected at any rate.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

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
    pub(crate) share: Share,
    buckets: BTreeMap<(String, String), (f64, Timestamp)>,
}

/// The percentage of calls that is rejected at any rate, selected by the seed and the number of the call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Share {
    pub(crate) percent: u8,
    pub(crate) seed: u64,
    pub(crate) calls: u64,
}

impl Share {
    /// Counts a call.
    ///
    /// # Errors
    /// `ThrottlingException` when this one is to be refused.
    pub(crate) fn admit(&mut self) -> Result<(), ApiError> {
        self.calls = self.calls.saturating_add(1);
        let drawn = Sha256::digest(format!("{} {}", self.seed, self.calls));
        let [high, low, ..] = drawn.as_slice() else { return Ok(()) };
        if u16::from_be_bytes([*high, *low]) % 100 < u16::from(self.percent) {
            return Err(exceeded());
        }
        Ok(())
    }
}

fn exceeded() -> ApiError {
    ApiError::new("ThrottlingException", "Rate exceeded")
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
            return Err(exceeded());
        }
        bucket.0 -= 1.0;
        Ok(())
    }
}
