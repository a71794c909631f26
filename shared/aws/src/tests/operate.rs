//! The calls of the command line: stacks, functions, rules, schedules and alarms.

use serde_json::{Value, json};
use tidegate_engine::Class;

use super::cloud::{Answer, Sent, cloud, ok, ok_cbor, plain, refusal};
use crate::operate::{AlarmState, Answer as Said, Rule};

fn xml(operation: &str, body: &str) -> Answer {
    plain(format!(
        "<{operation}Response xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><{operation}Result>{body}\
         </{operation}Result></{operation}Response>"
    ))
}

fn described() -> Answer {
    xml(
        "DescribeStacks",
        "<Stacks><member><StackName>tidegate-staging</StackName>\
         <StackId>arn:aws:cloudformation:eu-west-1:444455556666:stack/tidegate-staging/1b5e</StackId>\
         <StackStatus>UPDATE_COMPLETE</StackStatus><CreationTime>2026-03-02T09:00:00Z</CreationTime>\
         <Parameters><member><ParameterKey>EnvironmentName</ParameterKey>\
         <ParameterValue>staging</ParameterValue></member>\
         </Parameters></member></Stacks>",
    )
}

fn resources(names: &[(&str, &str)], next: Option<&str>) -> Answer {
    let members: String = names
        .iter()
        .map(|(logical, physical)| {
            format!(
                "<member><LogicalResourceId>{logical}</LogicalResourceId>\
                 <PhysicalResourceId>{physical}</PhysicalResourceId>\
                 <ResourceType>AWS::SQS::Queue</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus>\
                 <LastUpdatedTimestamp>2026-03-02T09:00:00Z</LastUpdatedTimestamp></member>"
            )
        })
        .collect();
    let next = next.map(|token| format!("<NextToken>{token}</NextToken>")).unwrap_or_default();
    xml("ListStackResources", &format!("<StackResourceSummaries>{members}</StackResourceSummaries>{next}"))
}

#[tokio::test]
async fn a_stack_is_read_with_every_page_of_its_resources() {
    let (aws, wire) =
        cloud([described(), resources(&[("A", "a")], Some("more")), resources(&[("B", "b")], None)]);
    let stack = aws.stacks().stack("tidegate-staging").await.unwrap().unwrap();
    assert_eq!((stack.account.as_str(), stack.region.as_str()), ("444455556666", "eu-west-1"));
    assert_eq!(stack.status, "UPDATE_COMPLETE");
    assert_eq!(stack.parameters["EnvironmentName"], "staging");
    let physical: Vec<&str> = stack.of_kind("AWS::SQS::Queue").map(|r| r.physical.as_str()).collect();
    assert_eq!(physical, ["a", "b"]);
    assert_eq!(stack.resource("B").unwrap().status, "CREATE_COMPLETE");
    let sent = wire.done();
    assert!(
        sent[0].text().contains("Action=DescribeStacks")
            && sent[0].text().contains("StackName=tidegate-staging")
    );
    assert!(sent[2].text().contains("NextToken=more"), "{}", sent[2].text());
}

#[tokio::test]
async fn a_missing_stack_is_none_and_a_denied_call_is_an_error() {
    let refused = |status, code: &str, message: &str| {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             </ErrorResponse>"
        );
        Answer::Http { status, headers: Vec::new(), body: body.into_bytes() }
    };
    let (aws, _) = cloud([
        refused(400, "ValidationError", "Stack with id tidegate-hub does not exist"),
        refused(403, "AccessDenied", "not authorized to perform: cloudformation:DescribeStacks"),
        refused(400, "ValidationError", "1 validation error detected"),
    ]);
    assert_eq!(aws.stacks().stack("tidegate-hub").await.unwrap(), None);
    assert_eq!(aws.stacks().stack("tidegate-hub").await.unwrap_err().class, Class::Denied);
    assert!(aws.stacks().stack("tidegate-hub").await.is_err());
}

fn invoked(status: u16, error: Option<&str>, body: &str) -> Answer {
    let headers = error.map(|error| ("x-amz-function-error", error.to_owned())).into_iter().collect();
    Answer::Http { status, headers, body: body.as_bytes().to_vec() }
}

#[tokio::test]
async fn an_event_is_passed_to_the_function_unchanged() {
    let (aws, wire) = cloud([invoked(202, None, "")]);
    let event = r#"{"b":1,"a":1772440897000.25}"#;
    aws.functions().hand_over("tidegate-staging-deploy", event).await.unwrap();
    let sent = wire.only();
    assert!(sent.uri.ends_with("/2015-03-31/functions/tidegate-staging-deploy/invocations"), "{}", sent.uri);
    assert_eq!(sent.header("x-amz-invocation-type"), Some("Event"));
    assert_eq!(sent.text(), event, "byte for byte");
}

#[tokio::test]
async fn an_event_that_lambda_does_not_accept_is_an_error() {
    let throttled = refusal(429, "TooManyRequestsException", "Rate Exceeded.");
    let (aws, _) = cloud([throttled, invoked(200, None, "null"), Answer::Timeout]);
    let functions = aws.functions();
    assert_eq!(functions.hand_over("f", "{}").await.unwrap_err().class, Class::Throttled);
    assert!(functions.hand_over("f", "{}").await.is_err(), "only 202 says that Lambda has it");
    assert_eq!(functions.hand_over("f", "{}").await.unwrap_err().class, Class::Retryable);
}

#[tokio::test]
async fn an_error_of_an_invoked_function_is_an_answer() {
    let failed = r#"{"errorType":"UnreadableEvent","errorMessage":"no field"}"#;
    let (aws, wire) = cloud([
        invoked(200, None, r#"{"version":"0.1.0"}"#),
        invoked(200, Some("Unhandled"), failed),
        invoked(200, None, "half"),
    ]);
    let functions = aws.functions();
    let question = json!({ "tidegate": "about" });
    assert_eq!(functions.ask("f", &question).await.unwrap(), Said::Said(json!({ "version": "0.1.0" })));
    let failed = Said::Failed("UnreadableEvent: no field".to_owned());
    assert_eq!(functions.ask("f", &question).await.unwrap(), failed);
    assert!(functions.ask("f", &question).await.is_err());
    assert_eq!(wire.done()[0].json(), question);
}

#[tokio::test]
async fn a_rule_is_read_with_its_targets() {
    let target = "arn:aws:events:eu-west-1:444455556666:event-bus/tidegate-staging";
    let (aws, wire) = cloud([
        ok(json!({ "Name": "to-staging", "State": "DISABLED" })),
        ok(json!({ "Targets": [{ "Id": "bus", "Arn": target }] })),
        refusal(400, "ResourceNotFoundException", "Rule gone does not exist."),
    ]);
    let rule = aws.rules().rule("tidegate-hub", "to-staging").await.unwrap().unwrap();
    let wanted = Rule {
        name: "to-staging".to_owned(),
        bus: "tidegate-hub".to_owned(),
        state: "DISABLED".to_owned(),
        targets: vec![target.to_owned()],
    };
    assert_eq!(rule, wanted);
    assert_eq!(aws.rules().rule("tidegate-hub", "gone").await.unwrap(), None);
    let asked: Vec<Value> = wire.done().iter().map(Sent::json).collect();
    assert_eq!(asked[0], json!({ "Name": "to-staging", "EventBusName": "tidegate-hub" }));
    assert_eq!(asked[1], json!({ "Rule": "to-staging", "EventBusName": "tidegate-hub" }));
}

#[tokio::test]
async fn a_bus_without_a_policy_differs_from_a_missing_bus() {
    let (aws, _) = cloud([
        ok(json!({ "Name": "b", "Policy": "{\"Statement\":[]}" })),
        ok(json!({ "Name": "b" })),
        refusal(400, "ResourceNotFoundException", "Event bus b does not exist."),
        ok(json!({ "Name": "b", "Policy": "half" })),
    ]);
    let rules = aws.rules();
    assert_eq!(rules.bus_policy("b").await.unwrap(), Some(json!({ "Statement": [] })));
    assert_eq!(rules.bus_policy("b").await.unwrap(), Some(Value::Null));
    assert_eq!(rules.bus_policy("b").await.unwrap(), None);
    assert!(rules.bus_policy("b").await.is_err());
}

fn event() -> Value {
    json!({
        "version": "0", "id": "1b5e", "detail-type": "Deployment Finished", "source": "tidegate",
        "account": "444455556666", "time": "2026-03-02T09:10:02Z", "region": "eu-west-1", "resources": ["arn:x"],
        "detail": { "version": 7 },
    })
}

#[tokio::test]
async fn an_event_is_put_again_unchanged() {
    let (aws, wire) = cloud([ok(json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "2" }] }))]);
    aws.rules().put_again("tidegate-staging", &event()).await.unwrap();
    assert_eq!(
        wire.only().json(),
        json!({ "Entries": [{
            "EventBusName": "tidegate-staging", "Source": "tidegate", "DetailType": "Deployment Finished",
            "Detail": "{\"version\":7}", "Resources": ["arn:x"], "Time": 1_772_442_602,
        }] })
    );
}

#[tokio::test]
async fn a_rejected_or_invalid_event_is_an_error() {
    let entry = json!({ "ErrorCode": "ThrottlingException", "ErrorMessage": "slower" });
    let (aws, wire) = cloud([ok(json!({ "FailedEntryCount": 1, "Entries": [entry] }))]);
    assert_eq!(aws.rules().put_again("b", &event()).await.unwrap_err().class, Class::Throttled);
    for field in ["source", "detail-type", "detail", "time"] {
        let mut less = event();
        less.as_object_mut().unwrap().remove(field);
        let error = aws.rules().put_again("b", &less).await.unwrap_err();
        assert!(error.message.contains(field), "{error}");
    }
    assert_eq!(wire.done().len(), 1);
}

#[tokio::test]
async fn a_schedule_has_a_state_or_is_none() {
    let (aws, wire) = cloud([
        ok(json!({ "Name": "sweep", "State": "ENABLED" })),
        refusal(404, "ResourceNotFoundException", "Schedule sweep does not exist."),
        refusal(403, "AccessDeniedException", "no"),
    ]);
    let schedules = aws.recurring_schedules();
    assert_eq!(schedules.state("tidegate-hub", "sweep").await.unwrap().as_deref(), Some("ENABLED"));
    assert_eq!(schedules.state("tidegate-hub", "sweep").await.unwrap(), None);
    assert!(schedules.state("tidegate-hub", "sweep").await.is_err());
    let first = &wire.done()[0];
    assert!(first.uri.ends_with("/schedules/sweep?groupName=tidegate-hub"), "{}", first.uri);
}

#[tokio::test]
async fn one_call_contains_up_to_a_hundred_alarm_names() {
    let (aws, wire) = cloud([]);
    assert_eq!(aws.stack_alarms().states(&[]).await.unwrap(), []);
    assert!(wire.done().is_empty(), "no names is no call: it would mean all alarms");

    let rings = json!({ "AlarmName": "a0", "StateValue": "ALARM", "StateReason": "too many" });
    let (aws, wire) = cloud([ok_cbor(json!({ "MetricAlarms": [rings] })), ok_cbor(json!({}))]);
    let names: Vec<String> = (0..101).map(|n| format!("a{n}")).collect();
    let wanted =
        AlarmState { name: "a0".to_owned(), state: "ALARM".to_owned(), reason: "too many".to_owned() };
    assert_eq!(aws.stack_alarms().states(&names).await.unwrap(), [wanted]);
    let sent = wire.done();
    assert_eq!(sent[1].cbor(), json!({ "AlarmNames": ["a100"], "MaxRecords": 100 }));
}
