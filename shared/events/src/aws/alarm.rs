//! `CloudWatch Alarm State Change`, and the payload of an alarm that invokes a function directly.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use crate::json::{Json, Members};
use crate::{Body, Envelope, Event, EventError, fields::Fields, status::statuses, time};

pub(crate) const DETAIL_TYPE: &str = "CloudWatch Alarm State Change";

/// An alarm changed its state.
///
/// See <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html>.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmChanged {
    /// The alarm's name.
    pub alarm: String,
    /// Its state now.
    pub state: AlarmState,
    /// Its state before; some events have none.
    pub previous: Option<AlarmState>,
    /// Why, in CloudWatch's words, or in those of whoever set the state by hand.
    pub reason: Option<String>,
    /// When the state changed.
    pub changed_at: Option<Timestamp>,
    /// The metrics that the alarm reads; none for a composite alarm.
    pub metrics: Vec<AlarmMetric>,
    /// Whether a mute rule or an actions suppressor silences the alarm: CloudWatch sends the event all the same.
    pub muted: bool,
    /// The newest value that was compared, if the event says so; always finite.
    pub observed: Option<f64>,
    /// The fixed threshold, if there is one and the event says so; always finite.
    pub threshold: Option<f64>,
}

/// A metric that an alarm reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmMetric {
    /// Its namespace, such as `AWS/SageMaker`.
    pub namespace: String,
    /// Its name, such as `Invocations`.
    pub name: String,
    /// Its dimensions, such as `EndpointName` → `churn-prod`.
    pub dimensions: BTreeMap<String, String>,
}

/// The metrics that say that requests find no capacity.
const CAPACITY_METRICS: [&str; 2] = ["NoCapacityInvocationFailures", "HasBacklogWithoutCapacity"];

impl AlarmMetric {
    /// Whether an alarm over this metric asks for capacity. The templates hand such an alarm to scale, and any other to
    /// respond.
    #[must_use]
    pub fn asks_for_capacity(&self) -> bool {
        CAPACITY_METRICS.contains(&self.name.as_str())
    }
}

statuses! {
    /// The state of an alarm.
    AlarmState {
        /// Within the threshold.
        Ok = "OK",
        /// Beyond the threshold.
        Alarm = "ALARM",
        /// Nobody knows.
        InsufficientData = "INSUFFICIENT_DATA",
    }
}

/// What [`read`] reads of the detail.
pub(crate) const MEMBERS: &[&str] = &["alarmName", "configuration", "muteDetail", "previousState", "state"];

pub(crate) fn read(fields: &Fields<'_>) -> Result<AlarmChanged, EventError> {
    let state = fields.object("state")?;
    let previous = fields.object_opt("previousState")?;
    let previous = previous.map_or(Ok(None), |previous| previous.text_opt("value"))?;
    let configuration = fields.object_opt("configuration")?;
    let figures = figures(state.text_opt("reasonData")?.as_deref());
    Ok(AlarmChanged {
        alarm: fields.text("alarmName")?,
        state: AlarmState::read(&state.text("value")?),
        previous: previous.map(|value| AlarmState::read(&value)),
        reason: state.text_opt("reason")?,
        changed_at: state.time_opt("timestamp")?,
        metrics: configuration.map_or(Ok(Vec::new()), |configuration| metrics(&configuration))?,
        muted: fields.get("muteDetail").is_some() || state.get("actionsSuppressedBy").is_some(),
        observed: figures.0,
        threshold: figures.1,
    })
}

/// Reads the payload of an alarm whose action is a Lambda function: the same detail under another name, without the
/// envelope of EventBridge
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
        account: fields.text("accountId")?,
        region: fields.text("region")?,
        time,
        resources: vec![arn],
        replay_name: None,
    };
    Ok(Event { envelope, body: Body::AlarmChanged(body), received: None })
}

/// The metrics proper; entries that are expressions over others have none.
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

/// The newest value and the threshold out of `reasonData`, which is JSON in a string.
///
/// It is free to be anything (`SetAlarmState` takes it from the caller; a composite alarm and a band of expected values
/// have no threshold), and nothing is decided on it alone, so what cannot be read is absent, not an error.
fn figures(reason_data: Option<&str>) -> (Option<f64>, Option<f64>) {
    let Some(Ok(data)) = reason_data.map(serde_json::from_str::<Figures<'_>>) else { return (None, None) };
    (newest(&data), data.threshold.as_f64())
}

/// What is read of `reasonData`.
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

/// The evaluated value with the latest time; without times, the last of the recent ones, which go from old to new.
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
