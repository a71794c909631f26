//! The strict parser of Tidegate's events. It uses the table of fields of each event.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    ApprovalGiven, CommitPushed, Contract, DeploymentFinished, DeploymentRequested, DeploymentWaiting,
    DriftObserved, EndpointHealthChanged, Field, FreezeLifted, FreezePlaced, GateReported, HoldPlaced,
    HoldReleased, Kind, PromotionForced, RetrainingFinished, RetrainingRequested, RollbackRequested, SCHEMA,
};
use crate::form::{LIST_LIMIT, PATH_LIMIT, is_plain};
use crate::json::Json;
use crate::time::is_ahead;
use crate::{Body, EventError, fields, fields::Fields};

/// Parses the body of an event whose source is Tidegate.
///
/// An unknown detail-type becomes [`Body::Other`], because a newer version of Tidegate may publish more events.
///
/// `sent` is the time at which the event was sent, if it is known.
pub(crate) fn body(
    detail_type: &str,
    detail: Option<&Json<'_>>,
    sent: Option<Timestamp>,
) -> Result<Body, EventError> {
    Ok(match detail_type {
        CommitPushed::DETAIL_TYPE => Body::CommitPushed(commit(detail, sent)?),
        RetrainingRequested::DETAIL_TYPE => Body::RetrainingRequested(read(detail, sent)?),
        RetrainingFinished::DETAIL_TYPE => Body::RetrainingFinished(read(detail, sent)?),
        DeploymentRequested::DETAIL_TYPE => Body::DeploymentRequested(read(detail, sent)?),
        DeploymentWaiting::DETAIL_TYPE => Body::DeploymentWaiting(read(detail, sent)?),
        DeploymentFinished::DETAIL_TYPE => Body::DeploymentFinished(read(detail, sent)?),
        EndpointHealthChanged::DETAIL_TYPE => Body::EndpointHealthChanged(read(detail, sent)?),
        DriftObserved::DETAIL_TYPE => Body::DriftObserved(read(detail, sent)?),
        ApprovalGiven::DETAIL_TYPE => Body::ApprovalGiven(read(detail, sent)?),
        HoldPlaced::DETAIL_TYPE => Body::HoldPlaced(read(detail, sent)?),
        HoldReleased::DETAIL_TYPE => Body::HoldReleased(read(detail, sent)?),
        RollbackRequested::DETAIL_TYPE => Body::RollbackRequested(read(detail, sent)?),
        PromotionForced::DETAIL_TYPE => Body::PromotionForced(read(detail, sent)?),
        FreezePlaced::DETAIL_TYPE => Body::FreezePlaced(read(detail, sent)?),
        FreezeLifted::DETAIL_TYPE => Body::FreezeLifted(read(detail, sent)?),
        GateReported::DETAIL_TYPE => Body::GateReported(read(detail, sent)?),
        _ => Body::Other,
    })
}

/// A push requires a commit. Without one it cannot start a pipeline, and it looks like a deletion.
fn commit(detail: Option<&Json<'_>>, sent: Option<Timestamp>) -> Result<CommitPushed, EventError> {
    let push: CommitPushed = read(detail, sent)?;
    if push.commit.is_none() && push.change != super::RefChange::Deleted {
        return Err(EventError::missing("detail.commit".to_owned()));
    }
    Ok(push)
}

pub(crate) fn read<T: Contract>(detail: Option<&Json<'_>>, sent: Option<Timestamp>) -> Result<T, EventError> {
    let fields = Fields::detail(detail)?;
    schema::<T>(&fields)?;
    let mut plain = Map::new();
    for field in T::FIELDS {
        match fields.get(field.name) {
            Some(value) => plain.insert(field.name.to_owned(), check(&fields, field, value, sent)?),
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
fn check(
    fields: &Fields<'_>,
    field: &Field,
    value: &Json<'_>,
    sent: Option<Timestamp>,
) -> Result<Value, EventError> {
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
            if texts.len() > LIST_LIMIT {
                let expected = format!("at most {LIST_LIMIT} texts");
                return bad(fields.path(name), &format!("{} texts", texts.len()), expected);
            }
            if let Some((at, text)) = texts.iter().enumerate().find(|(_, text)| !is_plain(text, PATH_LIMIT)) {
                let expected = format!("a text of 1 to {PATH_LIMIT} characters without hidden characters");
                return bad(fields.path(&format!("{name}[{at}]")), text, expected);
            }
        }
        Kind::End => {
            let text = fields.text(name)?;
            text.parse::<Timestamp>().map_err(|_| EventError::bad_time(fields.path(name), &text))?;
        }
        Kind::Time => {
            let text = fields.text(name)?;
            let at: Timestamp = text.parse().map_err(|_| EventError::bad_time(fields.path(name), &text))?;
            if let Some(sent) = sent.filter(|sent| is_ahead(at, *sent)) {
                return Err(EventError::InFuture { field: fields.path(name), value: at, sent });
            }
        }
        kind => drop(fields.formed(name, kind)?),
    }
    Ok(value.to_value())
}
