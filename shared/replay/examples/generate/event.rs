//! The samples, and how one of them becomes the event of a model at a time.

use jiff::Timestamp;
use serde_json::{Value, json};

/// One line of the output.
pub(crate) struct Line {
    /// When it is told.
    pub(crate) at: Timestamp,
    /// The event.
    pub(crate) text: String,
    /// Whether it is an event; a datapoint is none.
    pub(crate) is_event: bool,
}

/// The samples that a year is made of.
pub(crate) struct Samples {
    pub(crate) push: Value,
    pub(crate) execution: Value,
    pub(crate) step: Value,
    pub(crate) job: Value,
    pub(crate) monitoring: Value,
    pub(crate) package: Value,
    pub(crate) endpoint: Value,
    pub(crate) deployment: Value,
    pub(crate) drift: Value,
    pub(crate) errors: Value,
    pub(crate) object: Value,
    pub(crate) tick: Value,
}

macro_rules! sample {
    ($file:literal) => {
        serde_json::from_str(include_str!(concat!("../../../../events/", $file))).unwrap_or_default()
    };
}

impl Samples {
    pub(crate) fn new() -> Self {
        Self {
            push: sample!("codecommit/reference-updated.branch-push.json"),
            execution: sample!("sagemaker/pipeline-execution.succeeded.json"),
            step: sample!("sagemaker/pipeline-step.processing-succeeded.json"),
            job: sample!("sagemaker/training-job.completed.json"),
            monitoring: sample!("sagemaker/processing-job.monitor-completed-clean.json"),
            package: sample!("sagemaker/model-package.approved.json"),
            endpoint: sample!("sagemaker/endpoint.in-service.json"),
            deployment: sample!("sagemaker/endpoint-deployment.canary-baking.json"),
            drift: sample!("cloudwatch/alarm.drift.alarm.json"),
            errors: sample!("cloudwatch/alarm.endpoint-5xx.alarm.json"),
            object: sample!("s3/object-created.statistics.json"),
            tick: sample!("schedule/scheduled-event.scheduler-default.json"),
        }
    }
}

/// Numbers that look random and are the same every time.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        // Neighbouring seeds must not give neighbouring numbers.
        let mut dice = Self(seed);
        Self(dice.next() ^ seed.rotate_left(32))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// True so many times of a hundred.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    pub(crate) fn id(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-5{:03x}-8{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xFFFF,
            high & 0xFFF,
            (low >> 48) & 0xFFF,
            low & 0xFFFF_FFFF_FFFF
        )
    }

    pub(crate) fn commit(&mut self) -> String {
        format!("{:016x}{:016x}{:08x}", self.next(), self.next(), self.next() & 0xFFFF_FFFF)
    }
}

/// A sample with other values, by JSON pointer.
pub(crate) fn event(
    sample: &Value,
    account: &str,
    at: Timestamp,
    dice: &mut Dice,
    changes: &[(&str, Value)],
) -> Line {
    let mut value = sample.clone();
    let own = [("/id", json!(dice.id())), ("/account", json!(account)), ("/time", json!(whole(at)))];
    for (pointer, new) in own.iter().chain(changes) {
        if let Some(place) = value.pointer_mut(pointer) {
            *place = new.clone();
        }
    }
    Line { at, text: written(&value), is_event: true }
}

/// In the order in which EventBridge writes the envelope.
fn written(value: &Value) -> String {
    let names =
        ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"];
    let member = |name: &str| Some(format!("{}:{}", json!(name), value.get(name)?));
    let members: Vec<String> = names.iter().filter_map(|name| member(name)).collect();
    format!("{{{}}}", members.join(","))
}

/// The same event told again, under another id.
pub(crate) fn again(line: &Line, at: Timestamp, dice: &mut Dice) -> Line {
    let mut value: Value = serde_json::from_str(&line.text).unwrap_or_default();
    if let Some(id) = value.pointer_mut("/id") {
        *id = json!(dice.id());
    }
    Line { at, text: written(&value), is_event: true }
}

/// A line of a metric stream.
pub(crate) fn invocations(component: &str, account: &str, at: Timestamp, count: u64) -> Line {
    let value = json!({"metric_stream_name": "fleet", "account_id": account, "region": "us-east-1",
        "namespace": "AWS/SageMaker", "metric_name": "Invocations",
        "dimensions": {"InferenceComponentName": component}, "timestamp": at.as_millisecond(), "unit": "None",
        "value": {"count": count, "sum": count, "max": 1.0, "min": 1.0}});
    Line { at, text: value.to_string(), is_event: false }
}

/// EventBridge's times have whole seconds.
fn whole(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}
