//! Sample requests and monitoring reports.

use aws_sdk_sagemakerruntime::operation::invoke_endpoint::InvokeEndpointError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use serde_json::json;
use tidegate_engine::Class;
use tidegate_engine::ports::{Reports, Sampler};
use tidegate_policy::deploy::Probe;
use tidegate_policy::file::Sample;
use tidegate_policy::respond::{MonitorReport, Violation};

use crate::error::failed;
use crate::sampler::probe as probe_of;

use super::cloud::{Answer, cloud, plain, refusal, refusal_with};

pub(super) fn sample(body: &str) -> Sample {
    Sample { content_type: "text/csv".to_owned(), body: body.to_owned(), accept: None, expect: None }
}

async fn ask(
    component: Option<&str>,
    answer: Answer,
) -> (Result<Probe, tidegate_engine::CallError>, super::cloud::Sent) {
    let (aws, wire) = cloud([answer]);
    let probe = aws.sampler().ask("churn", component, &sample("42,1,0.5")).await;
    (probe, wire.only())
}

#[tokio::test]
async fn a_successful_response_is_an_answer() {
    let (probe, sent) = ask(None, plain("0.7")).await;
    let Probe::Replied(answer) = probe.unwrap() else { panic!("it answered") };
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"0.7"[..]));
    assert_eq!(sent.method, "POST");
    assert!(sent.uri.ends_with("/endpoints/churn/invocations"), "{}", sent.uri);
    assert_eq!(sent.text(), "42,1,0.5");
    assert_eq!(sent.header("content-type"), Some("text/csv"));
    assert_eq!(sent.header("x-amzn-sagemaker-inference-component"), None);
    let (_, sent) = ask(Some("churn"), plain("0.7")).await;
    assert_eq!(sent.header("x-amzn-sagemaker-inference-component"), Some("churn"));
}

#[tokio::test]
async fn an_error_of_the_model_is_a_failed_sample() {
    let body = json!({ "message": "Received client error (400) from primary", "OriginalStatusCode": 400 });
    let (probe, _) = ask(None, refusal_with(424, "ModelError", body)).await;
    assert_eq!(
        probe.unwrap(),
        Probe::Failed("ModelError: Received client error (400) from primary".to_owned())
    );
    let (probe, _) = ask(None, refusal(400, "ValidationError", &"no such variant ".repeat(100))).await;
    let Probe::Failed(text) = probe.unwrap() else { panic!("it failed") };
    assert_eq!(text.chars().count(), 300);
}

#[tokio::test]
async fn an_error_that_does_not_concern_the_model_is_an_error() {
    for (answer, class) in [
        (refusal(403, "AccessDeniedException", "no"), Class::Denied),
        (refusal(400, "ThrottlingException", "slow"), Class::Throttled),
        (refusal(503, "ServiceUnavailable", "later"), Class::Retryable),
        (refusal(500, "InternalFailure", "ours"), Class::Retryable),
        (Answer::Timeout, Class::Retryable),
        (Answer::Unreachable, Class::Retryable),
    ] {
        assert_eq!(ask(None, answer).await.0.unwrap_err().class, class);
    }
}

#[tokio::test]
async fn a_model_that_is_loading_or_does_not_answer_is_silent() {
    let server_error = |status: u16| {
        let message = format!("Received server error ({status}) from primary with message \"no\".");
        refusal_with(424, "ModelError", json!({ "message": message, "OriginalStatusCode": status }))
    };
    let no_capacity = "Inference Component has no capacity to process this request.";
    for answer in [
        refusal(429, "ModelNotReadyException", "loading"),
        server_error(0),
        server_error(503),
        refusal(400, "ValidationError", no_capacity),
    ] {
        let probe = ask(None, answer).await.0.unwrap();
        assert!(matches!(probe, Probe::NotReady(_)), "{probe:?}");
    }
    let hangs: SdkError<InvokeEndpointError, HttpResponse> = SdkError::timeout_error("30 s have passed");
    assert_eq!(probe_of(failed("sagemaker-runtime", "InvokeEndpoint")(hangs)).unwrap(), Probe::Silent);
}

async fn read(answer: Answer) -> Result<MonitorReport, tidegate_engine::CallError> {
    let (aws, wire) = cloud([answer]);
    let report = aws.reports().read("reports", "churn/2026/constraint_violations.json").await;
    let sent = wire.only();
    assert_eq!(sent.method, "GET");
    assert!(
        sent.uri
            .starts_with("https://reports.s3.eu-west-1.amazonaws.com/churn/2026/constraint_violations.json"),
        "{}",
        sent.uri
    );
    report
}

fn s3_refusal(status: u16, code: &str) -> Answer {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>");
    Answer::Http { status, headers: Vec::new(), body: body.into_bytes() }
}

#[tokio::test]
async fn a_report_is_read() {
    let text =
        json!({ "violations": [{ "feature_name": "age", "constraint_check_type": "baseline_drift_check" }] });
    assert_eq!(
        read(plain(text.to_string())).await.unwrap(),
        MonitorReport::Read(vec![Violation {
            check: "baseline_drift_check".to_owned(),
            subject: Some("age".to_owned())
        }])
    );
}

#[tokio::test]
async fn a_missing_or_invalid_report_is_unreadable_and_not_an_error() {
    for (answer, words) in [
        (s3_refusal(404, "NoSuchKey"), "does not exist"),
        (plain(vec![0xff, 0xfe]), "UTF-8"),
        (plain("{"), "EOF"),
        (plain(vec![b' '; 10 * 1024 * 1024 + 1]), "larger"),
    ] {
        let MonitorReport::Unreadable(why) = read(answer).await.unwrap() else { panic!("{words}") };
        assert!(why.contains(words), "{why}");
    }
}

#[tokio::test]
async fn a_report_without_permission_is_an_error() {
    assert_eq!(read(s3_refusal(403, "AccessDenied")).await.unwrap_err().class, Class::Denied);
    assert_eq!(read(s3_refusal(404, "NoSuchBucket")).await.unwrap_err().class, Class::Permanent);
    assert_eq!(read(s3_refusal(503, "SlowDown")).await.unwrap_err().class, Class::Throttled);
}
