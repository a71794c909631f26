//! CloudWatch metrics, many in a call.

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
const QUERIES: usize = 500;
const DATAPOINTS: i32 = 100_800;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
/// How far beyond the invocation's beginning CloudWatch is asked: requests that came while it went on, or that CloudWatch's
/// clock puts into the future, count as well. A Lambda invocation takes no longer than this.
const AHEAD: SignedDuration = SignedDuration::from_mins(15);

/// CloudWatch metrics.
#[derive(Debug, Clone)]
pub struct CloudWatchMetrics {
    client: Client,
}

/// A query with the time and the grain that CloudWatch will be asked for.
#[derive(Debug, Clone)]
struct Asked<'q> {
    query: &'q InvocationQuery,
    /// Its place in the caller's list.
    place: usize,
    start: Timestamp,
    period: i32,
}

/// What has been said about a query so far; the answer comes in pages.
#[derive(Debug, Clone, Default)]
struct Sum {
    invocations: f64,
    status: Option<StatusCode>,
}

impl CloudWatchMetrics {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Asks for queries of one period. They share the earliest start; what lies before its own is not counted.
    async fn batch(&self, batch: &[Asked<'_>], now: Timestamp) -> Result<BTreeMap<usize, Sum>, CallError> {
        let start = batch.iter().map(|asked| asked.start).min().unwrap_or(now);
        let starts: BTreeMap<String, (usize, Timestamp)> =
            batch.iter().map(|asked| (id(asked.place), (asked.place, asked.start))).collect();
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
        let mut asked: Vec<Asked<'_>> =
            queries.iter().enumerate().map(|(place, query)| Asked::new(place, query, now)).collect();
        // Neighbours in time share a call, so that a young endpoint does not drag along the history of an old one.
        asked.sort_by_key(|asked| (asked.period, asked.start));
        let mut found = vec![None; queries.len()];
        for period in asked.chunk_by(|left, right| left.period == right.period) {
            for batch in period.chunks(QUERIES) {
                for (place, sum) in self.batch(batch, now).await? {
                    if let Some(slot) = found.get_mut(place) {
                        *slot = sum.told();
                    }
                }
            }
        }
        Ok(found)
    }
}

impl<'q> Asked<'q> {
    fn new(place: usize, query: &'q InvocationQuery, now: Timestamp) -> Self {
        let span = now.as_second().saturating_sub(query.from.as_second());
        let period = period(span);
        // Rounded down, to whole periods: rather an invocation too many than an endpoint that looks idle and is not.
        // CloudWatch keeps nothing for longer than 455 days.
        let oldest = now.checked_sub(SignedDuration::from_secs(455 * DAY)).unwrap_or(Timestamp::MIN);
        let from = query.from.max(oldest).min(now).as_second();
        let whole = from - from.rem_euclid(i64::from(period));
        // CloudWatch wants the end after the start.
        let start = if whole >= now.as_second() { whole - i64::from(period) } else { whole };
        Self { query, place, start: Timestamp::from_second(start).unwrap_or(now), period }
    }
}

impl Sum {
    /// The sum, if CloudWatch knew it. No datapoint at all is zero: CloudWatch answers so where nothing was invoked. What
    /// is only a part is at least something, but a part that is nothing tells nothing.
    fn told(&self) -> Option<u64> {
        let counted = self.invocations.round();
        match self.status {
            // Not negative and far below 2^53: a count.
            Some(StatusCode::Complete) => Some(counted as u64),
            Some(StatusCode::PartialData) if counted > 0.0 => Some(counted as u64),
            _ => None,
        }
    }
}

/// The grain: fine enough for the span, coarse enough for few datapoints, and never finer than what CloudWatch has kept
/// (a minute for 15 days, five for 63, an hour for 455).
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

/// Invocations of a component, or of the one variant of an endpoint.
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html>
fn query(asked: &Asked<'_>) -> MetricDataQuery {
    let dimension = |key: &str, value: &str| Dimension::builder().name(key).value(value).build();
    let dimensions = match &asked.query.resource {
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
    let stat = MetricStat::builder().metric(metric).period(asked.period).stat("Sum").build();
    MetricDataQuery::builder().id(id(asked.place)).metric_stat(stat).build()
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
