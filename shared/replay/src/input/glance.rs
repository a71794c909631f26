//! A first look at a line: most events of an account are nobody's here, and then only their envelope is read.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, IgnoredAny};
use tidegate_events::is_known;

use super::Item;
use super::item::Skip;

/// The envelope of an event. What else stands in the line is checked to be JSON, and forgotten.
#[derive(serde::Deserialize)]
struct Glance<'l> {
    #[serde(borrow)]
    id: Text<'l>,
    #[serde(borrow)]
    source: Text<'l>,
    #[serde(borrow, rename = "detail-type")]
    detail_type: Text<'l>,
    #[serde(borrow)]
    account: Text<'l>,
    #[serde(borrow)]
    region: Text<'l>,
    #[serde(borrow)]
    time: Option<Text<'l>>,
    #[expect(dead_code, reason = "only that it is a list of texts matters")]
    #[serde(default, borrow)]
    resources: Option<Vec<Text<'l>>>,
    #[expect(dead_code, reason = "only that it is a text matters")]
    #[serde(default, borrow, rename = "replay-name")]
    replay_name: Option<Text<'l>>,
    /// The input of a schedule of ours has no envelope, whatever else it has.
    #[serde(default, deserialize_with = "is_there")]
    tidegate: bool,
    /// Nor has an alarm's direct action.
    #[serde(default, rename = "alarmData", deserialize_with = "is_there")]
    alarm_data: bool,
}

/// A text; borrowed, unless something in it is escaped.
#[derive(serde::Deserialize)]
struct Text<'l>(#[serde(borrow)] Cow<'l, str>);

impl Text<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a line is, if its envelope alone says it: an event that no function wants. `None` says nothing: then the line has
/// to be read, be it that it is wanted, that it is more than one event, or that it is none at all.
pub(super) fn glance(line: &[u8]) -> Option<Item> {
    let seen: Glance<'_> = serde_json::from_slice(line).ok()?;
    let Glance { id, source, detail_type, account, region, time, .. } = &seen;
    let is_whole = ![id, source, detail_type, account, region].into_iter().any(Text::is_empty);
    let has_time = time.as_ref().is_none_or(|time| time.0.parse::<Timestamp>().is_ok());
    let is_plain = is_whole && has_time && !seen.tidegate && !seen.alarm_data;
    (is_plain && !is_known(&source.0, &detail_type.0)).then_some(Item::Skip(Skip::Unwanted))
}

fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::items;
    use serde_json::{Value, json};

    fn sample() -> Value {
        serde_json::from_str(include_str!("../../../../events/sagemaker/training-job.completed.json"))
            .unwrap()
    }

    /// What reading the whole line makes of it; `None` if it cannot be read.
    fn read(line: &str) -> Option<Vec<Item>> {
        let mut found = Vec::new();
        items(serde_json::from_str(line).ok()?, &mut found).ok().map(|()| found)
    }

    #[test]
    fn an_event_that_nobody_wants_is_known_by_its_envelope() {
        let job = sample();
        let with = |name: &str, value: Value| {
            let mut job = job.clone();
            job[name] = value;
            job
        };
        for plain in [
            job.clone(),
            with("detail", json!("no object")),
            with("time", json!(null)),
            with("resources", json!(null)),
            with("source", json!("aws.\"quoted\"")),
            with("detail-type", json!("SageMaker Endpoint State Change of another kind")),
        ] {
            assert_eq!(glance(plain.to_string().as_bytes()), Some(Item::Skip(Skip::Unwanted)), "{plain}");
        }
    }

    #[test]
    fn what_a_glance_says_is_what_reading_says() {
        let job = sample();
        let without = |name: &str| {
            let mut job = job.clone();
            job.as_object_mut().unwrap().remove(name);
            job.to_string()
        };
        let mut lines: Vec<String> = job.as_object().unwrap().keys().map(|name| without(name)).collect();
        let names = ["id", "source", "detail-type", "account", "region", "time", "resources", "replay-name"];
        for name in names.into_iter().chain(["tidegate", "alarmData", "detail", "metric_name", "function"]) {
            let values = [json!(null), json!(""), json!("x"), json!(1), json!(["x"]), json!([1]), json!({})];
            for value in values.into_iter().chain([json!("reconcile"), json!("1772442600000")]) {
                let mut job = job.clone();
                job[name] = value;
                lines.push(job.to_string());
            }
        }
        let text = job.to_string();
        lines.extend([format!("{text}{text}"), format!("{text} x"), text[..text.len() - 1].to_owned()]);
        lines.push(text.replacen('{', r#"{"id": "a", "#, 1));
        lines.push(text.replacen('{', r#"{"source": ["aws.sagemaker"], "#, 1));
        let mut glanced = 0;
        for line in lines {
            if let Some(item) = glance(line.as_bytes()) {
                glanced += 1;
                assert_eq!(read(&line), Some(vec![item]), "{line}");
            }
        }
        assert!(glanced > 20, "{glanced}");
    }
}
