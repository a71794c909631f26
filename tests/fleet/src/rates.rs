//! The number of requests a second that AWS admits in an account and a region.

/// Where a rate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// AWS publishes it on this page.
    Published(&'static str),
    /// AWS publishes no rate for this operation. The value is an assumption.
    Assumed,
}

/// The rate of some operations of a service.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// The service.
    pub service: &'static str,
    /// The beginning of the operation's name.
    pub operation: &'static str,
    /// Requests a second.
    pub per_second: f64,
    /// Where it comes from.
    pub source: Source,
}

const CLOUDWATCH: Source = Source::Published(
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html",
);
const SCHEDULER: Source =
    Source::Published("https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html");
const EVENTS: Source =
    Source::Published("https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html");

const fn rate(service: &'static str, operation: &'static str, per_second: f64, source: Source) -> Rate {
    Rate { service, operation, per_second, source }
}

/// The rates. The first entry that fits an operation counts.
pub const RATES: &[Rate] = &[
    rate("cloudwatch", "DescribeAlarms", 9.0, CLOUDWATCH),
    rate("cloudwatch", "PutMetricAlarm", 3.0, CLOUDWATCH),
    rate("cloudwatch", "GetMetricData", 50.0, CLOUDWATCH),
    rate("scheduler", "CreateSchedule", 1_000.0, SCHEDULER),
    rate("events", "PutEvents", 10_000.0, EVENTS),
    // SageMaker publishes no rates.
    rate("sagemaker", "List", 2.0, Source::Assumed),
    rate("sagemaker", "Search", 2.0, Source::Assumed),
    rate("sagemaker", "Describe", 5.0, Source::Assumed),
    rate("sagemaker", "", 1.0, Source::Assumed),
    rate("codecommit", "", 10.0, Source::Assumed),
    rate("application-autoscaling", "", 10.0, Source::Assumed),
    // A table on demand admits 4,000 writes and 12,000 reads a second from the beginning.
    rate(
        "dynamodb",
        "",
        4_000.0,
        Source::Published(
            "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html",
        ),
    ),
];

/// The rate of an operation.
#[must_use]
pub fn rate_of(service: &str, operation: &str) -> f64 {
    let fits = |rate: &&Rate| rate.service == service && operation.starts_with(rate.operation);
    RATES.iter().find(fits).map_or(1_000.0, |rate| rate.per_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_entry_that_fits_counts() {
        assert!(rate_of("sagemaker", "ListEndpoints") < rate_of("sagemaker", "DescribeEndpoint"));
        assert!(rate_of("sagemaker", "UpdateModelPackage") < rate_of("sagemaker", "Search"));
        assert!(rate_of("s3", "GetObject") > 100.0, "a service without an entry");
    }
}
