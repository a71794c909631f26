//! CloudWatch metrics. One call contains many queries.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StatusCode,
};
use jiff::{SignedDuration, Timestamp};
use tidegate_engine::CallError;
use tidegate_engine::ports::{InvocationQuery, Metrics};
use tidegate_policy::endpoint::{InvokedResource, VARIANT};

use crate::convert::{date_time, timestamp};
use crate::error::failed;

/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>
const MAX_QUERIES: usize = 500;
const DATAPOINTS: i32 = 100_800;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
/// How far after the beginning of the invocation the queries end. Requests that arrive during the invocation, or that
/// have a later time on CloudWatch's clock, are counted as well. A Lambda invocation is never longer than this.
const AHEAD: SignedDuration = SignedDuration::from_mins(15);

/// CloudWatch metrics.
#[derive(Debug, Clone)]
pub struct CloudWatchMetrics {
    client: Client,
}

/// A query with the start time and the period for CloudWatch.
#[derive(Debug, Clone)]
struct TimedQuery<'q> {
    query: &'q InvocationQuery,
    /// The index in the caller's list.
    place: usize,
    start: Timestamp,
    period: i32,
}

/// The partial result of a query. The answer is paginated.
#[derive(Debug, Clone, Default)]
struct Sum {
    invocations: f64,
    status: Option<StatusCode>,
}

impl CloudWatchMetrics {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Runs queries with the same period. They share the earliest start, and datapoints before a query's own start are
    /// not counted.
    async fn batch(
        &self,
        batch: &[TimedQuery<'_>],
        now: Timestamp,
    ) -> Result<BTreeMap<usize, Sum>, CallError> {
        let start = batch.iter().map(|timed| timed.start).min().unwrap_or(now);
        let starts: BTreeMap<String, (usize, Timestamp)> =
            batch.iter().map(|timed| (id(timed.place), (timed.place, timed.start))).collect();
        let queries: Vec<MetricDataQuery> = batch.iter().map(query).collect();
        let mut sums = BTreeMap::new();
        let mut token = None;
        loop {
            let answer = self
                .client
                .get_metric_data()
                .set_metric_data_queries(Some(queries.clone()))
                .start_time(date_time(start))
                .end_time(date_time(now.checked_add(AHEAD).unwrap_or(now)))
                .scan_by(ScanBy::TimestampAscending)
                .max_datapoints(DATAPOINTS)
                .set_next_token(token)
                .send()
                .await
                .map_err(failed("cloudwatch", "GetMetricData"))?;
            for result in answer.metric_data_results() {
                if let Some((place, start)) = result.id().and_then(|id| starts.get(id)) {
                    add(sums.entry(*place).or_default(), result, *start);
                }
            }
            match answer.next_token {
                Some(next) => token = Some(next),
                None => return Ok(sums),
            }
        }
    }
}

#[async_trait]
impl Metrics for CloudWatchMetrics {
    async fn invocations(
        &self,
        queries: &[InvocationQuery],
        now: Timestamp,
    ) -> Result<Vec<Option<u64>>, CallError> {
        let mut timed: Vec<TimedQuery<'_>> =
            queries.iter().enumerate().map(|(place, query)| TimedQuery::new(place, query, now)).collect();
        // Queries with similar starts share a call, so that the query for a new endpoint does not read the history of
        // an old one.
        timed.sort_by_key(|timed| (timed.period, timed.start));
        let mut found = vec![None; queries.len()];
        for period in timed.chunk_by(|left, right| left.period == right.period) {
            for batch in period.chunks(MAX_QUERIES) {
                for (place, sum) in self.batch(batch, now).await? {
                    if let Some(slot) = found.get_mut(place) {
                        *slot = sum.result();
                    }
                }
            }
        }
        Ok(found)
    }
}

impl<'q> TimedQuery<'q> {
    fn new(place: usize, query: &'q InvocationQuery, now: Timestamp) -> Self {
        let span = now.as_second().saturating_sub(query.from.as_second());
        let period = period(span);
        // The start is rounded down to whole periods. It is safer to count an earlier invocation than to consider an
        // active endpoint idle. CloudWatch keeps metrics for at most 455 days.
        let oldest = now.checked_sub(SignedDuration::from_secs(455 * DAY)).unwrap_or(Timestamp::MIN);
        let from = query.from.max(oldest).min(now).as_second();
        let whole = from - from.rem_euclid(i64::from(period));
        // CloudWatch requires that the end is after the start.
        let start = if whole >= now.as_second() { whole - i64::from(period) } else { whole };
        Self { query, place, start: Timestamp::from_second(start).unwrap_or(now), period }
    }
}

impl Sum {
    /// Returns the sum, if CloudWatch returned a result. No datapoint means zero, because CloudWatch returns none where
    /// nothing was invoked. A partial result is a lower bound if it is positive, and unknown if it is zero.
    fn result(&self) -> Option<u64> {
        let counted = self.invocations.round();
        match self.status {
            // A count is not negative and far below 2^53.
            Some(StatusCode::Complete) => Some(counted as u64),
            Some(StatusCode::PartialData) if counted > 0.0 => Some(counted as u64),
            _ => None,
        }
    }
}

/// Returns the period: short enough for the span, long enough for few datapoints, and never shorter than the resolution
/// that CloudWatch keeps (one minute for 15 days, five minutes for 63 days, one hour for 455 days).
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html>
fn period(span: i64) -> i32 {
    match span {
        span if span <= 6 * HOUR => 60,
        span if span <= 5 * DAY => 300,
        _ => 3_600,
    }
}

fn id(place: usize) -> String {
    format!("q{place}")
}

/// The query for the invocations of an inference component, or of the only variant of an endpoint.
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html>
fn query(timed: &TimedQuery<'_>) -> MetricDataQuery {
    let dimension = |key: &str, value: &str| Dimension::builder().name(key).value(value).build();
    let dimensions = match &timed.query.resource {
        InvokedResource::Component(name) => vec![dimension("InferenceComponentName", name)],
        InvokedResource::Endpoint(name) => {
            vec![dimension("EndpointName", name), dimension("VariantName", VARIANT)]
        }
    };
    let metric = Metric::builder()
        .namespace("AWS/SageMaker")
        .metric_name("Invocations")
        .set_dimensions(Some(dimensions))
        .build();
    let stat = MetricStat::builder().metric(metric).period(timed.period).stat("Sum").build();
    MetricDataQuery::builder().id(id(timed.place)).metric_stat(stat).build()
}

fn add(sum: &mut Sum, page: &MetricDataResult, start: Timestamp) {
    for (at, value) in page.timestamps().iter().zip(page.values()) {
        let counts = timestamp(at).is_some_and(|at| at >= start) && value.is_finite() && *value > 0.0;
        if counts {
            sum.invocations += value;
        }
    }
    sum.status = page.status_code().cloned();
}
