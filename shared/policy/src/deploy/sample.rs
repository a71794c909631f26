//! How the sample requests are sent, and whether an answer is as expected.

use jiff::SignedDuration;

use super::{InFlight, Probe, QueuedSample};
use crate::file::{Environment, Sample};

/// How often a sample with a time limit is sent until an answer comes within it. The first answers after a start are slow.
pub const TRIES: u32 = 3;
/// The status of an answer if the policy expects no other.
const OK: u16 = 200;

/// The next call for the sample request of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleCall<'s> {
    /// A request that is answered at once, by the endpoint or its component.
    Invoke,
    /// A request into the queue of an asynchronous endpoint.
    Enqueue,
    /// A look for the answer to the request in the queue.
    FindAnswer(&'s QueuedSample),
}

/// The next call for the sample request.
#[must_use]
pub fn sample_call<'s>(environment: &Environment, in_flight: &'s InFlight) -> SampleCall<'s> {
    let queue = environment.endpoint.spec.behavior().async_settings();
    match (queue, &in_flight.sample) {
        (None, _) => SampleCall::Invoke,
        (Some(_), None) => SampleCall::Enqueue,
        (Some(_), Some(sample)) => SampleCall::FindAnswer(sample),
    }
}

/// The answer of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its HTTP status.
    pub status: u16,
    /// Its content type.
    pub content_type: Option<String>,
    /// Its body. It never gets into a record.
    pub body: Vec<u8>,
    /// How long the request took, as the caller measured it.
    pub took: SignedDuration,
}

/// What an answer shows. `mismatch` says how its body differs from the expected schema, without a value of the body.
#[must_use]
pub fn judged(sample: &Sample, probe: Probe, mismatch: Option<String>) -> Probe {
    let wanted = expected_status(sample);
    match probe {
        Probe::Replied(answer) if answer.status != wanted => {
            Probe::Unexpected(format!("its status is {} instead of {wanted}", answer.status))
        }
        Probe::Replied(answer) => match unexpected(sample, &answer).or(mismatch) {
            Some(what) => Probe::Unexpected(what),
            None => Probe::Answered(answer.status),
        },
        // SageMaker reports an error status of the container as an error, with the status in its message.
        // https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
        Probe::Failed(error) if wanted != OK && error.contains(&format!("({wanted})")) => {
            Probe::Answered(wanted)
        }
        other => other,
    }
}

/// The status with which the answer to a sample passes.
pub(super) fn expected_status(sample: &Sample) -> u16 {
    sample.expect.as_ref().and_then(|expect| expect.status).unwrap_or(OK)
}

/// Whether a sample must be sent again, because its answer was only too slow.
#[must_use]
pub fn is_too_slow(sample: &Sample, answer: &Answer) -> bool {
    limit(sample).is_some_and(|limit| answer.took > limit)
}

fn limit(sample: &Sample) -> Option<SignedDuration> {
    let within = sample.expect.as_ref()?.within_ms?;
    Some(SignedDuration::from_millis(i64::from(within)))
}

fn unexpected(sample: &Sample, answer: &Answer) -> Option<String> {
    let wanted = sample.expect.as_ref().and_then(|expect| expect.content_type.as_ref());
    if let Some(wanted) = wanted {
        let found = answer.content_type.as_deref().unwrap_or("none");
        let media_type = |text: &str| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if media_type(found) != media_type(wanted) {
            let found: String = found.chars().take(80).collect();
            return Some(format!("its content type is {found} instead of {wanted}"));
        }
    }
    let limit = limit(sample).filter(|limit| answer.took > *limit)?;
    let (took, limit) = (answer.took.as_millis(), limit.as_millis());
    Some(format!("it took {took} ms instead of at most {limit} ms, in the last of {TRIES} tries"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(expect: &str) -> Sample {
        serde_json::from_str(&format!(r#"{{"contentType": "text/csv", "body": "1", "expect": {expect}}}"#))
            .unwrap()
    }

    fn answer(status: u16, content_type: &str, millis: i64) -> Probe {
        let took = SignedDuration::from_millis(millis);
        let content_type = Some(content_type.to_owned());
        Probe::Replied(Answer { status, content_type, body: Vec::new(), took })
    }

    #[test]
    fn an_answer_is_compared_with_what_the_sample_expects() {
        let json = sample(r#"{"contentType": "application/json", "withinMs": 500}"#);
        let good = answer(200, "Application/JSON; charset=utf-8", 500);
        assert_eq!(judged(&json, good.clone(), None), Probe::Answered(200));
        let what = |probe| match judged(&json, probe, None) {
            Probe::Unexpected(what) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            what(answer(200, "text/csv", 1)),
            "its content type is text/csv instead of application/json"
        );
        assert!(
            what(answer(200, "application/json", 501))
                .starts_with("it took 501 ms instead of at most 500 ms")
        );
        assert_eq!(what(answer(204, "application/json", 1)), "its status is 204 instead of 200");
        let mismatch = "/predictions is missing".to_owned();
        assert_eq!(judged(&json, good, Some(mismatch.clone())), Probe::Unexpected(mismatch));
    }

    #[test]
    fn a_sample_may_expect_that_the_model_refuses_it() {
        let refused = sample(r#"{"status": 400}"#);
        let error = "ModelError: Received client error (400) from primary".to_owned();
        assert_eq!(judged(&refused, Probe::Failed(error.clone()), None), Probe::Answered(400));
        let other = Probe::Failed(error.replace("400", "415"));
        assert_eq!(judged(&refused, other.clone(), None), other);
        assert!(matches!(judged(&refused, answer(200, "text/csv", 1), None), Probe::Unexpected(_)));
    }
}
