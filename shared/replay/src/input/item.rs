//! Classifies a JSON value in a stream.

use jiff::Timestamp;
use serde_json::{Map, Value};
use tidegate_events::{
    Body, DECISION_RECORDED, Event, EventError, RetrainingRequested, SOURCE, read as read_event,
};
use tidegate_functions::wanted_by;

use super::cloudwatch_logs;

/// An input of a replay, or why a value is not one.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// An event, in its original form.
    Event(Box<Arrived>),
    /// Invocations of an endpoint.
    Metric(Box<Metric>),
    /// A value that is skipped.
    Skip(Skip),
}

impl Item {
    /// Its time, if it has one.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        match self {
            Self::Event(arrived) => arrived.event.envelope.time,
            Self::Metric(metric) => Some(metric.at),
            Self::Skip(_) => None,
        }
    }
}

/// An event from outside the simulation.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrived {
    /// The event.
    pub event: Event,
}

/// A datapoint of the metric `Invocations`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The endpoint or component.
    pub name: String,
    /// The start of its minute.
    pub at: Timestamp,
    /// The number of invocations.
    pub invocations: u64,
}

/// Why a value is skipped in a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skip {
    /// No function needs it, such as an event of a training job or of another service.
    Unwanted,
    /// The functions send it themselves, and do so in the replay as well.
    SentHere,
    /// A scheduled event; the replay fires the schedules itself.
    Schedule,
    /// A decision without its event.
    NoEvent,
    /// A metric that no decision uses.
    OtherMetric,
}

impl Skip {
    /// A description of what was skipped.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Unwanted => "events that no function wants",
            Self::SentHere => "sent by functions, which send them here as well",
            Self::Schedule => "ticks and wakes of schedules, which fire here by themselves",
            Self::NoEvent => "decisions without the event that they are about",
            Self::OtherMetric => "metrics that nothing is decided on",
        }
    }
}

/// The events in a JSON value, at any depth of wrappers: a message of a dead-letter queue may contain the record of a
/// failed invocation. A value that is not a wrapper is returned unchanged.
///
/// # Errors
/// If a message of CloudWatch Logs is not JSON.
pub fn unwrapped(value: Value) -> Result<Vec<Value>, EventError> {
    let Some(inner) = value.as_object().and_then(wrapped) else { return Ok(vec![value]) };
    let mut all = Vec::new();
    for value in inner? {
        all.extend(unwrapped(value)?);
    }
    Ok(all)
}

/// The content of a wrapper: a queue message, as Lambda and as `aws sqs receive-message` return it, the record of a
/// failed invocation, or a response of CloudWatch Logs.
fn wrapped(map: &Map<String, Value>) -> Option<Result<Vec<Value>, EventError>> {
    if let Some(payload) = map.get("requestPayload") {
        return Some(Ok(vec![payload.clone()]));
    }
    let messages = |list: &str, body: &str| -> Option<Vec<Value>> {
        let text = |message: &Value| serde_json::from_str(message.get(body)?.as_str()?).ok();
        map.get(list)?.as_array()?.iter().map(text).collect()
    };
    if let Some(queued) = messages("Records", "body").or_else(|| messages("Messages", "Body")) {
        return Some(Ok(queued));
    }
    let logged = cloudwatch_logs::messages(map)?;
    Some(logged.into_iter().map(|(path, message)| cloudwatch_logs::event_in(&path, message)).collect())
}

/// Classifies a JSON value of a stream. Most values are one item; a wrapper may contain several.
///
/// # Errors
/// If it is an event that cannot be read, or a value that no stream may contain.
pub fn items(value: Value, found: &mut Vec<Item>) -> Result<(), EventError> {
    let map = match value {
        Value::Object(map) => map,
        Value::Array(list) => return list.into_iter().try_for_each(|value| items(value, found)),
        other => return read_event(&other).map(|_| ()),
    };
    if map.contains_key("detail-type") {
        found.push(event(map)?);
    } else if map.contains_key("metric_name") {
        found.push(metric(&map).map_or(Item::Skip(Skip::OtherMetric), Item::Metric));
    } else if map.contains_key("function") && map.contains_key("verdict") {
        return decision(map, found);
    } else if let Some(inner) = wrapped(&map) {
        return inner?.into_iter().try_for_each(|value| items(value, found));
    } else {
        found.push(read(&Value::Object(map))?);
    }
    Ok(())
}

/// The envelope is sufficient to recognize the events that the functions send to each other.
fn event(mut map: Map<String, Value>) -> Result<Item, EventError> {
    let text =
        |map: &Map<String, Value>, name: &str| map.get(name).and_then(Value::as_str).map(str::to_owned);
    if text(&map, "source").as_deref() == Some(SOURCE) {
        match text(&map, "detail-type").as_deref() {
            Some(DECISION_RECORDED) => {
                let mut inner = Vec::new();
                if let Some(Value::Object(record)) = map.remove("detail") {
                    decision(record, &mut inner)?;
                }
                return Ok(inner.pop().unwrap_or(Item::Skip(Skip::NoEvent)));
            }
            Some("Deployment Requested" | "Deployment Finished") => return Ok(Item::Skip(Skip::SentHere)),
            _ => {}
        }
    }
    read(&Value::Object(map))
}

/// The event of a decision, in its original form.
fn decision(mut map: Map<String, Value>, found: &mut Vec<Item>) -> Result<(), EventError> {
    let received = map.get_mut("event").and_then(|event| event.get_mut("received")).map(Value::take);
    match received {
        Some(received @ Value::Object(_)) => items(received, found),
        _ => {
            found.push(Item::Skip(Skip::NoEvent));
            Ok(())
        }
    }
}

fn read(value: &Value) -> Result<Item, EventError> {
    // The input already contains the original; a copy in every record would cost more than the decision.
    Ok(of(read_event(value)?))
}

/// The item for an event.
pub(super) fn of(event: Event) -> Item {
    match &event.body {
        Body::Tick(_) | Body::Scheduled(_) => Item::Skip(Skip::Schedule),
        Body::DeploymentRequested(_)
        | Body::DeploymentFinished(_)
        | Body::DeploymentWaiting(_)
        | Body::EndpointHealthChanged(_)
        | Body::RetrainingFinished(_) => Item::Skip(Skip::SentHere),
        Body::RetrainingRequested(asked) if is_responds(asked) => Item::Skip(Skip::SentHere),
        Body::Other => Item::Skip(Skip::Unwanted),
        // The other files that a monitoring job writes besides its report.
        Body::ObjectCreated(_) if wanted_by(&event).next().is_none() => Item::Skip(Skip::Unwanted),
        _ => Item::Event(Box::new(Arrived { event })),
    }
}

/// Whether respond sent it: respond's request IDs consist of the model, the environment and a fingerprint.
fn is_responds(asked: &RetrainingRequested) -> bool {
    let rest = asked.request_id.strip_prefix(&asked.model).and_then(|rest| rest.strip_prefix('-'));
    let rest =
        rest.and_then(|rest| rest.strip_prefix(&asked.environment)).and_then(|rest| rest.strip_prefix('-'));
    rest.is_some_and(|rest| rest.len() == 16 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A line of a CloudWatch metric stream in JSON.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-metric-streams-formats-json.html>
fn metric(map: &Map<String, Value>) -> Option<Box<Metric>> {
    let text = |name: &str| map.get(name).and_then(Value::as_str);
    if text("metric_name") != Some("Invocations") || text("namespace") != Some("AWS/SageMaker") {
        return None;
    }
    // Only the metrics of components are queried; the metric of their endpoint counts the same requests.
    let name = map.get("dimensions")?.get("InferenceComponentName")?.as_str()?;
    let sum = map.get("value")?.get("sum")?.as_f64().filter(|sum| sum.is_finite() && *sum >= 0.0)?;
    Some(Box::new(Metric {
        account: text("account_id")?.to_owned(),
        region: text("region")?.to_owned(),
        name: name.to_owned(),
        at: Timestamp::from_millisecond(map.get("timestamp")?.as_i64()?).ok()?,
        // A number of invocations in a minute: a whole number far below 2^53.
        invocations: sum.round() as u64,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: Value) -> Vec<Item> {
        let mut found = Vec::new();
        items(value, &mut found).unwrap();
        found
    }

    fn sample(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_event_is_found_in_whatever_it_is_wrapped() {
        let event = sample(include_str!("../../../../events/delivery/archive-replay.json"));
        let plain = of(event.clone());
        assert!(matches!(plain.as_slice(), [Item::Event(_)]));
        let record =
            json!({"function": "promote", "verdict": "deploy", "event": {"id": "1", "received": event}});
        let recorded = json!({"source": "tidegate", "detail-type": "Decision Recorded", "detail": record});
        let queued = json!({"Records": [{"body": event.to_string()}]});
        let failed = json!({"requestContext": {}, "requestPayload": event});
        let dead = json!({"Records": [{"body": failed.to_string()}]});
        let received =
            json!({"Messages": [{"MessageId": "1", "ReceiptHandle": "r", "Body": failed.to_string()}]});
        for wrapper in [&queued, &failed, &dead, &received] {
            assert_eq!(unwrapped(wrapper.clone()).unwrap(), std::slice::from_ref(&event), "{wrapper}");
        }
        for wrapper in [record, recorded, queued, failed, dead, received, json!([event])] {
            assert_eq!(of(wrapper.clone()), plain, "{wrapper}");
        }
    }

    #[test]
    fn what_the_functions_send_is_left_out_and_what_others_send_is_not() {
        let asked = sample(include_str!("../../../../events/contract/retraining-requested.json"));
        let mut ours = asked.clone();
        ours["detail"]["request_id"] = json!("churn-staging-0123456789abcdef");
        ours["detail"]["environment"] = json!("staging");
        assert_eq!(of(ours), [Item::Skip(Skip::SentHere)]);
        let mut theirs = asked;
        theirs["detail"]["request_id"] = json!("by-hand");
        assert!(matches!(of(theirs).as_slice(), [Item::Event(_)]));
        let sent = sample(include_str!("../../../../events/contract/deployment-requested.json"));
        assert_eq!(of(sent), [Item::Skip(Skip::SentHere)]);
        assert_eq!(of(json!({"tidegate": "reconcile"})), [Item::Skip(Skip::Schedule)]);
        assert_eq!(
            of(json!({"function": "train", "verdict": "skip", "event": {}})),
            [Item::Skip(Skip::NoEvent)]
        );
    }

    #[test]
    fn a_line_of_a_metric_stream_is_traffic() {
        let line = |name: &str, dimensions: Value| {
            json!({"metric_stream_name": "all", "account_id": "777788889999", "region": "us-east-1",
                "namespace": "AWS/SageMaker", "metric_name": name, "dimensions": dimensions,
                "timestamp": 1_772_442_600_000_i64, "unit": "None",
                "value": {"count": 3.0, "sum": 12.0, "max": 5.0, "min": 0.0}})
        };
        let component = json!({"InferenceComponentName": "churn"});
        let found = of(line("Invocations", component.clone()));
        let [Item::Metric(metric)] = found.as_slice() else { panic!("no metric") };
        assert_eq!((metric.name.as_str(), metric.invocations), ("churn", 12));
        assert_eq!(metric.at.to_string(), "2026-03-02T09:10:00Z");
        let endpoint = json!({"EndpointName": "churn", "VariantName": "AllTraffic"});
        assert_eq!(of(line("Invocations", endpoint)), [Item::Skip(Skip::OtherMetric)]);
        assert_eq!(of(line("ModelLatency", component)), [Item::Skip(Skip::OtherMetric)]);
    }
}
