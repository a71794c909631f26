//! A person's command: a request that Lambda's function URL has authenticated.
//!
//! The payload is Lambda's (format 2.0). With the authorization type `AWS_IAM`, Lambda has checked the signature of the
//! request, its body included, and names the caller in `requestContext.authorizer.iam`.
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads>
//!
//! The body of the request is one JSON object: `schema`, `command`, `request_id`, `sent_at`, and the fields of the event
//! that the command becomes. It names no person: who commands is the caller.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::contract::{
    ApprovalGiven, Contract, FreezeLifted, FreezePlaced, HoldPlaced, HoldReleased, Kind, PromotionForced,
    RollbackRequested, VersionRejected, read_contract, to_detail,
};
use crate::fields::Fields;
use crate::json::{Json, Members};
use crate::{Body, Envelope, Event, EventError};

/// The `source` in the envelope of a command. The payload has no envelope, and the parser adds one.
pub const COMMAND_SOURCE: &str = "tidegate.command";

/// The largest body of a command, in bytes. The longest text of a command has 2,000 characters.
const MAX_BODY: usize = 16 * 1024;
/// The longest id of a request, in characters.
const REQUEST_ID_LENGTH: usize = 64;
/// The members of a body that are not fields of the event.
const OWN: [&str; 4] = ["schema", "command", "request_id", "sent_at"];

/// The caller of a request, as Lambda names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account of the identity.
    pub account: String,
    /// Its ARN.
    pub arn: String,
    /// Its unique id, with the name of the session if it is one of a role.
    pub unique_id: String,
}

/// A person's command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Who commands.
    pub caller: Caller,
    /// The id that the caller gave the request. Each is taken once.
    pub request_id: String,
    /// When the request was sent, by the clock of the caller.
    pub sent_at: Timestamp,
    /// When AWS received the request.
    pub received_at: Timestamp,
    /// What is commanded. Its `by` is the ARN of the caller, and its `at` is `received_at`.
    pub order: Order,
}

/// What a person commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Approve a version for an environment.
    Approve(ApprovalGiven),
    /// Reject a version in the registry.
    Reject(VersionRejected),
    /// Stop automation for a model or an environment.
    Hold(HoldPlaced),
    /// Let automation go on.
    Release(HoldReleased),
    /// Go back to an earlier version.
    Rollback(RollbackRequested),
    /// Promote a version past its gates.
    Force(PromotionForced),
    /// Let no version enter until a time.
    Freeze(FreezePlaced),
    /// End a freeze.
    Unfreeze(FreezeLifted),
}

impl Order {
    /// The words of all commands.
    pub const WORDS: [&str; 8] =
        ["approve", "reject", "hold", "release", "rollback", "force", "freeze", "unfreeze"];

    /// The word for the command, as the body of a request has it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Approve(_) => "approve",
            Self::Reject(_) => "reject",
            Self::Hold(_) => "hold",
            Self::Release(_) => "release",
            Self::Rollback(_) => "rollback",
            Self::Force(_) => "force",
            Self::Freeze(_) => "freeze",
            Self::Unfreeze(_) => "unfreeze",
        }
    }

    /// The model that the command concerns; `None` if it concerns all.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        match self {
            Self::Approve(ApprovalGiven { model, .. })
            | Self::Reject(VersionRejected { model, .. })
            | Self::Hold(HoldPlaced { model, .. })
            | Self::Release(HoldReleased { model, .. })
            | Self::Rollback(RollbackRequested { model, .. })
            | Self::Force(PromotionForced { model, .. }) => Some(model),
            Self::Freeze(FreezePlaced { model, .. }) | Self::Unfreeze(FreezeLifted { model, .. }) => {
                model.as_deref()
            }
        }
    }

    /// The environment that the command concerns; `None` if it concerns all.
    #[must_use]
    pub fn environment(&self) -> Option<&str> {
        match self {
            Self::Approve(ApprovalGiven { environment, .. })
            | Self::Rollback(RollbackRequested { environment, .. })
            | Self::Force(PromotionForced { environment, .. }) => Some(environment),
            Self::Hold(HoldPlaced { environment, .. })
            | Self::Release(HoldReleased { environment, .. })
            | Self::Freeze(FreezePlaced { environment, .. })
            | Self::Unfreeze(FreezeLifted { environment, .. }) => environment.as_deref(),
            Self::Reject(_) => None,
        }
    }

    fn given(&mut self) -> &mut String {
        match self {
            Self::Approve(ApprovalGiven { by, .. })
            | Self::Reject(VersionRejected { by, .. })
            | Self::Hold(HoldPlaced { by, .. })
            | Self::Release(HoldReleased { by, .. })
            | Self::Rollback(RollbackRequested { by, .. })
            | Self::Force(PromotionForced { by, .. })
            | Self::Freeze(FreezePlaced { by, .. })
            | Self::Unfreeze(FreezeLifted { by, .. }) => by,
        }
    }

    /// The same command, given by somebody.
    #[must_use]
    pub fn given_by(mut self, who: &str) -> Self {
        who.clone_into(self.given());
        self
    }

    /// Who gives the command.
    #[must_use]
    pub fn by(&self) -> String {
        self.clone().given().clone()
    }

    /// The detail-type and the detail of the event that the command becomes. A rejection becomes none: the registry reports
    /// it.
    #[must_use]
    pub fn event(&self) -> Option<(&'static str, Value)> {
        fn of<T: Contract>(event: &T) -> Option<(&'static str, Value)> {
            Some((T::DETAIL_TYPE, to_detail(event)))
        }
        match self {
            Self::Approve(event) => of(event),
            Self::Reject(_) => None,
            Self::Hold(event) => of(event),
            Self::Release(event) => of(event),
            Self::Rollback(event) => of(event),
            Self::Force(event) => of(event),
            Self::Freeze(event) => of(event),
            Self::Unfreeze(event) => of(event),
        }
    }

    fn read(word: &str, detail: &Json<'_>, received: Timestamp) -> Result<Self, EventError> {
        let (detail, sent) = (Some(detail), Some(received));
        Ok(match word {
            "approve" => Self::Approve(read_contract(detail, sent)?),
            "reject" => Self::Reject(read_contract(detail, sent)?),
            "hold" => Self::Hold(read_contract(detail, sent)?),
            "release" => Self::Release(read_contract(detail, sent)?),
            "rollback" => Self::Rollback(read_contract(detail, sent)?),
            "force" => Self::Force(read_contract(detail, sent)?),
            "freeze" => Self::Freeze(read_contract(detail, sent)?),
            "unfreeze" => Self::Unfreeze(read_contract(detail, sent)?),
            other => {
                let expected = format!("one of {}", Self::WORDS.join(", "));
                return Err(EventError::bad_value("body.command".to_owned(), other, expected));
            }
        })
    }
}

/// Whether a payload is a request to a function URL.
pub(crate) fn is_request(payload: &Members<'_>) -> bool {
    payload.get("requestContext").is_some()
}

/// Parses a request to a function URL, and adds an envelope.
pub(crate) fn command(payload: &Members<'_>) -> Result<Event, EventError> {
    let fields = Fields::root(payload);
    let context = fields.object("requestContext")?;
    let iam = context.object("authorizer")?.object("iam")?;
    let caller = Caller {
        account: iam.formed("accountId", Kind::Account)?,
        arn: iam.formed("userArn", Kind::Arn)?,
        unique_id: iam.formed("userId", Kind::Text)?,
    };
    let received_at = context.time_opt("timeEpoch")?.ok_or_else(|| context.missing("timeEpoch"))?;
    let body = body(&fields)?;
    let order = Json::from(&body);
    let Json::Object(members) = &order else {
        return Err(EventError::bad_value("body".to_owned(), &body.to_string(), "a JSON object"));
    };
    let request = Fields::within(&fields, "body", members);
    let word = request.text("command")?;
    let request_id = request.formed("request_id", Kind::Text)?;
    if request_id.chars().nth(REQUEST_ID_LENGTH).is_some() {
        let expected = format!("a text of at most {REQUEST_ID_LENGTH} characters");
        return Err(EventError::bad_value(request.path("request_id"), &request_id, expected));
    }
    let sent_at = request.time_opt("sent_at")?.ok_or_else(|| request.missing("sent_at"))?;
    let detail = detail(&body, &caller, received_at)?;
    let order = Order::read(&word, &Json::from(&detail), received_at)?;
    let envelope = Envelope {
        id: context.text("requestId")?,
        source: COMMAND_SOURCE.to_owned(),
        detail_type: word,
        account: context.formed("accountId", Kind::Account)?,
        region: region(&context)?,
        time: Some(received_at),
        resources: Vec::new(),
        replay_name: None,
    };
    let command = Command { caller, request_id, sent_at, received_at, order };
    Ok(Event { envelope, body: Body::Command(command), received: None })
}

/// The body of the request as JSON.
fn body(fields: &Fields<'_>) -> Result<Value, EventError> {
    if matches!(fields.get("isBase64Encoded"), Some(Json::Bool(true))) {
        let expected = "JSON text; send the request with the content type application/json";
        return Err(EventError::bad_value("body".to_owned(), "(binary)", expected));
    }
    let text = fields.long_text_opt("body")?.ok_or_else(|| fields.missing("body"))?;
    if text.len() > MAX_BODY {
        return Err(EventError::TooLarge { bytes: text.len(), limit: MAX_BODY });
    }
    serde_json::from_str(text).map_err(|error| EventError::not_json(&error))
}

/// The detail of the event that the command becomes. The caller cannot give `by` and `at`.
fn detail(body: &Value, caller: &Caller, received_at: Timestamp) -> Result<Value, EventError> {
    let empty = Map::new();
    let given = body.as_object().unwrap_or(&empty);
    if let Some(name) = ["by", "at"].into_iter().find(|name| given.contains_key(*name)) {
        let known = "the fields of the command; the caller and the time are those of the request".to_owned();
        return Err(EventError::UnknownField { field: format!("body.{name}"), known });
    }
    let of_event = given.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
    let mut detail: Map<String, Value> =
        of_event.map(|(name, value)| (name.clone(), value.clone())).collect();
    detail.extend(given.get("schema").map(|schema| ("schema".to_owned(), schema.clone())));
    detail.insert("by".to_owned(), Value::from(caller.arn.as_str()));
    detail.insert("at".to_owned(), Value::from(received_at.to_string()));
    Ok(Value::Object(detail))
}

/// The region of a function URL: `ID.lambda-url.REGION.on.aws`.
fn region(context: &Fields<'_>) -> Result<String, EventError> {
    let host = context.text("domainName")?;
    let region = host.split('.').nth(2).unwrap_or_default();
    match crate::form::mismatch(Kind::Region, region) {
        None => Ok(region.to_owned()),
        Some(_) => Err(EventError::bad_value(
            context.path("domainName"),
            &host,
            "the host of a function URL: ID.lambda-url.REGION.on.aws",
        )),
    }
}

/// The parts of the payload that say who commanded what. The rest is dropped: the headers have the signature of the
/// request and the session token of the caller.
pub(crate) fn kept(payload: &Value) -> Option<Value> {
    let context = payload.get("requestContext")?;
    let of = |value: &Value, names: &[&str]| -> Value {
        let members = names.iter().filter_map(|name| Some(((*name).to_owned(), value.get(*name)?.clone())));
        Value::Object(members.collect())
    };
    let mut kept = of(context, &["accountId", "domainName", "requestId", "timeEpoch"]);
    let iam = context.pointer("/authorizer/iam").map(|iam| of(iam, &["accountId", "userArn", "userId"]));
    if let (Value::Object(members), Some(iam)) = (&mut kept, iam) {
        members.insert("authorizer".to_owned(), serde_json::json!({ "iam": iam }));
    }
    let body = payload.get("body").cloned().unwrap_or_default();
    Some(serde_json::json!({ "requestContext": kept, "body": body, "isBase64Encoded": false }))
}
