//! The bus, the alert topic and the schedules.

use jiff::Timestamp;
use serde_json::json;
use tidegate_engine::Class;
use tidegate_engine::ports::{Alerts, Bus, Schedules};

use super::cloud::{cloud, ok, plain, refusal};

#[tokio::test]
async fn an_event_is_put_on_the_bus() {
    let (aws, wire) = cloud([ok(json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "1" }] }))]);
    aws.bus("tidegate").publish("Decision Recorded", &json!({ "schema": 1 })).await.unwrap();
    let sent = wire.only();
    assert_eq!(sent.target, "PutEvents");
    assert_eq!(
        sent.json(),
        json!({ "Entries": [{
            "Source": "tidegate", "DetailType": "Decision Recorded", "Detail": "{\"schema\":1}", "EventBusName": "tidegate",
        }] })
    );
}

#[tokio::test]
async fn a_rejected_entry_is_an_error_although_the_call_succeeded() {
    for (code, class) in [
        ("InternalFailure", Class::Retryable),
        ("ThrottlingException", Class::Throttled),
        ("AccessDeniedException", Class::Denied),
        ("MalformedDetail", Class::Permanent),
    ] {
        let entry = json!({ "ErrorCode": code, "ErrorMessage": "no" });
        let (aws, _) = cloud([ok(json!({ "FailedEntryCount": 1, "Entries": [entry] }))]);
        let error = aws.bus("tidegate").publish("x", &json!({})).await.unwrap_err();
        assert_eq!((error.class, error.message), (class, format!("{code}: no")));
    }
    let (aws, _) = cloud([ok(json!({ "FailedEntryCount": 1, "Entries": [] }))]);
    assert!(aws.bus("tidegate").publish("x", &json!({})).await.is_err());
}

#[tokio::test]
async fn people_are_notified() {
    let xml = "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>";
    let (aws, wire) = cloud([plain(xml)]);
    let topic = "arn:aws:sns:eu-west-1:111122223333:alerts";
    aws.alerts(topic).notify("churn:\nfailed", "why & what").await.unwrap();
    let text = wire.only().text();
    for part in [
        "Action=Publish",
        "TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A111122223333%3Aalerts",
        "Subject=churn%3A%3Ffailed",
        "Message=why%20%26%20what",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

async fn schedule(
    answer: super::cloud::Answer,
) -> (Result<(), tidegate_engine::CallError>, super::cloud::Sent) {
    let (aws, wire) = cloud([answer]);
    let at: Timestamp = "2199-03-02T09:30:00.5Z".parse().unwrap();
    let (role, function) = ("arn:aws:iam::1:role/wake", "arn:aws:lambda:eu-west-1:1:function:deploy");
    let schedules = aws.schedules("waits", role, function, "arn:aws:sqs:eu-west-1:1:letters");
    let asked = schedules.schedule_at("check-1-churn", at, &json!({ "tidegate": "check" })).await;
    (asked, wire.only())
}

#[tokio::test]
async fn a_schedule_invokes_once_and_is_deleted() {
    let (asked, sent) = schedule(ok(json!({ "ScheduleArn": "arn" }))).await;
    asked.unwrap();
    assert_eq!(sent.method, "POST");
    assert!(sent.uri.ends_with("/schedules/check-1-churn"), "{}", sent.uri);
    let mut body = sent.json();
    let token = body["ClientToken"].take();
    assert_eq!(token.as_str().unwrap().len(), 64);
    assert_eq!(
        body,
        json!({
            "GroupName": "waits",
            "ScheduleExpression": "at(2199-03-02T09:30:01)",
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": { "Mode": "OFF" },
            "ActionAfterCompletion": "DELETE",
            "ClientToken": null,
            "Target": {
                "Arn": "arn:aws:lambda:eu-west-1:1:function:deploy",
                "RoleArn": "arn:aws:iam::1:role/wake",
                "Input": "{\"tidegate\":\"check\"}",
                "DeadLetterConfig": { "Arn": "arn:aws:sqs:eu-west-1:1:letters" },
            },
        })
    );
    let (_, again) = schedule(ok(json!({ "ScheduleArn": "arn" }))).await;
    assert_eq!(again.json()["ClientToken"], token);
}

#[tokio::test]
async fn an_existing_schedule_is_success_and_any_other_error_is_an_error() {
    assert!(schedule(refusal(409, "ConflictException", "exists")).await.0.is_ok());
    let (asked, _) = schedule(refusal(404, "ResourceNotFoundException", "no group")).await;
    assert_eq!(asked.unwrap_err().class, Class::Permanent);
}
