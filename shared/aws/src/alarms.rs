//! CloudWatch alarms.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::types::{AlarmType, CompositeAlarm, Dimension, Metric, MetricAlarm, StateValue};
use aws_smithy_types::DateTime;
use serde_json::{Map, Value, json};
use tidegate_engine::{CallError, ports::Alarms};
use tidegate_events::{AlarmChanged, Body};
use tidegate_policy::arn::Arn;
use tidegate_policy::promote::AlarmFact;

use crate::convert::timestamp;
use crate::error::{failed, refused};

const SERVICE: &str = "cloudwatch";
const DESCRIBE: &str = "DescribeAlarms";
/// The largest number of names and of alarms in one call.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>
const MAX_PAGE: i32 = 100;
const NAMES: usize = 100;

/// CloudWatch alarms.
#[derive(Debug, Clone)]
pub struct CloudWatchAlarms {
    client: Client,
}

impl CloudWatchAlarms {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Describes one page of the alarms that are in ALARM: of those with these names, or of all.
    async fn describe(
        &self,
        names: Option<&[String]>,
        token: Option<String>,
    ) -> Result<DescribeAlarmsOutput, CallError> {
        let call = self
            .client
            .describe_alarms()
            .set_alarm_names(names.map(<[String]>::to_vec))
            // Without this type, CloudWatch does not return composite alarms.
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .state_value(StateValue::Alarm)
            .max_records(MAX_PAGE)
            .set_next_token(token);
        Ok(call.send().await.map_err(failed(SERVICE, DESCRIBE))?)
    }

    async fn page(&self, names: &[String], found: &mut Vec<AlarmChanged>) -> Result<(), CallError> {
        let mut token = None;
        loop {
            let answer = self.describe(Some(names), token).await?;
            for alarm in answer.metric_alarms() {
                found.push(parse_alarm(metric_alarm(alarm))?);
            }
            for alarm in answer.composite_alarms() {
                found.push(parse_alarm(composite_alarm(alarm))?);
            }
            match answer.next_token {
                Some(next) => token = Some(next),
                None => return Ok(()),
            }
        }
    }
}

#[async_trait]
impl Alarms for CloudWatchAlarms {
    async fn in_alarm(&self, names: &[String]) -> Result<Vec<AlarmChanged>, CallError> {
        let mut found = Vec::new();
        // Make no call without names: for CloudWatch, an empty list means every alarm of the account.
        for names in names.chunks(NAMES) {
            self.page(names, &mut found).await?;
        }
        Ok(found)
    }

    async fn all_in_alarm(&self) -> Result<Vec<String>, CallError> {
        let (mut names, mut token) = (Vec::new(), None);
        loop {
            let answer = self.describe(None, token).await?;
            let metric = answer.metric_alarms().iter().filter_map(|alarm| alarm.alarm_name());
            let composite = answer.composite_alarms().iter().filter_map(|alarm| alarm.alarm_name());
            names.extend(metric.chain(composite).map(str::to_owned));
            match answer.next_token {
                Some(next) => token = Some(next),
                None => return Ok(names),
            }
        }
    }
}

/// Returns the states of those of the given alarms that exist, by name.
pub(crate) async fn states(
    client: &Client,
    names: &[String],
) -> Result<BTreeMap<String, AlarmFact>, CallError> {
    let mut found = BTreeMap::new();
    for names in names.chunks(NAMES) {
        let mut token = None;
        loop {
            let call = client
                .describe_alarms()
                .set_alarm_names(Some(names.to_vec()))
                .alarm_types(AlarmType::MetricAlarm)
                .alarm_types(AlarmType::CompositeAlarm)
                .max_records(MAX_PAGE)
                .set_next_token(token);
            let answer = call.send().await.map_err(failed(SERVICE, DESCRIBE))?;
            let mut add = |name: Option<&str>, state: Option<&StateValue>, since: Option<&DateTime>| {
                if let Some((name, state)) = name.zip(state) {
                    let fact =
                        AlarmFact { state: state.as_str().to_owned(), since: since.and_then(timestamp) };
                    found.insert(name.to_owned(), fact);
                }
            };
            for alarm in answer.metric_alarms() {
                let since = alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp());
                add(alarm.alarm_name(), alarm.state_value(), since);
            }
            for alarm in answer.composite_alarms() {
                let since = alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp());
                add(alarm.alarm_name(), alarm.state_value(), since);
            }
            match answer.next_token {
                Some(next) => token = Some(next),
                None => break,
            }
        }
    }
    Ok(found)
}

/// Parses an alarm with the parser of its events, so that both have the same meaning.
fn parse_alarm(payload: Value) -> Result<AlarmChanged, CallError> {
    match tidegate_events::parse_value(payload) {
        Ok(event) => match event.body {
            Body::AlarmChanged(alarm) => Ok(alarm),
            _ => Err(refused(SERVICE, DESCRIBE, "the answer was not parsed as an alarm")),
        },
        Err(error) => Err(refused(SERVICE, DESCRIBE, format!("the alarm cannot be parsed: {error}"))),
    }
}

fn metric_alarm(alarm: &MetricAlarm) -> Value {
    let changed = alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp());
    let state = state(alarm.state_value(), alarm.state_reason(), alarm.state_reason_data(), changed);
    let metrics: Vec<Value> = match (alarm.namespace(), alarm.metric_name()) {
        (Some(namespace), Some(name)) => vec![metric(namespace, name, alarm.dimensions())],
        _ => alarm
            .metrics()
            .iter()
            .filter_map(|query| query.metric_stat().and_then(|stat| stat.metric()))
            .filter_map(of_query)
            .collect(),
    };
    payload(alarm.alarm_arn(), alarm.alarm_name(), state, metrics)
}

fn composite_alarm(alarm: &CompositeAlarm) -> Value {
    let changed = alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp());
    let mut state = state(alarm.state_value(), alarm.state_reason(), alarm.state_reason_data(), changed);
    if let Some(by) = alarm.actions_suppressed_by() {
        state.insert("actionsSuppressedBy".to_owned(), json!(by.as_str()));
    }
    payload(alarm.alarm_arn(), alarm.alarm_name(), state, Vec::new())
}

/// The state in the form of the event. Its time is that of the last state change, not of the last evaluation.
fn state(
    value: Option<&StateValue>,
    reason: Option<&str>,
    reason_data: Option<&str>,
    changed: Option<&DateTime>,
) -> Map<String, Value> {
    let mut state = Map::new();
    state.insert("value".to_owned(), json!(value.map(StateValue::as_str)));
    state.insert("reason".to_owned(), json!(reason));
    state.insert("reasonData".to_owned(), json!(reason_data));
    let changed = changed.and_then(timestamp);
    state.insert("timestamp".to_owned(), json!(changed.map(|at| at.to_string())));
    state
}

fn of_query(found: &Metric) -> Option<Value> {
    Some(metric(found.namespace()?, found.metric_name()?, found.dimensions()))
}

fn metric(namespace: &str, name: &str, dimensions: &[Dimension]) -> Value {
    let dimensions: Map<String, Value> = dimensions
        .iter()
        .filter_map(|dimension| Some((dimension.name()?.to_owned(), json!(dimension.value()?))))
        .collect();
    json!({ "metricStat": { "metric": { "namespace": namespace, "name": name, "dimensions": dimensions } } })
}

fn payload(arn: Option<&str>, name: Option<&str>, state: Map<String, Value>, metrics: Vec<Value>) -> Value {
    let parts = arn.and_then(Arn::parse);
    json!({
        "alarmArn": arn,
        "accountId": parts.as_ref().map(|arn| &arn.account),
        "region": parts.as_ref().map(|arn| &arn.region),
        "alarmData": { "alarmName": name, "state": state, "configuration": { "metrics": metrics } },
    })
}
