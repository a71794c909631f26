//! The strict parser of Tidegate's events. It uses the table of fields of each event.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    ApprovalGiven, CommitPushed, Contract, DeploymentFinished, DeploymentRequested, DeploymentWaiting,
    DriftObserved, EndpointHealthChanged, Field, HoldPlaced, HoldReleased, Kind, RetrainingFinished,
    RetrainingRequested, SCHEMA,
};
use crate::json::Json;
use crate::{Body, EventError, fields, fields::Fields};

/// Parses the body of an event whose source is Tidegate.
///
/// An unknown detail-type becomes [`Body::Other`], because a newer version of Tidegate may publish more events.
pub(crate) fn body(detail_type: &str, detail: Option<&Json<'_>>) -> Result<Body, EventError> {
    Ok(match detail_type {
        CommitPushed::DETAIL_TYPE => Body::CommitPushed(commit(detail)?),
        RetrainingRequested::DETAIL_TYPE => Body::RetrainingRequested(read(detail)?),
        RetrainingFinished::DETAIL_TYPE => Body::RetrainingFinished(read(detail)?),
        DeploymentRequested::DETAIL_TYPE => Body::DeploymentRequested(read(detail)?),
        DeploymentWaiting::DETAIL_TYPE => Body::DeploymentWaiting(read(detail)?),
        DeploymentFinished::DETAIL_TYPE => Body::DeploymentFinished(read(detail)?),
        EndpointHealthChanged::DETAIL_TYPE => Body::EndpointHealthChanged(read(detail)?),
        DriftObserved::DETAIL_TYPE => Body::DriftObserved(read(detail)?),
        ApprovalGiven::DETAIL_TYPE => Body::ApprovalGiven(read(detail)?),
        HoldPlaced::DETAIL_TYPE => Body::HoldPlaced(read(detail)?),
        HoldReleased::DETAIL_TYPE => Body::HoldReleased(read(detail)?),
        _ => Body::Other,
    })
}

/// A push requires a commit. Without one it cannot start a pipeline, and it looks like a deletion.
fn commit(detail: Option<&Json<'_>>) -> Result<CommitPushed, EventError> {
    let push: CommitPushed = read(detail)?;
    if push.commit.is_none() && push.change != super::RefChange::Deleted {
        return Err(EventError::missing("detail.commit".to_owned()));
    }
    Ok(push)
}

fn read<T: Contract>(detail: Option<&Json<'_>>) -> Result<T, EventError> {
    let fields = Fields::detail(detail)?;
    schema::<T>(&fields)?;
    let mut plain = Map::new();
    for field in T::FIELDS {
        match fields.get(field.name) {
            Some(value) => plain.insert(field.name.to_owned(), check(&fields, field, value)?),
            None if field.required => return Err(fields.missing(field.name)),
            None => None,
        };
    }
    let known: Vec<&str> = T::FIELDS.iter().map(|field| field.name).chain(["schema"]).collect();
    fields.reject_unknown(&known)?;
    // The checks above accept only values that the type can parse, and tests verify that. This error is a second
    // safeguard.
    serde_json::from_value(Value::Object(plain)).map_err(|error| {
        EventError::bad_value("detail".to_owned(), T::DETAIL_TYPE, format!("the contract's fields ({error})"))
    })
}

fn schema<T: Contract>(fields: &Fields<'_>) -> Result<(), EventError> {
    let found = fields.get("schema").ok_or_else(|| fields.missing("schema"))?;
    if fields::whole(found) == Some(SCHEMA) {
        return Ok(());
    }
    let shown: String = found.to_string().chars().take(80).collect();
    Err(EventError::UnknownSchema { detail_type: T::DETAIL_TYPE.to_owned(), found: shown })
}

/// Checks one field that is present, and returns its value in the form that the type parses.
fn check(fields: &Fields<'_>, field: &Field, value: &Json<'_>) -> Result<Value, EventError> {
    let name = field.name;
    let bad = |path: String, text: &str, expected: String| Err(EventError::bad_value(path, text, expected));
    match field.kind {
        Kind::Version => return fields.version(name).map(Value::from),
        // The number is always finite: JSON has no other numbers, and the JSON parser rejects a number that is too
        // large for a float.
        Kind::Number if matches!(value, Json::Number(_)) => {}
        Kind::Number => return Err(fields.wrong(name, "a number", value)),
        Kind::Texts => {
            let texts = fields.texts_opt(name)?.unwrap_or_default();
            if let Some(at) = texts.iter().position(String::is_empty) {
                return bad(fields.path(&format!("{name}[{at}]")), "", "a text that is not empty".to_owned());
            }
        }
        Kind::Time => {
            let text = fields.text(name)?;
            if text.parse::<Timestamp>().is_err() {
                return Err(EventError::bad_time(fields.path(name), &text));
            }
        }
        Kind::Text | Kind::Reason | Kind::Account | Kind::Arn | Kind::OneOf(_) => {
            let text = fields.text(name)?;
            if let Some(expected) = word(field.kind, &text) {
                return bad(fields.path(name), &text, expected);
            }
        }
    }
    Ok(value.to_value())
}

/// Returns what was expected, if the text is not of this kind.
fn word(kind: Kind, text: &str) -> Option<String> {
    let first = text.bytes().next().unwrap_or_default();
    let (good, expected) = match kind {
        Kind::Reason => {
            let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            (plain && first.is_ascii_lowercase(), "a reason in snake_case".to_owned())
        }
        Kind::Account => {
            let digits = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
            (digits, "an account id of twelve digits".to_owned())
        }
        Kind::Arn => (text.starts_with("arn:") && text.split(':').count() >= 6, "an ARN".to_owned()),
        Kind::OneOf(words) => (words.contains(&text), format!("one of {}", words.join(", "))),
        _ => (true, String::new()),
    };
    (!good).then_some(expected)
}
