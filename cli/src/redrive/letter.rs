//! Parses a message of a dead-letter queue and determines how to deliver its event again. This module is pure.
//!
//! Three services write to these queues. Lambda writes an invocation record with the event when a function failed.
//! EventBridge writes the event itself when a rule could not deliver it, with the error in message attributes.
//! EventBridge Scheduler writes the input of a schedule that it could not deliver, with the error in message
//! attributes.
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>,
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html#eb-rule-dlq>,
//! <https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html>

use serde_json::Value;
use tidegate_aws::operate::{Letter, Stack};
use tidegate_functions::FUNCTIONS;
use tidegate_policy::arn::Arn;

/// The CloudFormation type of a queue.
pub(crate) const QUEUE: &str = "AWS::SQS::Queue";
const FUNCTION: &str = "AWS::Lambda::Function";
const BUS: &str = "AWS::Events::EventBus";

/// A message of a dead-letter queue, parsed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ParsedMessage {
    /// The headline of the event.
    pub(super) event: Headline,
    /// What failed, such as `the function failed`.
    pub(super) failed: &'static str,
    /// The error.
    pub(super) error: String,
    /// The number of attempts.
    pub(super) attempts: Option<u64>,
    /// How the event is delivered again.
    pub(super) way: Delivery,
}

/// The id and the kind of an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Headline {
    pub(super) id: Option<String>,
    pub(super) source: Option<String>,
    pub(super) detail_type: Option<String>,
}

/// How an event is delivered again.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Delivery {
    /// Invoke the function directly with this event. No other rule receives the event a second time.
    Invoke { function: String, event: String },
    /// Put the event on the bus. Its rules forward it to the other account, which only a rule may do.
    Put { bus: String, event: Value },
    /// Ask the function to publish the event again. The policy of the bus denies this event to everybody else.
    PublishAgain { function: String, event: Value },
    /// The event cannot be delivered again.
    None { why: String },
}

impl Headline {
    fn of(event: &Value) -> Self {
        let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
        // The input of a Tidegate schedule has no envelope.
        let kind = text("detail-type").or_else(|| text("tidegate"));
        Self { id: text("id").or_else(|| text("execution_id")), source: text("source"), detail_type: kind }
    }

    pub(super) fn in_words(&self) -> String {
        let or = |text: &Option<String>, other: &str| text.clone().unwrap_or_else(|| other.to_owned());
        format!("{} ({})", or(&self.detail_type, "unknown event"), or(&self.id, "no id"))
    }
}

impl Delivery {
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Invoke { function, .. } => format!("goes to function {function}"),
            Self::Put { bus, .. } => format!("goes to bus {bus}"),
            Self::PublishAgain { function, .. } => format!("function {function} publishes it again"),
            Self::None { .. } => "cannot be delivered again".to_owned(),
        }
    }
}

/// Returns the function of a queue, or `forward`. The name of a queue is `STACK-FUNCTION-dlq`.
pub(crate) fn queue_name(stack: &str, url: &str) -> String {
    let name = url.rsplit('/').next().unwrap_or(url);
    let inner = name.strip_prefix(stack).and_then(|rest| rest.strip_prefix('-'));
    inner.and_then(|rest| rest.strip_suffix("-dlq")).unwrap_or(name).to_owned()
}

/// Parses a message of one of the stack's queues.
pub(super) fn read(letter: &Letter, stack: &Stack) -> ParsedMessage {
    if letter.attributes.contains_key("TARGET_ARN") || letter.attributes.contains_key("RULE_ARN") {
        return undelivered(letter, stack);
    }
    match serde_json::from_str::<Value>(&letter.body) {
        Ok(record) if record.get("requestContext").is_some() => unhandled(&record, stack),
        _ => ParsedMessage {
            event: Headline::default(),
            failed: "the origin is unknown",
            error: "neither Lambda nor EventBridge wrote this message".to_owned(),
            attempts: None,
            way: Delivery::None {
                why: "its destination is unknown; inspect it in the SQS console".to_owned(),
            },
        },
    }
}

/// Parses the invocation record of a function.
fn unhandled(record: &Value, stack: &Stack) -> ParsedMessage {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let event = record.get("requestPayload");
    let function = text("/requestContext/functionArn");
    let way = match (event, own_function(function, stack)) {
        (None | Some(Value::Null), _) => Delivery::None {
            why: "the message does not contain the event, because it was too large for Lambda's invocation record".to_owned(),
        },
        (_, None) => Delivery::None { why: format!("{function} is not a function of stack {}", stack.name) },
        (Some(event), Some(function)) => Delivery::Invoke { function, event: event.to_string() },
    };
    let (kind, message) = (text("/responsePayload/errorType"), text("/responsePayload/errorMessage"));
    let error = match (kind, message) {
        // The function was never invoked: the event was throttled or too old.
        ("", "") => text("/requestContext/condition").to_owned(),
        ("", message) => message.to_owned(),
        (kind, message) => format!("{kind}: {message}"),
    };
    let attempts = record.pointer("/requestContext/approximateInvokeCount").and_then(Value::as_u64);
    ParsedMessage {
        event: event.map(Headline::of).unwrap_or_default(),
        failed: "the function failed",
        error,
        attempts,
        way,
    }
}

/// Parses an event that a rule or a schedule could not deliver.
fn undelivered(letter: &Letter, stack: &Stack) -> ParsedMessage {
    let text = |name: &str| letter.attributes.get(name).map(String::as_str).unwrap_or_default();
    let event = serde_json::from_str::<Value>(&letter.body).ok();
    let by_rule = letter.attributes.contains_key("RULE_ARN");
    let way = match &event {
        _ if text("IS_PAYLOAD_TRUNCATED") == "true" => Delivery::None {
            why: "EventBridge Scheduler truncated the input, because it was too large".to_owned(),
        },
        None => Delivery::None { why: "the message is not JSON".to_owned() },
        Some(event) => delivery_to(text("TARGET_ARN"), text("RULE_ARN"), event, &letter.body, stack),
    };
    ParsedMessage {
        event: event.as_ref().map(Headline::of).unwrap_or_default(),
        failed: if by_rule { "the rule could not deliver" } else { "the schedule could not deliver" },
        error: format!("{}: {}", text("ERROR_CODE"), text("ERROR_MESSAGE")),
        // The first attempt does not count as a retry.
        attempts: text("RETRY_ATTEMPTS").parse::<u64>().ok().map(|retries| retries.saturating_add(1)),
        way,
    }
}

fn delivery_to(target: &str, rule: &str, event: &Value, body: &str, stack: &Stack) -> Delivery {
    if let Some(function) = own_function(target, stack) {
        return Delivery::Invoke { function, event: body.to_owned() };
    }
    let own = |name: &&str| stack.of_kind(BUS).any(|bus| bus.physical == **name);
    match (bus_of_rule(rule).as_deref().filter(own), Arn::parse(target)) {
        (Some(bus), Some(target)) if target.service == "events" => match publisher(event, stack) {
            Some(function) => Delivery::PublishAgain { function, event: event.clone() },
            None => Delivery::Put { bus: bus.to_owned(), event: event.clone() },
        },
        _ => {
            Delivery::None { why: format!("stack {} does not deliver to its target `{target}`", stack.name) }
        }
    }
}

/// Returns the function of the stack that publishes events of this kind, if only a function does.
fn publisher(event: &Value, stack: &Stack) -> Option<String> {
    let kind = event.get("detail-type").and_then(Value::as_str)?;
    let spec = FUNCTIONS.into_iter().find(|function| function.publishes.contains(&kind))?;
    let name = format!("{}-{}", stack.name, spec.name);
    stack.of_kind(FUNCTION).any(|function| function.physical == name).then_some(name)
}

/// Returns the name of a function if it belongs to the stack. The content of a message must not determine which
/// function is invoked.
fn own_function(arn: &str, stack: &Stack) -> Option<String> {
    let arn = Arn::parse(arn).filter(|arn| arn.service == "lambda")?;
    if arn.account != stack.account || arn.region != stack.region {
        return None;
    }
    let name = arn.resource.strip_prefix("function:")?.split(':').next()?.to_owned();
    stack.of_kind(FUNCTION).any(|function| function.physical == name).then_some(name)
}

/// Returns the bus of a rule from `rule/BUS/RULE`. The ARN of a rule on the default bus does not contain the bus.
fn bus_of_rule(arn: &str) -> Option<String> {
    let resource = Arn::parse(arn)?.resource;
    let (bus, _) = resource.strip_prefix("rule/")?.rsplit_once('/')?;
    Some(bus.to_owned())
}

#[cfg(test)]
#[path = "letter_tests.rs"]
mod tests;
