//! Every way in which a call can fail, with its class.

use tidegate_engine::ports::{Bus, Endpoints, Pipelines, Schedules};
use tidegate_engine::{CallError, Class};

use super::cloud::{Answer, cbor, cloud, invalid, plain, refusal};

async fn describe(answer: Answer) -> CallError {
    let (aws, wire) = cloud([answer]);
    let error = aws.endpoints("role", Vec::new()).endpoint("churn").await.unwrap_err();
    assert_eq!(wire.targets(), ["DescribeEndpoint"]);
    error
}

#[tokio::test]
async fn error_codes_determine_the_class() {
    for (status, code, class) in [
        (400, "ThrottlingException", Class::Throttled),
        (400, "Throttling", Class::Throttled),
        (400, "TooManyRequestsException", Class::Throttled),
        (400, "RequestLimitExceeded", Class::Throttled),
        (400, "ProvisionedThroughputExceededException", Class::Throttled),
        (503, "SlowDown", Class::Throttled),
        (400, "AccessDeniedException", Class::Denied),
        (400, "AccessDenied", Class::Denied),
        (400, "KMSAccessDeniedException", Class::Denied),
        (400, "UnauthorizedOperation", Class::Denied),
        (400, "ExpiredTokenException", Class::Denied),
        (400, "UnrecognizedClientException", Class::Denied),
        (400, "ConflictException", Class::Conflict),
        (400, "ResourceInUse", Class::Conflict),
        (400, "ResourceInUseException", Class::Conflict),
        (400, "ConcurrentUpdateException", Class::Conflict),
        (400, "InternalFailure", Class::Retryable),
        (400, "InternalServerError", Class::Retryable),
        (400, "ServiceUnavailableException", Class::Retryable),
        (400, "TransactionConflictException", Class::Retryable),
        (400, "ValidationException", Class::Permanent),
        (400, "ResourceLimitExceeded", Class::Permanent),
        (400, "SomethingNew", Class::Permanent),
    ] {
        let error = describe(refusal(status, code, "no")).await;
        assert_eq!((error.class, error.message), (class, format!("{code}: no")));
        assert_eq!((error.service, error.operation), ("sagemaker", "DescribeEndpoint"));
    }
}

#[tokio::test]
async fn the_status_determines_the_class_of_an_unknown_code() {
    for (status, class) in [
        (400, Class::Permanent),
        (401, Class::Denied),
        (403, Class::Denied),
        (404, Class::Permanent),
        (408, Class::Retryable),
        (409, Class::Conflict),
        (429, Class::Throttled),
        (500, Class::Retryable),
        (503, Class::Retryable),
    ] {
        assert_eq!(describe(refusal(status, "SomethingNew", "no")).await.class, class, "{status}");
        let bare = Answer::Http { status, headers: Vec::new(), body: Vec::new() };
        let error = describe(bare).await;
        assert_eq!(error.class, class, "{status} without a body");
        assert_eq!(error.message, format!("HTTP {status} without a message"));
    }
}

#[tokio::test]
async fn a_missing_answer_is_retryable() {
    for (answer, words) in [
        (Answer::Timeout, "it took too long"),
        (Answer::Unreachable, "nobody listens"),
        (plain("<html>a proxy</html>"), ""),
    ] {
        let error = describe(answer).await;
        assert_eq!(error.class, Class::Retryable);
        assert!(error.message.contains(words), "{}", error.message);
    }
}

#[tokio::test]
async fn a_message_is_truncated() {
    let error = describe(invalid(&"é".repeat(5_000))).await;
    assert_eq!(error.message.chars().count(), 1_000);
}

#[tokio::test]
async fn the_error_code_is_read_in_every_protocol() {
    let (aws, _) = cloud([refusal(429, "ThrottlingException", "slow")]);
    let error = aws
        .schedules("g", "r", "t", "q")
        .schedule_at("n", jiff::Timestamp::MAX, &serde_json::json!({}))
        .await;
    assert_eq!(error.unwrap_err().class, Class::Throttled);

    let denied = serde_json::json!({ "__type": "AccessDenied", "message": "no" });
    let (aws, _) = cloud([cbor(403, denied)]);
    let error = tidegate_engine::ports::Alarms::in_alarm(&aws.alarms(), &["a".to_owned()]).await.unwrap_err();
    assert_eq!((error.class, error.message.as_str()), (Class::Denied, "AccessDenied: no"));

    let xml = "<ErrorResponse><Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>no</Message></Error>\
               <RequestId>1</RequestId></ErrorResponse>";
    let (aws, _) = cloud([Answer::Http { status: 403, headers: Vec::new(), body: xml.into() }]);
    let error = tidegate_engine::ports::Alerts::notify(&aws.alerts("arn"), "s", "m").await.unwrap_err();
    assert_eq!((error.class, error.message.as_str()), (Class::Denied, "AuthorizationError: no"));
}

#[tokio::test]
async fn the_default_of_a_failed_call_is_an_error() {
    let (aws, _) = cloud([Answer::Unreachable, Answer::Timeout]);
    assert!(aws.bus("tidegate").publish("x", &serde_json::json!({})).await.is_err());
    assert!(aws.pipelines("role").executions("churn").await.is_err());
}
