//! A first look at a line: most events of an account are nobody's here, and then only their envelope is read.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use tidegate_events::is_known;

use super::Item;
use super::item::Skip;

/// What a line is, if its envelope alone says it: an event that no function wants. `None` says nothing: then the line has
/// to be read, be it that it is wanted, that it is more than one event, or that it is none at all.
pub(super) fn glance(line: &[u8]) -> Option<Item> {
    serde_json::from_slice::<Unwanted>(line).ok().map(|Unwanted| Item::Skip(Skip::Unwanted))
}

/// An event that no function wants. It fails at the first sign that the line may be anything else; what is no part of the
/// envelope is checked to be JSON, and forgotten.
struct Unwanted;

impl<'de> Deserialize<'de> for Unwanted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Glance).map(|()| Self)
    }
}

/// A text; borrowed, unless something in it is escaped.
#[derive(serde::Deserialize)]
struct Text<'l>(#[serde(borrow)] Cow<'l, str>);

/// The names that an envelope must have, each once.
const NAMES: [&str; 5] = ["id", "source", "detail-type", "account", "region"];

struct Glance;

impl<'de> Visitor<'de> for Glance {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an event that no function wants")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let other = || A::Error::custom("something else");
        let mut texts: [Option<Text<'de>>; NAMES.len()] = [const { None }; NAMES.len()];
        while let Some(Text(name)) = map.next_key()? {
            match name.as_ref() {
                // The input of a schedule of ours, and an alarm's direct action, have no envelope whatever else they have.
                "tidegate" | "alarmData" => return Err(other()),
                "time" => match map.next_value::<Option<Text<'de>>>()? {
                    Some(Text(time)) if time.parse::<Timestamp>().is_err() => return Err(other()),
                    _ => {}
                },
                "resources" => drop(map.next_value::<Option<Vec<Text<'de>>>>()?),
                "replay-name" => drop(map.next_value::<Option<Text<'de>>>()?),
                name => match NAMES.iter().position(|one| *one == name).and_then(|at| texts.get_mut(at)) {
                    None => drop(map.next_value::<IgnoredAny>()?),
                    Some(Some(_)) => return Err(other()),
                    Some(place) => *place = Some(map.next_value()?),
                },
            }
            if let [_, Some(Text(source)), Some(Text(detail_type)), ..] = &texts
                && is_known(source, detail_type)
            {
                return Err(other());
            }
        }
        let is_whole = texts.iter().flatten().filter(|Text(text)| !text.is_empty()).count() == NAMES.len();
        is_whole.then_some(()).ok_or_else(other)
    }
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
