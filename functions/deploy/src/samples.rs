//! The sample requests: each is sent in its order, and its answer is compared with what the policy expects of it.

use std::time::{Duration, Instant};

use tidegate_engine::CallError;
use tidegate_engine::ports::Sampler;
use tidegate_policy::deploy::{Answer, InFlight, Probe, SampleCall, TRIES, is_too_slow, judged, sample_call};
use tidegate_policy::file::{Environment, Sample};

/// After this time no further sample is sent in one check, so that the check ends within the lease.
const LONGEST: Duration = Duration::from_secs(20);
/// The longest text about a difference, in characters.
const LONGEST_TEXT: usize = 200;

/// What the samples are sent to.
pub(crate) struct Samples<'s> {
    pub(crate) sampler: &'s dyn Sampler,
    pub(crate) endpoint: &'s str,
    pub(crate) component: Option<&'s str>,
}

impl Samples<'_> {
    /// Sends the samples that are not answered yet, until one is not answered as expected. Returns the index of the last one
    /// with its result.
    pub(crate) async fn send(
        &self,
        environment: &Environment,
        in_flight: &InFlight,
    ) -> Result<(u32, Option<Probe>), CallError> {
        let began = Instant::now();
        let samples = environment.verify.samples();
        let call = sample_call(environment, in_flight);
        let mut last = (in_flight.samples_answered, None);
        let all = (0_u32..).zip(samples).skip_while(|(at, _)| *at < in_flight.samples_answered);
        for (at, sample) in all {
            let probe = match call {
                SampleCall::Invoke => self.ask(sample).await?,
                SampleCall::Enqueue => self.sampler.enqueue(self.endpoint, sample).await?,
                SampleCall::FindAnswer(queued) => self.sampler.find_answer(queued).await?,
            };
            let goes_on = matches!(probe, Probe::Answered(_)) && call == SampleCall::Invoke;
            last = (at, Some(probe));
            if !goes_on || began.elapsed() > LONGEST {
                break;
            }
        }
        Ok(last)
    }

    /// Sends one sample, again if its answer is only too slow.
    async fn ask(&self, sample: &Sample) -> Result<Probe, CallError> {
        let mut probe = self.sampler.ask(self.endpoint, self.component, sample).await?;
        for _ in 1..TRIES {
            match &probe {
                Probe::Replied(answer) if is_too_slow(sample, answer) => {
                    probe = self.sampler.ask(self.endpoint, self.component, sample).await?;
                }
                _ => break,
            }
        }
        let mismatch = match &probe {
            Probe::Replied(answer) => mismatch(sample, answer),
            _ => None,
        };
        Ok(judged(sample, probe, mismatch))
    }
}

/// Why a text is no JSON Schema that an answer can be compared with.
#[must_use]
pub fn invalid_schema(schema: &str) -> Option<String> {
    match serde_json::from_str(schema) {
        Err(error) => Some(format!("is no JSON: {error}")),
        Ok(schema) => {
            jsonschema::validator_for(&schema).err().map(|error| format!("is no JSON Schema: {error}"))
        }
    }
}

/// How the body of an answer differs from the schema of the sample. The text names places and rules, and no value of the body.
fn mismatch(sample: &Sample, answer: &Answer) -> Option<String> {
    let schema = sample.expect.as_ref()?.schema.as_ref()?;
    let Ok(schema) = serde_json::from_str(schema) else { return Some("its schema is no JSON".to_owned()) };
    let validator = match jsonschema::validator_for(&schema) {
        Ok(validator) => validator,
        Err(error) => return Some(short(&format!("its schema is not valid: {error}"))),
    };
    let Ok(body) = serde_json::from_slice(&answer.body) else {
        return Some(format!("its body of {} bytes is no JSON, and a schema is expected", answer.body.len()));
    };
    let error = validator.validate(&body).err()?;
    let place = error.instance_path().to_string();
    let place = if place.is_empty() { "the body".to_owned() } else { format!("`{place}`") };
    Some(short(&format!("at {place} {}", error.masked())))
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn difference(schema: &str, body: &str) -> Option<String> {
        let expect = serde_json::json!({"schema": schema});
        let sample = serde_json::json!({"contentType": "text/csv", "body": "1", "expect": expect});
        let sample: Sample = serde_json::from_value(sample).unwrap();
        let body = body.as_bytes().to_vec();
        mismatch(&sample, &Answer { status: 200, content_type: None, body, took: SignedDuration::ZERO })
    }

    const SCHEMA: &str = r#"{"type": "object", "required": ["predictions"],
        "properties": {"predictions": {"type": "array", "items": {"type": "number", "maximum": 1}}}}"#;

    #[test]
    fn a_difference_names_the_place_and_no_value() {
        assert_eq!(difference(SCHEMA, r#"{"predictions": [0.5]}"#), None);
        let text = difference(SCHEMA, r#"{"predictions": ["secret"]}"#).unwrap();
        assert!(text.contains("/predictions/0") && text.contains("number"), "{text}");
        assert!(!text.contains("secret"), "{text}");
        let missing = difference(SCHEMA, r#"{"secret": 1}"#).unwrap();
        assert!(missing.contains("predictions") && !missing.contains("secret"), "{missing}");
        let none = difference(SCHEMA, "secret").unwrap();
        assert_eq!(none, "its body of 6 bytes is no JSON, and a schema is expected");
    }

    #[test]
    fn a_schema_refers_to_no_other_document() {
        assert_eq!(invalid_schema(SCHEMA), None);
        assert!(invalid_schema("{").unwrap().starts_with("is no JSON:"));
        assert!(invalid_schema(r#"{"type": "objekt"}"#).unwrap().starts_with("is no JSON Schema"));
        for place in ["https://example.com/schema.json", "file:///etc/passwd"] {
            assert!(invalid_schema(&format!(r#"{{"$ref": "{place}"}}"#)).is_some(), "{place}");
        }
    }
}
