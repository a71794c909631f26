//! What a sweep costs in a month, from the list prices of us-east-1.

use crate::sweep::Measured;

/// A list price.
#[derive(Debug, Clone, Copy)]
pub struct Price {
    /// What is paid for.
    pub what: &'static str,
    /// US dollars for a million units.
    pub per_million: f64,
    /// Where the price was read, and when that page was written.
    pub source: &'static str,
}

/// A GB-second of a function on arm64.
const LAMBDA_GB_SECOND: Price = Price {
    what: "Lambda on arm64, GB-seconds",
    per_million: 13.3334,
    source: "https://aws.amazon.com/lambda/pricing/, as quoted at https://cloudchipr.com/blog/aws-lambda-pricing (2024)",
};
/// An invocation of a function.
const LAMBDA_REQUEST: Price = Price {
    what: "Lambda, requests",
    per_million: 0.2,
    source: "https://aws.amazon.com/lambda/pricing/, as quoted at https://cloudchipr.com/blog/aws-lambda-pricing (2024)",
};
/// A read request unit of a table on demand.
const DYNAMODB_READ: Price = Price {
    what: "DynamoDB on demand, read request units",
    per_million: 0.125,
    source: "https://airbyte.com/data-engineering-resources/dynamodb-pricing (2025-07-21)",
};
/// A write request unit of a table on demand.
const DYNAMODB_WRITE: Price = Price {
    what: "DynamoDB on demand, write request units",
    per_million: 0.625,
    source: "https://airbyte.com/data-engineering-resources/dynamodb-pricing (2025-07-21)",
};
/// A metric that is read with `GetMetricData`.
const METRIC: Price = Price {
    what: "CloudWatch GetMetricData, metrics",
    per_million: 10.0,
    source: "https://aws.amazon.com/cloudwatch/pricing/, as quoted at https://github.com/nishinoshake/aws-rough/issues/37 (2022-04)",
};
/// An invocation by EventBridge Scheduler.
const SCHEDULE: Price = Price {
    what: "EventBridge Scheduler, invocations",
    per_million: 1.0,
    source: "not confirmed: the list price of us-east-1 at https://aws.amazon.com/eventbridge/pricing/",
};

/// All prices.
pub const PRICES: [Price; 6] =
    [LAMBDA_GB_SECOND, LAMBDA_REQUEST, DYNAMODB_READ, DYNAMODB_WRITE, METRIC, SCHEDULE];

/// The memory of each function in the templates, in GB.
const MEMORY: f64 = 0.25;
const DAYS: f64 = 30.0;

/// How often the templates invoke a function in a month.
#[must_use]
pub fn sweeps_a_month(function: &str) -> f64 {
    let minutes = if function == "scale" { 5.0 } else { 15.0 };
    DAYS * 24.0 * 60.0 / minutes
}

/// US dollars a month for sweeps that all cost the same. SageMaker's calls, `DescribeAlarms` within the free requests and
/// CodeCommit within its users' requests are not charged.
#[must_use]
pub fn a_month(function: &str, measured: &Measured) -> f64 {
    let of = |price: Price, units: f64| price.per_million * units / 1_000_000.0;
    let count = |units: u64| units as f64;
    let once = of(LAMBDA_GB_SECOND, MEMORY * measured.time.as_secs_f64())
        + of(LAMBDA_REQUEST, 1.0)
        + of(SCHEDULE, 1.0)
        + of(DYNAMODB_READ, count(measured.reads))
        + of(DYNAMODB_WRITE, count(measured.writes))
        + of(METRIC, count(measured.metrics));
    once * sweeps_a_month(function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_price_has_a_source() {
        for price in PRICES {
            assert!(price.per_million > 0.0 && price.source.contains("https://"), "{}", price.what);
        }
    }
}
