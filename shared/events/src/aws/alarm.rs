//! `CloudWatch Alarm State Change`, and the payload of an alarm that invokes a function directly.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use crate::contract::Kind;
use crate::json::{Json, Members};
use crate::{Body, Envelope, Event, EventError, fields::Fields, status::statuses, time};

pub(crate) const DETAIL_TYPE: &str = "CloudWatch Alarm State Change";

/// A change of an alarm's state.
///
/// See <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html>.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmChanged {
    /// The name of the alarm.
    pub alarm: String,
    /// The state of the alarm after the change.
    pub state: AlarmState,
    /// The state of the alarm before the change. Some events do not contain it.
    pub previous: Option<AlarmState>,
    /// The reason for the change, from CloudWatch or from the caller of `SetAlarmState`.
    pub reason: Option<String>,
    /// The time of the change.
    pub changed_at: Option<Timestamp>,
    /// The metrics of the alarm. A composite alarm has none.
    pub metrics: Vec<AlarmMetric>,
    /// Whether a mute rule or an actions suppressor suppresses the alarm's actions. CloudWatch sends the event anyway.
    pub muted: bool,
    /// The newest evaluated value, if the event contains it. It is always finite.
    pub observed: Option<f64>,
    /// The static threshold, if the alarm has one and the event contains it. It is always finite.
    pub threshold: Option<f64>,
}

/// A metric of an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmMetric {
    /// The namespace of the metric, such as `AWS/SageMaker`.
    pub namespace: String,
    /// The name of the metric, such as `Invocations`.
    pub name: String,
    /// The dimensions of the metric, such as `EndpointName` → `churn-prod`.
    pub dimensions: BTreeMap<String, String>,
}

/// The metrics that report requests without capacity.
const CAPACITY_METRICS: [&str; 2] = ["NoCapacityInvocationFailures", "HasBacklogWithoutCapacity"];

impl AlarmMetric {
    /// Returns whether an alarm on this metric reports missing capacity. The templates deliver such an alarm to scale
    /// and any other alarm to respond.
    #[must_use]
    pub fn asks_for_capacity(&self) -> bool {
        CAPACITY_METRICS.contains(&self.name.as_str())
    }
}

statuses! {
    /// The state of an alarm.
    AlarmState {
        /// The metric is within the threshold.
        Ok = "OK",
        /// The metric is beyond the threshold.
        Alarm = "ALARM",
        /// CloudWatch has too little data to determine the state.
        InsufficientData = "INSUFFICIENT_DATA",
    }
}

/// The members of the detail that [`read`] uses.
pub(crate) const MEMBERS: &[&str] = &["alarmName", "configuration", "muteDetail", "previousState", "state"];

pub(crate) fn read(fields: &Fields<'_>) -> Result<AlarmChanged, EventError> {
    let state = fields.object("state")?;
    let previous = fields.object_opt("previousState")?;
    let previous = previous.map_or(Ok(None), |previous| previous.text_opt("value"))?;
    let configuration = fields.object_opt("configuration")?;
    let figures = figures(state.long_text_opt("reasonData")?);
    Ok(AlarmChanged {
        alarm: fields.text("alarmName")?,
        state: AlarmState::read(&state.text("value")?),
        previous: previous.map(|value| AlarmState::read(&value)),
        reason: state.message_opt("reason")?,
        changed_at: state.time_opt("timestamp")?,
        metrics: configuration.map_or(Ok(Vec::new()), |configuration| metrics(&configuration))?,
        muted: fields.get("muteDetail").is_some() || state.get("actionsSuppressedBy").is_some(),
        observed: figures.0,
        threshold: figures.1,
    })
}

/// Parses the payload of an alarm whose action is a Lambda function. It contains the same detail under another name,
/// and no EventBridge envelope
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html>).
pub(crate) fn direct(map: &Members<'_>) -> Result<Event, EventError> {
    let fields = Fields::root(map);
    let arn = fields.text("alarmArn")?;
    let body = read(&fields.object("alarmData")?)?;
    let time = fields.time_opt("time")?;
    let envelope = Envelope {
        id: time.map_or_else(|| arn.clone(), |time| format!("{arn}@{time}")),
        source: fields.text_opt("source")?.unwrap_or_else(|| "aws.cloudwatch".to_owned()),
        detail_type: DETAIL_TYPE.to_owned(),
        account: fields.formed("accountId", Kind::Account)?,
        region: fields.formed("region", Kind::Region)?,
        time,
        resources: vec![arn],
        replay_name: None,
    };
    Ok(Event { envelope, body: Body::AlarmChanged(body), received: None })
}

/// Returns the metrics. An entry with an expression over other entries has no metric.
fn metrics(configuration: &Fields<'_>) -> Result<Vec<AlarmMetric>, EventError> {
    let mut found = Vec::new();
    for (at, entry) in configuration.list_opt("metrics")?.into_iter().flatten().enumerate() {
        let name = format!("metrics[{at}]");
        let Json::Object(map) = entry else { return Err(configuration.wrong(&name, "an object", entry)) };
        let entry = configuration.within(&name, map);
        if let Some(stat) = entry.object_opt("metricStat")? {
            found.push(metric(&stat.object("metric")?)?);
        }
    }
    Ok(found)
}

fn metric(fields: &Fields<'_>) -> Result<AlarmMetric, EventError> {
    let mut dimensions = BTreeMap::new();
    if let Some(map) = fields.object_opt("dimensions")? {
        for name in map.names() {
            dimensions.insert(name.to_owned(), map.text(name)?);
        }
    }
    Ok(AlarmMetric { namespace: fields.text("namespace")?, name: fields.text("name")?, dimensions })
}

/// Returns the newest value and the threshold from `reasonData`, which is JSON in a string.
///
/// Its content is not guaranteed: `SetAlarmState` takes it from the caller, and a composite alarm or an anomaly
/// detection band has no threshold. No decision depends on it alone. Therefore a value that cannot be parsed is absent
/// and not an error.
fn figures(reason_data: Option<&str>) -> (Option<f64>, Option<f64>) {
    let Some(Ok(data)) = reason_data.map(serde_json::from_str::<Figures<'_>>) else { return (None, None) };
    (newest(&data), data.threshold.as_f64())
}

/// The members of `reasonData` that are used.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Figures<'r> {
    #[serde(borrow)]
    threshold: Json<'r>,
    #[serde(borrow)]
    evaluated_datapoints: Json<'r>,
    #[serde(borrow)]
    recent_datapoints: Json<'r>,
}

/// Returns the evaluated datapoint with the latest time. If there are no times, it returns the last one of
/// `recentDatapoints`, which are sorted from old to new.
fn newest(data: &Figures<'_>) -> Option<f64> {
    let dated = items(&data.evaluated_datapoints).iter().filter_map(|point| {
        let at = time::read(String::new, point.get("timestamp")?).ok()?;
        Some((at, point.get("value").and_then(Json::as_f64)?))
    });
    let latest = dated.max_by_key(|(at, _)| *at).map(|(_, value)| value);
    latest.or_else(|| items(&data.recent_datapoints).iter().filter_map(Json::as_f64).next_back())
}

fn items<'j>(value: &'j Json<'j>) -> &'j [Json<'j>] {
    match value {
        Json::List(list) => list,
        _ => &[],
    }
}
