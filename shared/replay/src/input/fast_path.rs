//! The fast path for a line that is one AWS event, as most lines are: it parses the envelope, and only those fields
//! of the detail that a function needs. Any unusual line is left to the full parser.

use std::fmt;

use jiff::Timestamp;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use tidegate_events::{Envelope, Json, Members, Text, is_known, members_read, read_detail};

use super::Item;
use super::item::{self, Skip};

/// Parses a line that is one ordinary AWS event. After `None` the whole line must be parsed: it may be a relevant
/// event, more than one event, or no event at all.
pub(super) fn fast_parse(line: &[u8]) -> Option<Item> {
    let line = std::str::from_utf8(line).ok()?;
    match serde_json::from_str(line).ok()? {
        FastParsed::Unwanted => Some(Item::Skip(Skip::Unwanted)),
        FastParsed::Known(envelope, detail) => {
            read_detail(*envelope, Some(&Json::Object(detail))).ok().map(item::of)
        }
    }
}

/// The content of an envelope. Parsing fails at the first sign that the line may be anything other than one event.
/// Other fields are checked to be valid JSON and discarded.
enum FastParsed<'l> {
    /// No function needs it.
    Unwanted,
    /// A function may need it, and reads only these members of the detail.
    Known(Box<Envelope>, Members<'l>),
}

impl<'de> Deserialize<'de> for FastParsed<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor)
    }
}

/// The names that an envelope must have, each once.
const NAMES: [&str; 5] = ["account", "detail-type", "id", "region", "source"];
/// The indexes of the names that identify the kind of event.
const DETAIL_TYPE: usize = 1;
const SOURCE: usize = 4;

/// The detail of an event.
enum Detail<'l> {
    /// The detail came before the names that identify the kind of event.
    Unread(&'l RawValue),
    /// No function reads the detail.
    Unwanted,
    /// The members that are read.
    Known(Members<'l>),
}

impl<'l> Detail<'l> {
    /// Parses the detail of such an event; fails for a known event that is not from AWS.
    fn read<D: Deserializer<'l>>(json: D, source: &str, detail_type: &str) -> Result<Self, D::Error> {
        if !is_known(source, detail_type) {
            return IgnoredAny::deserialize(json).map(|IgnoredAny| Detail::Unwanted);
        }
        match members_read(source, detail_type) {
            Some([]) => IgnoredAny::deserialize(json).map(|IgnoredAny| Detail::Known(Members::default())),
            Some(names) => Members::read_named(names, json).map(Detail::Known),
            None => Err(D::Error::custom("something else")),
        }
    }
}

/// A detail whose kind is already known.
struct Kind<'k> {
    source: &'k str,
    detail_type: &'k str,
}

impl<'de> DeserializeSeed<'de> for Kind<'_> {
    type Value = Detail<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Detail<'de>, D::Error> {
        Detail::read(json, self.source, self.detail_type)
    }
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = FastParsed<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event of AWS")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FastParsed<'de>, A::Error> {
        let other = || A::Error::custom("something else");
        let mut texts: [Option<Text<'de>>; NAMES.len()] = [const { None }; NAMES.len()];
        let (mut time, mut resources, mut replay_name, mut detail) = (None, None, None, None);
        while let Some(Text(name)) = map.next_key()? {
            match name.as_ref() {
                // The input of a Tidegate schedule, and the direct action of an alarm, have no envelope, whatever
                // other fields they have.
                "tidegate" | "alarmData" => return Err(other()),
                "time" => once(&mut time, map.next_value::<Option<Text<'de>>>()?)?,
                "resources" => once(&mut resources, map.next_value::<Option<Vec<Text<'de>>>>()?)?,
                "replay-name" => once(&mut replay_name, map.next_value::<Option<Text<'de>>>()?)?,
                "detail" => {
                    let read = match (&texts[SOURCE], &texts[DETAIL_TYPE]) {
                        (Some(Text(source)), Some(Text(detail_type))) => {
                            map.next_value_seed(Kind { source, detail_type })?
                        }
                        _ => Detail::Unread(map.next_value()?),
                    };
                    once(&mut detail, read)?;
                }
                name => match NAMES.iter().position(|one| *one == name).and_then(|at| texts.get_mut(at)) {
                    None => drop(map.next_value::<IgnoredAny>()?),
                    Some(place) => once(place, map.next_value()?)?,
                },
            }
        }
        let [Some(account), Some(detail_type), Some(id), Some(region), Some(source)] = texts else {
            return Err(other());
        };
        if [&account, &detail_type, &id, &region, &source].into_iter().any(|text| text.0.is_empty()) {
            return Err(other());
        }
        let time = match time.flatten() {
            Some(Text(time)) => Some(time.parse::<Timestamp>().map_err(|_| other())?),
            None => None,
        };
        let detail = match detail {
            Some(Detail::Unread(text)) => {
                Detail::read(text, &source.0, &detail_type.0).map_err(A::Error::custom)?
            }
            Some(detail) => detail,
            None if is_known(&source.0, &detail_type.0) => return Err(other()),
            None => Detail::Unwanted,
        };
        let Detail::Known(detail) = detail else { return Ok(FastParsed::Unwanted) };
        let own = |Text(text): Text<'_>| text.into_owned();
        let envelope = Envelope {
            id: own(id),
            source: own(source),
            detail_type: own(detail_type),
            account: own(account),
            region: own(region),
            time,
            resources: resources.flatten().unwrap_or_default().into_iter().map(own).collect(),
            replay_name: replay_name.flatten().map(own).filter(|name| !name.is_empty()),
        };
        Ok(FastParsed::Known(Box::new(envelope), detail))
    }
}

/// For a duplicate name, parsers may use the first or the last value, so a duplicate is unusual.
fn once<T, E: Error>(place: &mut Option<T>, value: T) -> Result<(), E> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::custom("twice")),
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

    /// The result of parsing the whole line; `None` if it cannot be parsed.
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
            assert_eq!(fast_parse(plain.to_string().as_bytes()), Some(Item::Skip(Skip::Unwanted)), "{plain}");
        }
    }

    #[test]
    fn the_fast_path_says_what_the_full_parser_says() {
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
        let mut parsed = 0;
        for line in lines {
            if let Some(item) = fast_parse(line.as_bytes()) {
                parsed += 1;
                assert_eq!(read(&line), Some(vec![item]), "{line}");
            }
        }
        assert!(parsed > 20, "{parsed}");
    }

    /// Every sample event.
    fn samples() -> Vec<Value> {
        let events = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
        let folders =
            ["cloudwatch", "codecommit", "contract", "delivery", "monitor", "s3", "sagemaker", "schedule"];
        let files = folders.iter().flat_map(|folder| std::fs::read_dir(events.join(folder)).unwrap());
        // A folder, or a file that is not JSON, is not a sample.
        let texts = files.filter_map(|file| std::fs::read_to_string(file.unwrap().path()).ok());
        texts.filter_map(|text| serde_json::from_str(&text).ok()).collect()
    }

    #[test]
    fn the_fast_path_skips_only_what_no_function_wants() {
        let mut known = 0;
        for sample in samples() {
            let mut lines = vec![sample.clone()];
            for name in sample["detail"].as_object().into_iter().flatten().map(|(name, _)| name) {
                for value in [json!(null), json!(""), json!(7), json!("7"), json!([]), json!({})] {
                    let mut other = sample.clone();
                    other["detail"][name] = value;
                    lines.push(other);
                }
            }
            for line in lines.iter().map(Value::to_string) {
                if let Some(item) = fast_parse(line.as_bytes()) {
                    known += usize::from(matches!(item, Item::Event(_)));
                    assert_eq!(read(&line), Some(vec![item]), "{line}");
                }
            }
        }
        assert!(known > 1_000, "{known}");
    }
}
