//! The three kinds of messages in dead-letter queues, as in `events/delivery`, and messages of other origins.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate_aws::operate::{Letter, Resource, Stack};

use super::*;

const ACCOUNT: &str = "111122223333";
const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:111122223333:function:churn-controller";

fn sample(name: &str) -> Value {
    let path = format!("{}/../events/delivery/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A stack with the function of the samples and a bus.
fn stack() -> Stack {
    let resource = |kind: &str, physical: &str| Resource {
        logical: physical.to_owned(),
        physical: physical.to_owned(),
        kind: kind.to_owned(),
        status: "CREATE_COMPLETE".to_owned(),
    };
    Stack {
        name: "tidegate".to_owned(),
        account: ACCOUNT.to_owned(),
        region: "us-east-1".to_owned(),
        resources: vec![resource(FUNCTION, "churn-controller"), resource(BUS, "tidegate")],
        ..Stack::default()
    }
}

/// The sample of a message that EventBridge wrote, as SQS returns it.
fn undelivered_letter() -> Letter {
    let sample = sample("eventbridge-dlq-sqs-event");
    let record = &sample["Records"][0];
    let attributes = record["messageAttributes"].as_object().unwrap();
    Letter {
        body: record["body"].as_str().unwrap().to_owned(),
        attributes: attributes
            .iter()
            .map(|(name, value)| (name.clone(), value["stringValue"].as_str().unwrap().to_owned()))
            .collect(),
        ..Letter::default()
    }
}

fn unhandled_letter() -> Value {
    sample("lambda-on-failure-destination")
}

fn letter(body: &Value) -> Letter {
    Letter { body: body.to_string(), ..Letter::default() }
}

fn no_way(letter: &Letter) -> String {
    match read(letter, &stack()).way {
        Delivery::None { why } => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_event_that_a_function_failed_on_goes_back_to_the_function() {
    let record = unhandled_letter();
    let read = read(&letter(&record), &stack());
    assert_eq!(read.failed, "the function failed");
    assert_eq!(read.error, "Error: ThrottlingException: Rate exceeded");
    assert_eq!(read.attempts, Some(3));
    assert_eq!(
        read.event.in_words(),
        "SageMaker Model Package State Change (1b5ed6c3-7b23-546e-8c3c-66ee45ee2c05)"
    );
    let Delivery::Invoke { function, event } = read.way else { panic!("{:?}", read.way) };
    assert_eq!(function, "churn-controller", "without the version that failed");
    assert_eq!(serde_json::from_str::<Value>(&event).unwrap(), record["requestPayload"]);
}

#[test]
fn an_event_that_a_rule_could_not_deliver_goes_to_the_rules_function_byte_for_byte() {
    let letter = undelivered_letter();
    let read = read(&letter, &stack());
    assert_eq!(read.failed, "the rule could not deliver");
    assert!(read.error.starts_with("NO_PERMISSIONS: User: events.amazonaws.com"), "{}", read.error);
    assert_eq!(read.way, Delivery::Invoke { function: "churn-controller".to_owned(), event: letter.body });
}

#[test]
fn an_event_for_another_account_goes_on_the_bus_again() {
    let mut letter = undelivered_letter();
    let set = |letter: &mut Letter, name: &str, value: &str| {
        letter.attributes.insert(name.to_owned(), value.to_owned());
    };
    set(&mut letter, "TARGET_ARN", "arn:aws:events:us-east-1:444455556666:event-bus/tidegate-staging");
    set(
        &mut letter,
        "RULE_ARN",
        "arn:aws:events:us-east-1:111122223333:rule/tidegate/tidegate-to-environment-1",
    );
    set(&mut letter, "RETRY_ATTEMPTS", "184");
    let read = super::read(&letter, &stack());
    assert_eq!(read.attempts, Some(185));
    let event = serde_json::from_str(&letter.body).unwrap();
    assert_eq!(read.way, Delivery::Put { bus: "tidegate".to_owned(), event });

    for rule in
        ["arn:aws:events:us-east-1:111122223333:rule/other/x", "arn:aws:events:us-east-1:111122223333:rule/x"]
    {
        set(&mut letter, "RULE_ARN", rule);
        assert!(no_way(&letter).contains("stack tidegate does not deliver to its target"), "{rule}");
    }
}

#[test]
fn the_input_of_a_schedule_goes_to_its_function() {
    let attributes = [
        ("SCHEDULE_ARN", "arn:aws:scheduler:us-east-1:111122223333:schedule/tidegate/sweep"),
        ("TARGET_ARN", FUNCTION_ARN),
        ("ERROR_CODE", "AWS.Scheduler.InternalServerError"),
        ("ERROR_MESSAGE", "No resource"),
        ("RETRY_ATTEMPTS", "0"),
        ("IS_PAYLOAD_TRUNCATED", "false"),
    ];
    let mut letter = Letter {
        body: r#"{"tidegate":"reconcile","execution_id":"d32c"}"#.to_owned(),
        attributes: attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..Letter::default()
    };
    let read = super::read(&letter, &stack());
    assert_eq!((read.failed, read.attempts), ("the schedule could not deliver", Some(1)));
    assert_eq!(read.event.in_words(), "reconcile (d32c)");
    assert!(matches!(read.way, Delivery::Invoke { function, .. } if function == "churn-controller"));
    letter.attributes.insert("IS_PAYLOAD_TRUNCATED".to_owned(), "true".to_owned());
    assert!(no_way(&letter).contains("truncated the input"));
}

#[test]
fn a_message_does_not_decide_which_function_is_invoked() {
    for arn in [
        "arn:aws:lambda:us-east-1:111122223333:function:pay-somebody",
        "arn:aws:lambda:us-east-1:444455556666:function:churn-controller",
        "arn:aws:lambda:eu-west-1:111122223333:function:churn-controller",
        "arn:aws:states:us-east-1:111122223333:stateMachine:churn-controller",
        "churn-controller",
    ] {
        let mut record = unhandled_letter();
        record["requestContext"]["functionArn"] = json!(arn);
        assert!(no_way(&letter(&record)).contains("is not a function of stack tidegate"), "{arn}");
        let mut undelivered = undelivered_letter();
        undelivered.attributes.insert("TARGET_ARN".to_owned(), arn.to_owned());
        no_way(&undelivered);
    }
}

#[test]
fn incomplete_or_unknown_letters_cannot_be_redriven() {
    let mut dropped = unhandled_letter();
    dropped.as_object_mut().unwrap().remove("requestPayload");
    assert!(no_way(&letter(&dropped)).contains("too large"));
    let garbage = Letter { body: "{half".to_owned(), ..undelivered_letter() };
    assert!(no_way(&garbage).contains("not JSON"));
    for body in ["hello", "{}", "[]", ""] {
        let unknown = Letter { body: body.to_owned(), attributes: BTreeMap::new(), ..Letter::default() };
        assert!(no_way(&unknown).contains("destination is unknown"), "{body}");
    }
}

#[test]
fn an_event_that_was_never_tried_says_why() {
    let mut record = unhandled_letter();
    record["requestContext"]["condition"] = json!("EventAgeExceeded");
    record.as_object_mut().unwrap().remove("responsePayload");
    assert_eq!(read(&letter(&record), &stack()).error, "EventAgeExceeded");
}

#[test]
fn a_queue_is_named_by_its_function() {
    let url = "https://sqs.us-east-1.amazonaws.com/444455556666/tidegate-staging-deploy-dlq";
    assert_eq!(queue_name("tidegate-staging", url), "deploy");
    assert_eq!(queue_name("other", url), "tidegate-staging-deploy-dlq");
}
