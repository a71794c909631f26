//! The ports of [`Account`](crate::Account).

mod common;
mod endpoints;
mod gates;
mod hub;
mod running;
mod settings;
mod spoke;

pub(crate) use hub::{JOB_ROLE, ROLE};

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_engine::CallError;
use tidegate_policy::owner::Tags;

use crate::cloud::Account;

/// A text member.
pub(crate) fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}

/// A time member: seconds since 1970 with a fraction, of which AWS means milliseconds.
pub(crate) fn time(value: &Value, pointer: &str) -> Option<Timestamp> {
    let seconds = value.pointer(pointer).and_then(Value::as_f64)?;
    // Far below 2^53 milliseconds, so nothing is lost.
    Timestamp::from_millisecond((seconds * 1_000.0).round() as i64).ok()
}

/// Tags as the API writes them.
pub(crate) fn tag_list(tags: &[(String, String)]) -> Value {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

impl Account {
    /// The tags of a SageMaker resource; none if it does not exist.
    pub(crate) async fn tags_of(&self, arn: &str) -> Result<Tags, CallError> {
        let found =
            self.find("sagemaker", "ListTags", json!({"ResourceArn": arn})).await?.unwrap_or_default();
        let tags = found.get("Tags").and_then(Value::as_array).cloned().unwrap_or_default();
        Ok(tags.iter().filter_map(|tag| text(tag, "/Key").zip(text(tag, "/Value"))).collect())
    }
}
