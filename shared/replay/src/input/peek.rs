//! A look at an event's envelope, without reading the rest.
//!
//! Most of what an account's bus carries is nobody's business here: jobs, steps, other services. To see that, two texts
//! of the envelope are enough. EventBridge puts them first, and what follows need not even be looked at.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use tidegate_events::SOURCE;

/// The events that functions or mirrors take in. A test compares this with what they do.
const WANTED: &[(&str, &str)] = &[
    ("aws.codecommit", "CodeCommit Repository State Change"),
    ("aws.sagemaker", "SageMaker Model Package State Change"),
    ("aws.sagemaker", "SageMaker Model Building Pipeline Execution Status Change"),
    ("aws.sagemaker", "SageMaker Endpoint State Change"),
    ("aws.sagemaker", "SageMaker Endpoint Deployment State Change"),
    ("aws.cloudwatch", "CloudWatch Alarm State Change"),
    ("aws.s3", "Object Created"),
    ("aws.events", "Scheduled Event"),
    ("aws.scheduler", "Scheduled Event"),
];

/// Whether a line begins an event that is surely nobody's business. In doubt it does not: then it is read, and whatever is
/// wrong with it is said.
pub(super) fn is_nobodys(text: &[u8]) -> bool {
    let mut peek = Peek::default();
    let mut json = serde_json::Deserializer::from_slice(text);
    // It ends with an error as soon as it has seen enough.
    let _ = (&mut peek).deserialize(&mut json);
    let (Some(source), Some(detail_type)) = (peek.source, peek.detail_type) else { return false };
    source != SOURCE && !WANTED.contains(&(source.as_ref(), detail_type.as_ref())) && closes(text)
}

/// Whether a line holds one whole event, as far as its ends say.
fn closes(text: &[u8]) -> bool {
    text.first() == Some(&b'{') && text.ends_with(b"}}")
}

#[derive(Default)]
struct Peek<'t> {
    source: Option<Cow<'t, str>>,
    detail_type: Option<Cow<'t, str>>,
}

impl<'t> DeserializeSeed<'t> for &mut Peek<'t> {
    type Value = ();

    fn deserialize<D: Deserializer<'t>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'t> Visitor<'t> for &mut Peek<'t> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'t, str>>()? {
            match key.as_ref() {
                "source" => self.source = Some(map.next_value()?),
                "detail-type" => self.detail_type = Some(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            if self.source.is_some() && self.detail_type.is_some() {
                return Err(A::Error::custom("enough"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use tidegate_events::{Body, parse};

    fn samples(folder: &Path, found: &mut Vec<Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                samples(&path, found);
            } else {
                let text = std::fs::read(&path).unwrap();
                let value = serde_json::from_slice::<serde_json::Value>(&text);
                found.push(value.map(|value| value.to_string().into_bytes()).unwrap_or(text));
            }
        }
    }

    #[test]
    fn what_is_left_unread_is_nothing_to_anybody() {
        let mut all = Vec::new();
        samples(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events"), &mut all);
        let (mut left, mut read) = (0, 0);
        for bytes in all {
            let Ok(event) = parse(&bytes) else {
                assert!(!is_nobodys(&bytes), "what cannot be read is said");
                continue;
            };
            if is_nobodys(&bytes) {
                assert_eq!(event.body, Body::Other, "{:?}", event.envelope);
                left += 1;
            } else {
                read += 1;
            }
        }
        assert!(left > 40 && read > 80, "{left} {read}");
    }

    #[test]
    fn a_line_that_was_cut_off_is_read() {
        let whole = r#"{"detail-type": "a", "source": "b", "detail": {}}"#;
        assert!(is_nobodys(whole.as_bytes()));
        assert!(!is_nobodys(&whole.as_bytes()[..whole.len() - 3]));
        assert!(!is_nobodys(b"nonsense"));
        assert!(!is_nobodys(br#"{"detail-type": 1, "source": "b", "detail": {}}"#));
    }
}
