//! `AWS Health Event`.

use crate::form::LONG_TEXT_LIMIT;
use crate::text::shorten;
use crate::{EventError, fields::Fields, json::Json};

/// What AWS Health says about a service, or about resources of an account.
///
/// See <https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html>. One event is sent again
/// for each update, and to a backup region, and a long list of entities is divided into pages. The samples of that page lack
/// members that it calls required, so almost all are optional here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthEvent {
    /// The ARN of the event, which its updates share.
    pub event_arn: String,
    /// The service, such as `SAGEMAKER`.
    pub service: String,
    /// The type, such as `AWS_SAGEMAKER_OPERATIONAL_ISSUE`.
    pub type_code: Option<String>,
    /// `issue`, `accountNotification`, `scheduledChange` or `investigation`.
    pub category: Option<String>,
    /// `open`, `closed` or `upcoming`.
    pub status: Option<String>,
    /// The id of this message: another one for each update and each page.
    pub communication_id: Option<String>,
    /// When the event was last updated, as AWS writes it.
    pub last_updated: Option<String>,
    /// The page of affected entities.
    pub page: Option<String>,
    /// The region that is affected. The region of the envelope is the one of the delivery.
    pub event_region: Option<String>,
    /// The account that is affected. The account of the envelope is the one of the delivery.
    pub affected_account: Option<String>,
    /// The description, in English if there is one.
    pub description: Option<String>,
    /// What is affected: ids, names or ARNs. A public event has none.
    pub entities: Vec<String>,
    /// Whether this is the copy that AWS sends to the backup region.
    pub is_backup: bool,
}

/// The members of the detail that [`read`] uses.
pub(crate) const MEMBERS: &[&str] = &[
    "affectedAccount",
    "affectedEntities",
    "backupEvent",
    "communicationId",
    "eventArn",
    "eventDescription",
    "eventRegion",
    "eventTypeCategory",
    "eventTypeCode",
    "lastUpdatedTime",
    "page",
    "service",
    "statusCode",
];

pub(crate) fn read(fields: &Fields<'_>) -> Result<HealthEvent, EventError> {
    Ok(HealthEvent {
        event_arn: fields.text("eventArn")?,
        service: fields.text("service")?,
        type_code: fields.text_opt("eventTypeCode")?,
        category: fields.text_opt("eventTypeCategory")?,
        status: fields.text_opt("statusCode")?,
        communication_id: fields.text_opt("communicationId")?,
        last_updated: fields.text_opt("lastUpdatedTime")?,
        page: fields.text_opt("page")?,
        event_region: fields.text_opt("eventRegion")?,
        affected_account: fields.text_opt("affectedAccount")?,
        description: description(fields)?,
        entities: members(fields, "affectedEntities", "entityValue")?,
        is_backup: fields.text_opt("backupEvent")?.is_some_and(|backup| backup.eq_ignore_ascii_case("true")),
    })
}

fn description(fields: &Fields<'_>) -> Result<Option<String>, EventError> {
    let Some(all) = fields.list_opt("eventDescription")? else { return Ok(None) };
    let text = |one: &Json<'_>, name: &str| match one {
        Json::Object(map) => {
            map.get(name).and_then(Json::as_str).map(|text| shorten(text, LONG_TEXT_LIMIT).into_owned())
        }
        _ => None,
    };
    let english =
        all.iter().find(|one| text(one, "language").is_some_and(|language| language.starts_with("en")));
    Ok(english.or(all.first()).and_then(|one| text(one, "latestDescription")))
}

/// One member of each object of a list. An object without it says nothing.
fn members(fields: &Fields<'_>, list: &str, name: &str) -> Result<Vec<String>, EventError> {
    let all = fields.list_opt(list)?.map(Vec::as_slice).unwrap_or_default();
    let value = |one: &Json<'_>| match one {
        Json::Object(map) => map.get(name).and_then(Json::as_str).map(str::to_owned),
        _ => None,
    };
    Ok(all.iter().filter_map(value).filter(|value| !value.is_empty()).collect())
}
