//! What a message of a dead-letter queue is, and the way back for its event. Pure.
//!
//! Three write into these queues. Lambda, when a function failed: an invocation record around the event. EventBridge,
//! when a rule could not deliver: the event itself, with the reason in attributes. Scheduler, when a schedule could not:
//! the input, with the reason in attributes.
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>,
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html#eb-rule-dlq>,
//! <https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html>

use serde_json::Value;
use tidegate_aws::operate::{Letter, Stack};
use tidegate_policy::arn::Arn;

/// The kind of a queue.
pub(crate) const QUEUE: &str = "AWS::SQS::Queue";
const FUNCTION: &str = "AWS::Lambda::Function";
const BUS: &str = "AWS::Events::EventBus";

/// A dead letter that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Read {
    /// The event.
    pub(super) event: Headline,
    /// Who gave up: `function failed`, `rule could not deliver`, …
    pub(super) failed: &'static str,
    /// Why.
    pub(super) error: String,
    /// How often it was tried.
    pub(super) attempts: Option<u64>,
    /// The way back.
    pub(super) way: Way,
}

/// What names an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Headline {
    pub(super) id: Option<String>,
    pub(super) source: Option<String>,
    pub(super) detail_type: Option<String>,
}

/// Where the event goes so that what failed happens after all.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Way {
    /// The function takes it directly: exactly this event, and no other rule hears it again.
    Invoke { function: String, event: String },
    /// The bus takes it, and its rules carry it into the other account: only a rule may do that.
    Put { bus: String, event: Value },
    /// There is none.
    None { why: String },
}

impl Headline {
    fn of(event: &Value) -> Self {
        let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
        // Our own schedules' inputs have no envelope.
        let kind = text("detail-type").or_else(|| text("tidegate"));
        Self { id: text("id").or_else(|| text("execution_id")), source: text("source"), detail_type: kind }
    }

    pub(super) fn in_words(&self) -> String {
        let or = |text: &Option<String>, other: &str| text.clone().unwrap_or_else(|| other.to_owned());
        format!("{} ({})", or(&self.detail_type, "unknown event"), or(&self.id, "no id"))
    }
}

impl Way {
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Invoke { function, .. } => format!("goes to function {function}"),
            Self::Put { bus, .. } => format!("goes on bus {bus}"),
            Self::None { .. } => "has no way back".to_owned(),
        }
    }
}

/// The function a queue belongs to, or `forward`: queues are named `STACK-FUNCTION-dlq`.
pub(crate) fn queue_name(stack: &str, url: &str) -> String {
    let name = url.rsplit('/').next().unwrap_or(url);
    let inner = name.strip_prefix(stack).and_then(|rest| rest.strip_prefix('-'));
    inner.and_then(|rest| rest.strip_suffix("-dlq")).unwrap_or(name).to_owned()
}

/// Reads a message of one of the stack's queues.
pub(super) fn read(letter: &Letter, stack: &Stack) -> Read {
    if letter.attributes.contains_key("TARGET_ARN") || letter.attributes.contains_key("RULE_ARN") {
        return undelivered(letter, stack);
    }
    match serde_json::from_str::<Value>(&letter.body) {
        Ok(record) if record.get("requestContext").is_some() => unhandled(&record, stack),
        _ => Read {
            event: Headline::default(),
            failed: "of unknown origin",
            error: "neither Lambda nor EventBridge wrote this message".to_owned(),
            attempts: None,
            way: Way::None {
                why: "nobody knows where it was going; look at it in the SQS console".to_owned(),
            },
        },
    }
}

/// A function's invocation record.
fn unhandled(record: &Value, stack: &Stack) -> Read {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let event = record.get("requestPayload");
    let function = text("/requestContext/functionArn");
    let way = match (event, own_function(function, stack)) {
        (None | Some(Value::Null), _) => Way::None {
            why: "Lambda left the event out, because it was too large to be kept with its error".to_owned(),
        },
        (_, None) => Way::None { why: format!("{function} is no function of stack {}", stack.name) },
        (Some(event), Some(function)) => Way::Invoke { function, event: event.to_string() },
    };
    let (kind, message) = (text("/responsePayload/errorType"), text("/responsePayload/errorMessage"));
    let error = match (kind, message) {
        // It never ran: throttled, or too old.
        ("", "") => text("/requestContext/condition").to_owned(),
        ("", message) => message.to_owned(),
        (kind, message) => format!("{kind}: {message}"),
    };
    let attempts = record.pointer("/requestContext/approximateInvokeCount").and_then(Value::as_u64);
    Read {
        event: event.map(Headline::of).unwrap_or_default(),
        failed: "the function failed",
        error,
        attempts,
        way,
    }
}

/// An event that a rule or a schedule could not deliver.
fn undelivered(letter: &Letter, stack: &Stack) -> Read {
    let text = |name: &str| letter.attributes.get(name).map(String::as_str).unwrap_or_default();
    let event = serde_json::from_str::<Value>(&letter.body).ok();
    let by_rule = letter.attributes.contains_key("RULE_ARN");
    let way = match &event {
        _ if text("IS_PAYLOAD_TRUNCATED") == "true" => {
            Way::None { why: "Scheduler cut the input off, because it was too large".to_owned() }
        }
        None => Way::None { why: "the message is no JSON".to_owned() },
        Some(event) => way_to(text("TARGET_ARN"), text("RULE_ARN"), event, &letter.body, stack),
    };
    Read {
        event: event.as_ref().map(Headline::of).unwrap_or_default(),
        failed: if by_rule { "the rule could not deliver" } else { "the schedule could not deliver" },
        error: format!("{}: {}", text("ERROR_CODE"), text("ERROR_MESSAGE")),
        // The first attempt is no retry.
        attempts: text("RETRY_ATTEMPTS").parse::<u64>().ok().map(|retries| retries.saturating_add(1)),
        way,
    }
}

fn way_to(target: &str, rule: &str, event: &Value, body: &str, stack: &Stack) -> Way {
    if let Some(function) = own_function(target, stack) {
        return Way::Invoke { function, event: body.to_owned() };
    }
    let own = |name: &&str| stack.of_kind(BUS).any(|bus| bus.physical == **name);
    match (bus_of_rule(rule).as_deref().filter(own), Arn::parse(target)) {
        (Some(bus), Some(target)) if target.service == "events" => {
            Way::Put { bus: bus.to_owned(), event: event.clone() }
        }
        _ => Way::None {
            why: format!("its target `{target}` is nothing that stack {} delivers to", stack.name),
        },
    }
}

/// The name of a function, if it is one of the stack's own: a message must not decide what is invoked.
fn own_function(arn: &str, stack: &Stack) -> Option<String> {
    let arn = Arn::parse(arn).filter(|arn| arn.service == "lambda")?;
    if arn.account != stack.account || arn.region != stack.region {
        return None;
    }
    let name = arn.resource.strip_prefix("function:")?.split(':').next()?.to_owned();
    stack.of_kind(FUNCTION).any(|function| function.physical == name).then_some(name)
}

/// The bus of a rule: `rule/BUS/RULE`, where a rule of the default bus has no bus.
fn bus_of_rule(arn: &str) -> Option<String> {
    let resource = Arn::parse(arn)?.resource;
    let (bus, _) = resource.strip_prefix("rule/")?.rsplit_once('/')?;
    Some(bus.to_owned())
}

#[cfg(test)]
#[path = "letter_tests.rs"]
mod tests;
